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

// All columns of a block, to or from planes. Where the columns of a row lie together, up to eight of them move
// row by row, their number known to the compiler: twice as fast as column after column.
template <int Columns, class From, class To>
inline void move_columns(const From* __restrict__ from, std::int64_t from_row, std::int64_t from_column,
                         To* __restrict__ to, std::int64_t to_row, std::int64_t to_column, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    From values[Columns];
    for (int k = 0; k < Columns; ++k) values[k] = from[i * from_row + k * from_column];
    for (int k = 0; k < Columns; ++k) to[i * to_row + k * to_column] = To(values[k]);
  }
}

template <class From, class To>
void move_block(const From* from, std::int64_t from_row, std::int64_t from_column, To* to,
                          std::int64_t to_row, std::int64_t to_column, std::int64_t n, std::int64_t columns) {
  const bool row_by_row = from_column == 1 || to_column == 1;
  for (std::int64_t k = 0; k < columns;) {
    const std::int64_t left = row_by_row ? columns - k : 1;
#define FB_MOVE(N)                                                                          \
  if (left >= N) {                                                                          \
    move_columns<N>(from, from_row, from_column, to, to_row, to_column, n);                 \
    from += N * from_column, to += N * to_column, k += N;                                   \
    continue;                                                                               \
  }
    FB_MOVE(8)
    FB_MOVE(7)
    FB_MOVE(5)
    FB_MOVE(3)
    FB_MOVE(2)
    FB_MOVE(1)
#undef FB_MOVE
  }
}

template <class C>
FB_APART void load_planes(const Array& a, std::int64_t first, std::int64_t n, std::int64_t columns,
                           C* planes, std::int64_t plane) {
  if (a.wide) {
    const double* from = static_cast<const double*>(a.data) + first * a.row;
    move_block(from, a.row, a.column, planes, 1, plane, n, columns);
  } else {
    const float* from = static_cast<const float*>(a.data) + first * a.row;
    move_block(from, a.row, a.column, planes, 1, plane, n, columns);
  }
}

template <class C>
FB_APART void store_planes(const C* planes, std::int64_t plane, const Array& a, std::int64_t first,
                            std::int64_t n, std::int64_t columns) {
  if (a.wide) {
    double* to = static_cast<double*>(a.data) + first * a.row;
    move_block(planes, 1, plane, to, a.row, a.column, n, columns);
  } else {
    float* to = static_cast<float*>(a.data) + first * a.row;
    move_block(planes, 1, plane, to, a.row, a.column, n, columns);
  }
}
