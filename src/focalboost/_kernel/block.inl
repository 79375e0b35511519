// A block of rows: loading and converting it, storing it, and adding it up. Included once per instruction set.
// The arithmetic is done in C, the wider of the margin's type and the output's.

constexpr std::int64_t block_rows = 512;
static_assert(chunk_rows % block_rows == 0, "a chunk is a whole number of blocks");

template <class T, class C>
FB_INLINE void load_as(const T* from, std::int64_t stride, std::int64_t n, C* to) {
  if (stride == 1) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = C(from[i]);
  } else {
    for (std::int64_t i = 0; i < n; ++i) to[i] = C(from[i * stride]);
  }
}

// Rows [first, first + n) of a column, in C: the array itself where it already is that.
template <class C>
FB_APART const C* load(const Array& array, std::int64_t first, std::int64_t column, std::int64_t n,
                        C* buffer) {
  const std::int64_t at = first * array.row + column * array.column;
  if (array.wide == (sizeof(C) == 8) && array.row == 1) return static_cast<const C*>(array.data) + at;
  if (array.wide) {
    load_as(static_cast<const double*>(array.data) + at, array.row, n, buffer);
  } else {
    load_as(static_cast<const float*>(array.data) + at, array.row, n, buffer);
  }
  return buffer;
}

template <class T, class C>
FB_INLINE void store_as(const C* from, std::int64_t stride, std::int64_t n, T* to) {
  if (stride == 1) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = T(from[i]);
  } else {
    for (std::int64_t i = 0; i < n; ++i) to[i * stride] = T(from[i]);
  }
}

// Where to compute n values: the array itself where it is contiguous and of type C, else the buffer.
template <class C>
FB_INLINE C* target(const Array& array, std::int64_t first, std::int64_t column, C* buffer) {
  if (array.wide != (sizeof(C) == 8) || array.row != 1) return buffer;
  return static_cast<C*>(array.data) + first * array.row + column * array.column;
}

template <class C>
FB_APART void store(const C* from, const C* buffer, const Array& array, std::int64_t first,
                     std::int64_t column, std::int64_t n) {
  if (from != buffer) return;
  const std::int64_t at = first * array.row + column * array.column;
  if (array.wide) {
    store_as(from, array.row, n, static_cast<double*>(array.data) + at);
  } else {
    store_as(from, array.row, n, static_cast<float*>(array.data) + at);
  }
}

// The weights of a block as C, checked; null where there are none.
template <class C>
FB_APART const C* load_weight(const Job& job, std::int64_t first, std::int64_t n, C* buffer,
                               unsigned& status) {
  if (!job.weight.data) return nullptr;
  const C* weight = load(job.weight, first, 0, n, buffer);
  unsigned bad = 0;
  for (std::int64_t i = 0; i < n; ++i) bad |= !(weight[i] >= 0) | !(weight[i] <= C(max_weight));
  if (bad) status |= weight_invalid;
  return weight;
}

// Sums in eight lanes whatever the vector length, so that every instruction set gives the same bits.
template <class C>
FB_APART double lane_sum(const C* values, std::int64_t n) {
  double lanes[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int j = 0; j < 8; ++j) lanes[j] += double(values[i + j]);
  }
  for (int j = 0; i < n; ++i, ++j) lanes[j] += double(values[i]);
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
         ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

template <class C>
void add_to_chunk(const Job& job, std::int64_t first, std::int64_t n, const C* loss,
                            const C* weight) {
  if (!job.chunk_loss) return;
  const std::int64_t chunk = first / chunk_rows;
  job.chunk_loss[chunk] += lane_sum(loss, n);
  job.chunk_weight[chunk] += weight ? lane_sum(weight, n) : double(n);
}
