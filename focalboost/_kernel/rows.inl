// One pass over rows: load and convert a block, compute, store. Included once per instruction set,
// inside a namespace of its own. The arithmetic is done in C, the wider of the margin's type and the
// output's; blocks live on the stack or, for softmax, in one small buffer per pass.

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

// ---- one margin: binary, one-vs-rest, multilabel -------------------------------------------------

// 0/1 labels of one column, from 0/1 columns or from class numbers; in C, so that the loops that use them have
// lanes of one width.
template <class C>
FB_APART const C* load_sigmoid_label(const Job& job, std::int64_t first, std::int64_t column,
                                      std::int64_t n, C* buffer, unsigned& status) {
  const bool one_hot = job.columns > 1 && !job.multilabel;
  const C* label = load(job.label, first, job.multilabel ? column : 0, n, buffer);
  unsigned bad = 0;
  if (one_hot) {
    const C k = C(column), highest = C(job.columns - 1);
    for (std::int64_t i = 0; i < n; ++i) {
      const C y = label[i];
      bad |= !(C(int(min_(max_(y, C(0)), highest))) == y);
      buffer[i] = y == k ? C(1) : C(0);
    }
    label = buffer;
  } else {
    for (std::int64_t i = 0; i < n; ++i) bad |= !(label[i] == C(0)) & !(label[i] == C(1));
  }
  if (bad) status |= label_invalid;
  return label;
}

template <class C, bool Exact, int Power, bool Weighted>
FB_APART unsigned sigmoid_derivatives(const Job& job, std::int64_t n, const C* __restrict__ z,
                                       const C* __restrict__ y, const C* __restrict__ w, C alpha0,
                                       C alpha1, C* __restrict__ gradient, C* __restrict__ hessian) {
  const Focus<C> focus(job.gamma);
  const C factor = C(job.hessian_factor), inverse_step = C(job.inverse_step);
  unsigned bad = 0;
#pragma omp simd reduction(| : bad)
  for (std::int64_t i = 0; i < n; ++i) {
    const bool positive = y[i] > C(0.5);
    const C s = positive ? z[i] : -z[i];
    C a = positive ? alpha1 : alpha0;
    if (Weighted) a = a * w[i];
    C slope, curvature;
    slope_and_curvature<Exact, false, Power>(s, C(0), focus, a, slope, curvature);
    gradient[i] = positive ? -slope : slope;
    curvature = factor * curvature;
    hessian[i] = Exact ? curvature : max_(curvature, slope * inverse_step);
    bad |= !(s == s);
  }
  return bad;
}

template <class C, bool Exact, int Power>
unsigned sigmoid_block(const Job& job, std::int64_t first, std::int64_t n) {
  alignas(64) C z_buffer[block_rows], w_buffer[block_rows], g_buffer[block_rows], h_buffer[block_rows];
  alignas(64) C y_buffer[block_rows];
  unsigned status = 0;
  const C* w = load_weight(job, first, n, w_buffer, status);
  for (std::int64_t k = 0; k < job.columns; ++k) {
    const C* y = load_sigmoid_label(job, first, k, n, y_buffer, status);
    const C* z = load(job.margin, first, k, n, z_buffer);
    C* gradient = target(job.gradient, first, k, g_buffer);
    C* hessian = target(job.hessian, first, k, h_buffer);
    const C alpha0 = C(job.alpha[2 * k]), alpha1 = C(job.alpha[2 * k + 1]);
    const unsigned bad =
        w ? sigmoid_derivatives<C, Exact, Power, true>(job, n, z, y, w, alpha0, alpha1, gradient, hessian)
          : sigmoid_derivatives<C, Exact, Power, false>(job, n, z, y, w, alpha0, alpha1, gradient, hessian);
    if (bad) status |= margin_nan;
    store(gradient, g_buffer, job.gradient, first, k, n);
    store(hessian, h_buffer, job.hessian, first, k, n);
  }
  return status;
}

