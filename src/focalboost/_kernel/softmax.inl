// Blocks of K exclusive classes. Included once per instruction set.

// Space for one block: for each class a plane of margins, then exponentials, then gradients, and one of
// Hessians; and a plane for each of the rest. The expected Hessian takes three more planes for each class.
// 64 rows: at K = 7 the float pass takes 8 ms for 580,000 rows, with 512 rows 11 ms, as their planes leave no room in
// the first-level cache.
template <class C>
struct SoftmaxBlock {
  static constexpr std::int64_t most_rows = 64;
  std::int64_t capacity = most_rows;
  C *e, *h, *odds, *steepness, *share, *margin, *margin_low, *top, *rest, *a, *w;
  std::int32_t *y, *top_class;
  char* memory;

  SoftmaxBlock(std::int64_t columns, bool expected) {
    while (capacity > 16 && capacity * columns > 4096) capacity /= 2;
    const std::int64_t plane = capacity, each = expected ? 5 : 2;
    memory = static_cast<char*>(std::malloc((each * columns + 6) * plane * sizeof(C) +
                                                 2 * plane * sizeof(std::int32_t)));
    if (!memory) return;
    C* at = reinterpret_cast<C*>(memory);
    e = at, at += columns * plane;
    h = at, at += columns * plane;
    odds = steepness = share = nullptr;
    if (expected) {
      odds = at, at += columns * plane;
      steepness = at, at += columns * plane;
      share = at, at += columns * plane;
    }
    margin = at, at += plane;
    margin_low = at, at += plane;
    top = at, at += plane;
    rest = at, at += plane;
    a = at, at += plane;
    w = at, at += plane;
    y = reinterpret_cast<std::int32_t*>(at);
    top_class = y + plane;
  }
  ~SoftmaxBlock() { std::free(memory); }
  SoftmaxBlock(const SoftmaxBlock&) = delete;
  SoftmaxBlock& operator=(const SoftmaxBlock&) = delete;
};

template <int Power>
void softmax_expected(const Job& job, SoftmaxBlock<double>& b, std::int64_t first, std::int64_t n);  // expected.inl

// Labels, and alpha times the weight of each row.
template <class C>
FB_APART unsigned softmax_labels(const Job& job, SoftmaxBlock<C>& b, std::int64_t first, std::int64_t n) {
  const float highest = float(job.columns - 1);
  unsigned status = 0, bad_label = 0;
  float label_buffer[block_rows];
  const float* label = load(job.label, first, 0, n, label_buffer);
  const C* w = load_weight(job, first, n, b.w, status);
  for (std::int64_t i = 0; i < n; ++i) {
    b.y[i] = std::int32_t(min_(max_(label[i], 0.0f), highest));
    bad_label |= !(float(b.y[i]) == label[i]);
  }
  for (std::int64_t i = 0; i < n; ++i) b.a[i] = C(job.alpha[b.y[i]]);
  if (w) {
    for (std::int64_t i = 0; i < n; ++i) b.a[i] *= w[i];
  }
  return bad_label ? status | label_invalid : status;
}

