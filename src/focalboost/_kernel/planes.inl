// All columns of a block of rows, to and from planes: one run of values for each column. Included once per
// instruction set.

// Rows of floats whose columns lie together move through registers, eight rows of up to eight columns at a time: one
// row after the other, the float pass at K = 7 takes a quarter longer. A register may reach over the end of its row
// into the next row of the block: what is read there is not used, and what is written there is written anew, as tiles
// go down the rows, and columns short of eight go before those to their left. So the last rows stay with the loop over
// single rows, and so do fewer than four columns, which would reach further than one row.
#ifdef __AVX2__
FB_INLINE void transpose(__m256 (&r)[8]) {
  __m256 two[8], four[8];
  for (int i = 0; i < 8; i += 2) {
    two[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    two[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; ++j) {
      four[i + 2 * j] = _mm256_shuffle_ps(two[i + j], two[i + j + 2], 0x44);
      four[i + 2 * j + 1] = _mm256_shuffle_ps(two[i + j], two[i + j + 2], 0xee);
    }
  }
  for (int k = 0; k < 4; ++k) {
    r[k] = _mm256_permute2f128_ps(four[k], four[k + 4], 0x20);
    r[k + 4] = _mm256_permute2f128_ps(four[k], four[k + 4], 0x31);
  }
}

FB_INLINE __m256 eight(const float* from) { return _mm256_loadu_ps(from); }
FB_INLINE __m256 eight(const double* from) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(_mm256_loadu_pd(from))),
                              _mm256_cvtpd_ps(_mm256_loadu_pd(from + 4)), 1);
}
FB_INLINE void put(__m256 values, float* to) { _mm256_storeu_ps(to, values); }
FB_INLINE void put(__m256 values, double* to) {
  _mm256_storeu_pd(to, _mm256_cvtps_pd(_mm256_castps256_ps128(values)));
  _mm256_storeu_pd(to + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(values, 1)));
}

template <int Columns, class From, class To>
FB_INLINE std::int64_t move_tiles(const From* from, std::int64_t from_row, std::int64_t from_column, To* to,
                                  std::int64_t to_row, std::int64_t to_column, std::int64_t n,
                                  std::int64_t columns) {
  constexpr bool loads = sizeof(From) == 4, stores = sizeof(To) == 4;
  std::int64_t i = 0;
  if constexpr (Columns >= 4) {
    __m256 tile[8];
    if (loads && from_column == 1 && to_row == 1 && from_row >= columns) {
      for (; i + 8 < n; i += 8) {
        for (int j = 0; j < 8; ++j) tile[j] = eight(from + (i + j) * from_row);
        transpose(tile);
        for (int k = 0; k < Columns; ++k) put(tile[k], to + i + k * to_column);
      }
    } else if (stores && to_column == 1 && from_row == 1 && (to_row == columns || Columns == 8)) {
      for (; i + 8 < n; i += 8) {
        for (int k = 0; k < 8; ++k) tile[k] = k < Columns ? eight(from + i + k * from_column) : _mm256_setzero_ps();
        transpose(tile);
        for (int j = 0; j < 8; ++j) put(tile[j], to + (i + j) * to_row);
      }
    }
  }
  return i;
}
#else
template <int Columns, class From, class To>
FB_INLINE std::int64_t move_tiles(const From*, std::int64_t, std::int64_t, To*, std::int64_t, std::int64_t,
                                  std::int64_t, std::int64_t) {
  return 0;
}
#endif

// Some columns of a block, the number of them known to the compiler.
template <int Columns, class From, class To>
inline void move_columns(const From* FB_RESTRICT from, std::int64_t from_row, std::int64_t from_column,
                         To* FB_RESTRICT to, std::int64_t to_row, std::int64_t to_column, std::int64_t n,
                         std::int64_t columns) {
  std::int64_t i = move_tiles<Columns>(from, from_row, from_column, to, to_row, to_column, n, columns);
  for (; i < n; ++i) {
    From values[Columns];
    for (int k = 0; k < Columns; ++k) values[k] = from[i * from_row + k * from_column];
    for (int k = 0; k < Columns; ++k) to[i * to_row + k * to_column] = To(values[k]);
  }
}

template <class From, class To>
void move_block(const From* from, std::int64_t from_row, std::int64_t from_column, To* to, std::int64_t to_row,
                std::int64_t to_column, std::int64_t n, std::int64_t columns) {
  const bool row_by_row = from_column == 1 || to_column == 1;
  for (std::int64_t k = columns; k > 0;) {
    const std::int64_t width = !row_by_row ? 1 : k % 8 ? k % 8 : 8;
    k -= width;
    const From* const source = from + k * from_column;
    To* const target = to + k * to_column;
    switch (width) {
#define FB_MOVE(N) \
  case N: move_columns<N>(source, from_row, from_column, target, to_row, to_column, n, columns); break;
      FB_MOVE(1) FB_MOVE(2) FB_MOVE(3) FB_MOVE(4) FB_MOVE(5) FB_MOVE(6) FB_MOVE(7) FB_MOVE(8)
#undef FB_MOVE
    }
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