template <class C>
unsigned sigmoid_loss_block(const Job& job, std::int64_t first, std::int64_t n) {
  alignas(64) C z_buffer[block_rows], w_buffer[block_rows], loss[block_rows];
  alignas(64) C y_buffer[block_rows];
  const Focus<C> focus(job.gamma);
  unsigned status = 0;
  const C* w = load_weight(job, first, n, w_buffer, status);
  for (std::int64_t i = 0; i < n; ++i) loss[i] = 0;
  for (std::int64_t k = 0; k < job.columns; ++k) {
    const C* y = load_sigmoid_label(job, first, k, n, y_buffer, status);
    const C* z = load(job.margin, first, k, n, z_buffer);
    const C alpha0 = C(job.alpha[2 * k]), alpha1 = C(job.alpha[2 * k + 1]);
    unsigned bad = 0;
#pragma omp simd reduction(| : bad)
    for (std::int64_t i = 0; i < n; ++i) {
      const bool positive = y[i] > C(0.5);
      const C s = positive ? z[i] : -z[i];
      loss[i] += loss_value<false>(s, C(0), focus, positive ? alpha1 : alpha0);
      bad |= !(s == s);
    }
    if (bad) status |= margin_nan;
  }
  if (w) {
    for (std::int64_t i = 0; i < n; ++i) loss[i] = w[i] == 0 ? C(0) : loss[i] * w[i];
  }
  if (job.loss.data) store(loss, loss, job.loss, first, 0, n);
  add_to_chunk(job, first, n, loss, w);
  return status;
}

// ---- softmax -------------------------------------------------------------------------------------

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

// Space for one block: for each class a plane of margins, then exponentials, then gradients, and one of
// Hessians; and a plane for each of the rest.
template <class C>
struct SoftmaxBlock {
  std::int64_t capacity = block_rows;
  C *e, *h, *margin, *margin_low, *top, *rest, *a, *w;
  std::int32_t *y, *top_class;
  char* memory;

  explicit SoftmaxBlock(std::int64_t columns) {
    while (capacity > 16 && capacity * columns > 4096) capacity /= 2;
    const std::int64_t plane = capacity;
    memory = static_cast<char*>(__builtin_malloc((2 * columns + 6) * plane * sizeof(C) +
                                                 2 * plane * sizeof(std::int32_t)));
    if (!memory) return;
    C* at = reinterpret_cast<C*>(memory);
    e = at, at += columns * plane;
    h = at, at += columns * plane;
    margin = at, at += plane;
    margin_low = at, at += plane;
    top = at, at += plane;
    rest = at, at += plane;
    a = at, at += plane;
    w = at, at += plane;
    y = reinterpret_cast<std::int32_t*>(at);
    top_class = y + plane;
  }
  ~SoftmaxBlock() { __builtin_free(memory); }
  SoftmaxBlock(const SoftmaxBlock&) = delete;
  SoftmaxBlock& operator=(const SoftmaxBlock&) = delete;
};