// Reads a block, and reduces each row to its margin s + s_low of the true class over the others.
// With m the largest other margin and rest the sum of exp(z_j - m) over the others but that one,
//   s = (z_y - m) - log1p(rest),
// so that neither q nor 1 - r is ever a difference of near-equal numbers.
template <class C>
FB_APART unsigned softmax_margins(const Job& job, SoftmaxBlock<C>& b, std::int64_t first,
                                   std::int64_t n) {
  using R = Real<C>;
  const std::int32_t K = std::int32_t(job.columns);
  C* const FB_RESTRICT top = b.top;
  C* const FB_RESTRICT rest = b.rest;
  C* const FB_RESTRICT margin = b.margin;
  C* const FB_RESTRICT margin_low = b.margin_low;
  std::int32_t* const FB_RESTRICT y = b.y;
  std::int32_t* const FB_RESTRICT top_class = b.top_class;
  unsigned status = softmax_labels(job, b, first, n);
  for (std::int64_t i = 0; i < n; ++i) {
    top[i] = -R::infinity;
    rest[i] = 0;
    top_class[i] = y[i] == 0;  // any class but y, should all the others be -inf
  }

  load_planes(job.margin, first, n, K, b.e, b.capacity);
  unsigned nan = 0;
  for (std::int32_t k = 0; k < K; ++k) {
    const C* const FB_RESTRICT z = b.e + k * b.capacity;
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
    C* const FB_RESTRICT e = b.e + k * b.capacity;
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
template <class C, Curvature Kind, int Power>
FB_APART void softmax_slopes(const Job& job, SoftmaxBlock<C>& b, std::int64_t n) {
  const Focus<C> focus(job.gamma);
  C* const FB_RESTRICT margin = b.margin;
  C* const FB_RESTRICT margin_low = b.margin_low;
  C* const FB_RESTRICT top = b.top;
  C* const FB_RESTRICT rest = b.rest;
  C* const FB_RESTRICT level = b.w;
  const C* const FB_RESTRICT a = b.a;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    C slope, curvature;
    constexpr Curvature own = Kind == Curvature::exact ? Kind : Curvature::upper;
    slope_and_curvature<own, true, Power>(margin[i], margin_low[i], focus, a[i], slope, curvature);
    const C ratio = curvature / slope;
    margin[i] = slope;
    margin_low[i] = slope > 0 ? ratio : C(0);
    level[i] = Real<C>::smallest / slope;
    top[i] = C(1) / (C(1) + rest[i]);
    rest[i] *= top[i];
  }
}

template <class C, Curvature Kind>
FB_APART void softmax_classes(const Job& job, SoftmaxBlock<C>& b, std::int64_t n) {
  const C factor = C(job.hessian_factor), inverse_step = C(job.inverse_step);
  const C* const FB_RESTRICT slope = b.margin;
  const C* const FB_RESTRICT ratio = b.margin_low;
  const C* const FB_RESTRICT scale = b.top;
  const C* const FB_RESTRICT not_top = b.rest;
  const C* const FB_RESTRICT level = b.w;
  const std::int32_t* const FB_RESTRICT y = b.y;
  const std::int32_t* const FB_RESTRICT top_class = b.top_class;
  for (std::int32_t k = 0; k < job.columns; ++k) {
    C* const FB_RESTRICT gradient = b.e + k * b.capacity;
    C* const FB_RESTRICT hessian = b.h + k * b.capacity;
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
      if (Kind != Curvature::expected) hessian[i] = Kind == Curvature::exact ? h : max_(h, share * inverse_step);
    }
  }
}

template <class C, Curvature Kind, int Power>
unsigned softmax_block(const Job& job, SoftmaxBlock<C>& b, std::int64_t first, std::int64_t n) {
  const unsigned status = softmax_margins(job, b, first, n);
  softmax_slopes<C, Kind, Power>(job, b, n);
  softmax_classes<C, Kind>(job, b, n);
  if constexpr (Kind == Curvature::expected && sizeof(C) == 8) softmax_expected<Power>(job, b, first, n);
  store_planes(b.e, b.capacity, job.gradient, first, n, job.columns);
  store_planes(b.h, b.capacity, job.hessian, first, n, job.columns);
  return status;
}

template <class C>
unsigned softmax_loss_block(const Job& job, SoftmaxBlock<C>& b, std::int64_t first,
                                      std::int64_t n) {
  const unsigned status = softmax_margins(job, b, first, n);
  const Focus<C> focus(job.gamma);
  C* const FB_RESTRICT loss = b.rest;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    loss[i] = loss_value<true>(b.margin[i], b.margin_low[i], focus, b.a[i]);
  }
  if (job.loss.data) store(loss, loss, job.loss, first, 0, n);
  unsigned again = 0;
  add_to_chunk(job, first, n, loss, load_weight(job, first, n, b.w, again));
  return status;
}
