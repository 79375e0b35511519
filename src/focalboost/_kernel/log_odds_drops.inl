// How blocks of softmax rows in log-odds are read. Included once per instruction set; log_odds_softmax.inl says what
// the terms are.

constexpr std::int64_t softmax_rows = SoftmaxBlock<double>::most_rows;

// What the passes over a block share, row by row.
struct LogOddsRows {
  alignas(64) double s[softmax_rows], Z[softmax_rows], nearest[softmax_rows];
  alignas(64) double v[softmax_rows], q[softmax_rows], softplus[softmax_rows], x[softmax_rows], m[softmax_rows];
  alignas(64) double bow[softmax_rows], phi[softmax_rows], P[softmax_rows], T[softmax_rows], D[softmax_rows];
  alignas(64) double bent[softmax_rows];  // sum of the other t omega
  alignas(64) double settled[softmax_rows], dx[softmax_rows], low[softmax_rows], high[softmax_rows];  // s in between
  alignas(64) double cut[softmax_rows], label_cut[softmax_rows];  // off all drops, and off that of the label besides
};

// Cuts off what lies beyond `furthest`: there no share is left, the gradient of the label has reached its limit, and
// the loss is linear. What the nearest class has too much is taken off every drop, so that none becomes another's equal.
FB_APART void log_odds_cut(SoftmaxBlock<double>& b, LogOddsRows& rows, double furthest, std::int64_t n,
                           std::int32_t K) {
  alignas(64) double nearest[softmax_rows];
  for (std::int64_t i = 0; i < n; ++i) {
    nearest[i] = min_(rows.nearest[i], 1e308);
    rows.nearest[i] = min_(rows.nearest[i], furthest);
    rows.cut[i] = max_(nearest[i] - furthest, 0.0);
    const double label = b.e[b.y[i] * b.capacity + i];
    rows.label_cut[i] = label == Real<double>::infinity ? label : max_(label - rows.cut[i] - 2 * furthest, 0.0);
  }
  for (std::int32_t k = 0; k < K; ++k) {
    double* const FB_RESTRICT drop = b.e + k * b.capacity;
    for (std::int64_t i = 0; i < n; ++i) {
      const double beyond = min_(drop[i], 1e308) - nearest[i];
      const double left = rows.cut[i] > 0 && b.top_class[i] != k ? furthest + beyond : drop[i];
      drop[i] = min_(left, 2 * furthest);
    }
  }
}

// Reads a block: labels, weights, and of each class how far it lies below the top.
FB_APART unsigned log_odds_drops(const Job& job, SoftmaxBlock<double>& b, LogOddsRows& rows, std::int64_t first,
                                 std::int64_t n) {
  using R = Real<double>;
  const std::int32_t K = std::int32_t(job.columns);
  double* const FB_RESTRICT top = b.top;
  std::int32_t* const FB_RESTRICT top_class = b.top_class;
  unsigned status = softmax_labels(job, b, first, n);
  load_planes(job.margin, first, n, K, b.e, b.capacity);
  for (std::int64_t i = 0; i < n; ++i) top[i] = -R::infinity, top_class[i] = 0, rows.nearest[i] = R::infinity;
  unsigned nan = 0;
  for (std::int32_t k = 0; k < K; ++k) {
    const double* const FB_RESTRICT f = b.e + k * b.capacity;
#pragma omp simd reduction(| : nan)
    for (std::int64_t i = 0; i < n; ++i) {
      nan |= !(f[i] == f[i]);
      top_class[i] = f[i] > top[i] ? k : top_class[i];
      top[i] = max_(f[i], top[i]);
    }
  }
  if (nan) return status | margin_nan;
  unsigned undefined = 0, far = 0;
  const double furthest = max_(R::saturation, 345 * (1 + job.gamma));
  for (std::int32_t k = 0; k < K; ++k) {
    double* const FB_RESTRICT drop = b.e + k * b.capacity;
#pragma omp simd reduction(| : undefined, far)
    for (std::int64_t i = 0; i < n; ++i) {
      const bool level = drop[i] == top[i];  // also where both are infinite
      const bool other = top_class[i] != k;
      undefined |= (top[i] == -R::infinity) | (level & other & (top[i] == R::infinity));
      drop[i] = level ? 0.0 : top[i] - drop[i];
      far |= drop[i] > furthest;
      rows.nearest[i] = other ? min_(drop[i], rows.nearest[i]) : rows.nearest[i];
    }
  }
  for (std::int64_t i = 0; i < n; ++i) rows.cut[i] = rows.label_cut[i] = 0;
  if (far) log_odds_cut(b, rows, furthest, n, K);
  return undefined ? status | margin_undefined : status;
}