// Reads a block, and reduces each row to its margin s + s_low of the true class over the others.
// With m the largest other margin and rest the sum of exp(z_j - m) over the others but that one,
//   s = (z_y - m) - log1p(rest),
// so that neither q nor 1 - r is ever a difference of near-equal numbers.
template <class C>
FB_APART unsigned softmax_margins(const Job& job, SoftmaxBlock<C>& b, std::int64_t first,
                                   std::int64_t n) {
  using R = Real<C>;
  const std::int32_t K = std::int32_t(job.columns);
  C* const __restrict__ top = b.top;
  C* const __restrict__ rest = b.rest;
  C* const __restrict__ margin = b.margin;
  C* const __restrict__ margin_low = b.margin_low;
  std::int32_t* const __restrict__ y = b.y;
  std::int32_t* const __restrict__ top_class = b.top_class;
  unsigned status = 0;

  float label_buffer[block_rows];
  const float* label = load(job.label, first, 0, n, label_buffer);
  const C* w = load_weight(job, first, n, b.w, status);
  unsigned bad_label = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    y[i] = std::int32_t(min_(max_(label[i], 0.0f), float(K - 1)));
    bad_label |= !(float(y[i]) == label[i]);
    top[i] = -R::infinity;
    rest[i] = 0;
    top_class[i] = y[i] == 0;  // any class but y, should all the others be -inf
  }
  if (bad_label) status |= label_invalid;
  for (std::int64_t i = 0; i < n; ++i) b.a[i] = C(job.alpha[y[i]]);
  if (w) {
    for (std::int64_t i = 0; i < n; ++i) b.a[i] *= w[i];
  }

  load_planes(job.margin, first, n, K, b.e, b.capacity);
  unsigned nan = 0;
  for (std::int32_t k = 0; k < K; ++k) {
    const C* const __restrict__ z = b.e + k * b.capacity;
#pragma omp simd reduction(| : nan)
    for (std::int64_t i = 0; i < n; ++i) {
      const C x = y[i] == k ? -R::infinity : z[i];
      nan |= !(z[i] == z[i]);
      top_class[i] = x > top[i] ? k : top_class[i];
      top[i] = max_(x, top[i]);
    }
  }
  if (nan) return status | margin_nan;

  for (std::int64_t i = 0; i < n; ++i) margin[i] = b.e[y[i] * b.capacity + i];
  for (std::int32_t k = 0; k < K; ++k) {
    C* const __restrict__ e = b.e + k * b.capacity;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      const C z = e[i];
      const C drop = top[i] - z;
      const bool level = z == top[i];  // also where both are infinite
      const C below = level ? C(0) : min_(max_(drop, C(0)), R::saturation);
      const C low = level ? C(0) : difference_error(top[i], z, drop);
      const C exponential = exp_neg<true>(below, low);
      const bool none = (y[i] == k) | ((drop > R::saturation) & !level);
      e[i] = none ? C(0) : exponential;
      rest[i] += none | (top_class[i] == k) ? C(0) : exponential;
    }
  }
  unsigned undefined = 0;
#pragma omp simd reduction(| : undefined)
  for (std::int64_t i = 0; i < n; ++i) {
    const C z = margin[i];
    const C above = z - top[i];
    C log_low;
    const C log_others = log1p_any(rest[i], log_low);
    const C s = above - log_others;
    const C low = difference_error(z, top[i], above) + (difference_error(above, log_others, s) - log_low);
    margin[i] = s;
    margin_low[i] = abs_(s) > R::saturation ? C(0) : low;
    undefined |= (above != above) | ((top[i] == R::infinity) & (rest[i] >= C(1)));
  }
  if (undefined) status |= margin_undefined;
  return status;
}

// What the classes of a row have in common. Slope takes the place of the row's margin, curvature / slope that of
// margin_low, the factor from exponentials to r that of top, and 1 - r of the largest other class that of rest.
// Below the level in w, r is so small that its gradient would be denormal, and slow.
template <class C, bool Exact, int Power>
FB_APART void softmax_slopes(const Job& job, SoftmaxBlock<C>& b, std::int64_t n) {
  const Focus<C> focus(job.gamma);
  C* const __restrict__ margin = b.margin;
  C* const __restrict__ margin_low = b.margin_low;
  C* const __restrict__ top = b.top;
  C* const __restrict__ rest = b.rest;
  C* const __restrict__ level = b.w;
  const C* const __restrict__ a = b.a;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    C slope, curvature;
    slope_and_curvature<Exact, true, Power>(margin[i], margin_low[i], focus, a[i], slope, curvature);
    const C ratio = curvature / slope;
    margin[i] = slope;
    margin_low[i] = slope > 0 ? ratio : C(0);
    level[i] = Real<C>::smallest / slope;
    top[i] = C(1) / (C(1) + rest[i]);
    rest[i] *= top[i];
  }
}

template <class C, bool Exact>
FB_APART void softmax_classes(const Job& job, SoftmaxBlock<C>& b, std::int64_t first, std::int64_t n) {
  const C factor = C(job.hessian_factor), inverse_step = C(job.inverse_step);
  const C* const __restrict__ slope = b.margin;
  const C* const __restrict__ ratio = b.margin_low;
  const C* const __restrict__ scale = b.top;
  const C* const __restrict__ not_top = b.rest;
  const C* const __restrict__ level = b.w;
  const std::int32_t* const __restrict__ y = b.y;
  const std::int32_t* const __restrict__ top_class = b.top_class;
  for (std::int32_t k = 0; k < job.columns; ++k) {
    C* const __restrict__ gradient = b.e + k * b.capacity;
    C* const __restrict__ hessian = b.h + k * b.capacity;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      const bool own = y[i] == k, top = top_class[i] == k;
      const C other = gradient[i] * scale[i];
      const C r = own ? C(1) : other < level[i] ? C(0) : other;
      const C near = not_top[i];
      const C not_r = own ? C(0) : top ? near : C(1) - r;
      const C share = slope[i] * r;
      // curvature r^2 + slope r (1 - r)
      const C h = factor * (share * fma_(ratio[i], r, not_r));
      gradient[i] = own ? -share : share;
      hessian[i] = Exact ? h : max_(h, share * inverse_step);
    }
  }
  store_planes(b.e, b.capacity, job.gradient, first, n, job.columns);
  store_planes(b.h, b.capacity, job.hessian, first, n, job.columns);
}

template <class C, bool Exact, int Power>
unsigned softmax_block(const Job& job, SoftmaxBlock<C>& b, std::int64_t first, std::int64_t n) {
  const unsigned status = softmax_margins(job, b, first, n);
  softmax_slopes<C, Exact, Power>(job, b, n);
  softmax_classes<C, Exact>(job, b, first, n);
  return status;
}

template <class C>
unsigned softmax_loss_block(const Job& job, SoftmaxBlock<C>& b, std::int64_t first,
                                      std::int64_t n) {
  const unsigned status = softmax_margins(job, b, first, n);
  const Focus<C> focus(job.gamma);
  C* const __restrict__ loss = b.rest;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    loss[i] = loss_value<true>(b.margin[i], b.margin_low[i], focus, b.a[i]);
  }
  if (job.loss.data) store(loss, loss, job.loss, first, 0, n);
  unsigned again = 0;
  add_to_chunk(job, first, n, loss, load_weight(job, first, n, b.w, again));
  return status;
}

// ---- the pass ------------------------------------------------------------------------------------

// block(first, n) for each block of rows.
template <class Block>
FB_INLINE unsigned each_block(std::int64_t begin, std::int64_t end, std::int64_t rows, Block block) {
  unsigned status = 0;
  for (std::int64_t first = begin; first < end; first += rows) status |= block(first, min_(rows, end - first));
  return status;
}

template <class C, bool Exact, int Power>
unsigned derivatives_as(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.form == Form::sigmoid) {
    return each_block(begin, end, block_rows, [&](std::int64_t first, std::int64_t n) {
      return sigmoid_block<C, Exact, Power>(job, first, n);
    });
  }
  SoftmaxBlock<C> b(job.columns);
  if (!b.memory) return out_of_memory;
  return each_block(begin, end, b.capacity, [&](std::int64_t first, std::int64_t n) {
    return softmax_block<C, Exact, Power>(job, b, first, n);
  });
}

template <class C>
unsigned losses_as(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.form == Form::sigmoid) {
    return each_block(begin, end, block_rows, [&](std::int64_t first, std::int64_t n) {
      return sigmoid_loss_block<C>(job, first, n);
    });
  }
  SoftmaxBlock<C> b(job.columns);
  if (!b.memory) return out_of_memory;
  return each_block(begin, end, b.capacity, [&](std::int64_t first, std::int64_t n) {
    return softmax_loss_block<C>(job, b, first, n);
  });
}

template <class C>
unsigned derivatives_of(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.exact) return derivatives_as<C, true, 0>(job, begin, end);
  if (job.gamma == 1) return derivatives_as<C, false, 1>(job, begin, end);
  if (job.gamma == 2) return derivatives_as<C, false, 2>(job, begin, end);
  return derivatives_as<C, false, 0>(job, begin, end);
}

unsigned derivatives(const Job& job, std::int64_t begin, std::int64_t end) {
  return job.margin.wide || job.gradient.wide ? derivatives_of<double>(job, begin, end)
                                              : derivatives_of<float>(job, begin, end);
}

unsigned losses(const Job& job, std::int64_t begin, std::int64_t end) {
  return job.margin.wide ? losses_as<double>(job, begin, end) : losses_as<float>(job, begin, end);
}
