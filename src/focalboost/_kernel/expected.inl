// The expected Hessian of K exclusive classes, in double. Included once per instruction set.
//
// It is the mean of the exact Hessian over the labels, each with the probability eta for which the margins are the
// minimiser of the risk: eta_k = x p_k / phi_k (links.py), where -phi_k q_k is the gradient of class k were
// it the label, and phi_k p_j that of class j. As that mean of the gradients is 0 at any margins, that of the Hessians
// is minus the sum of d eta_k times gradients: with the slope m_k of log(p_k / phi_k) in the margin of class k over all
// the others, and t_k = p_k m_k / q_k,
//   h_j = x p_j (m_j q_j + p_j (sum of t_k over the others))     1 / x = sum of p_k / phi_k
// All terms are >= 0. Those of the class with the largest margin, whose q may vanish, are kept apart from sums.

// Sets h of each class to a times the expected Hessian. Power 1 and 2: for that gamma without a logarithm and an
// exponential of each class; 0: any gamma.
template <int Power>
FB_APART void softmax_expected(const Job& job, SoftmaxBlock<double>& b, std::int64_t first, std::int64_t n) {
  using C = double;
  using R = Real<C>;
  const std::int32_t K = std::int32_t(job.columns);
  const C gamma = job.gamma, factor = job.hessian_factor;
  // The planes of softmax_slopes are free again.
  C* const FB_RESTRICT top = b.margin;
  C* const FB_RESTRICT rest = b.rest;
  C* const FB_RESTRICT log_rest = b.margin_low;  // its high part; the low part is in b.top
  C* const FB_RESTRICT log_rest_low = b.top;
  C* const FB_RESTRICT sum = b.w;
  std::int32_t* const FB_RESTRICT top_class = b.top_class;
  constexpr std::int64_t most = SoftmaxBlock<C>::most_rows;
  alignas(64) C log_sum[most], inverse[most], others[most], top_slope[most], top_bent[most], scale[most];

  load_planes(job.margin, first, n, K, b.h, b.capacity);
  for (std::int64_t i = 0; i < n; ++i) top[i] = -R::infinity, top_class[i] = 0;
  for (std::int32_t k = 0; k < K; ++k) {
    const C* const FB_RESTRICT z = b.h + k * b.capacity;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      top_class[i] = z[i] > top[i] ? k : top_class[i];
      top[i] = max_(z[i], top[i]);
    }
  }
  for (std::int64_t i = 0; i < n; ++i) rest[i] = 0;
  for (std::int32_t k = 0; k < K; ++k) {
    C* const FB_RESTRICT drop = b.h + k * b.capacity;
    C* const FB_RESTRICT odds = b.odds + k * b.capacity;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      const C z = drop[i], difference = top[i] - z;
      const bool level = z == top[i];  // also where both are infinite
      const C below = level ? C(0) : min_(difference, R::saturation);
      const C e = exp_neg<true>(below, level ? C(0) : difference_error(top[i], z, difference));
      odds[i] = difference > R::saturation ? C(0) : e;
      rest[i] += top_class[i] == k ? C(0) : odds[i];
      drop[i] = below;
    }
  }
  // Of the class on top first, as the ratios of the others are to its phi.
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    C low;
    log_rest[i] = log_any(max_(rest[i], R::smallest), C(0), log_rest_low[i]);
    const C L = log1p_any(rest[i], low), v = C(1) / (C(1) + rest[i]), q = rest[i] * v;
    const C ratio = q > R::smallest ? (L + low) / q : C(1);  // L / q, which tends to 1
    const C bent = fma_(gamma, v * ratio, C(1));
    const C M = L - log_rest[i], M_low = difference_error(L, log_rest[i], M) + (low - log_rest_low[i]);
    const C power = gamma * M;
    const C phi = exp_neg<true>(power, fma_(gamma, M_low, product_error(gamma, M, power))) * bent;
    scale[i] = power > R::saturation || rest[i] == 0 ? C(0) : phi;
    log_sum[i] = L;
    inverse[i] = v;
    top_slope[i] = q + gamma * v - gamma * v * (ratio - C(1)) / bent;
    top_bent[i] = bent;
    sum[i] = others[i] = 0;
  }
  for (std::int32_t k = 0; k < K; ++k) {
    const C* const FB_RESTRICT drop = b.h + k * b.capacity;
    const C* const FB_RESTRICT odds = b.odds + k * b.capacity;
    C* const FB_RESTRICT steepness = b.steepness + k * b.capacity;
    C* const FB_RESTRICT share = b.share + k * b.capacity;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      const bool on_top = top_class[i] == k;
      const C against = max_(rest[i] - odds[i], C(0));
      const C q = (C(1) + against) * inverse[i], v = odds[i] * inverse[i], L = drop[i] + log_sum[i];
      // Of all but the class on top q is 1/2 or more; one division for both quotients.
      const C bent_q = fma_(gamma, v * L, q);
      const C quotient = C(1) / (q * bent_q);
      const C by_q = quotient * bent_q, by_bent_q = quotient * q;
      const C slope = q + gamma * v - gamma * v * ((L - q) * by_bent_q);
      // phi of the class on top over phi of this one.
      C fall;
      if constexpr (Power > 0) {
        const C fewer = rest[i] * inverse[i] * by_q;
        fall = fewer < C(1e-150) ? C(0) : Power == 1 ? fewer : fewer * fewer;
      } else {
        C low;
        const C fewer = max_(log1p_any(against, low) - log_rest[i], C(0));
        const C power = gamma * fewer;
        fall = power > R::saturation ? C(0) : exp_neg<true>(power, product_error(gamma, fewer, power));
      }
      sum[i] += on_top ? C(0) : v * (fall * (top_bent[i] * (q * by_bent_q)));
      steepness[i] = on_top ? top_slope[i] * (rest[i] * inverse[i]) : slope * q;
      share[i] = on_top ? C(0) : v * (slope * by_q);
      others[i] += share[i];
    }
  }
  for (std::int32_t k = 0; k < K; ++k) {
    const C* const FB_RESTRICT odds = b.odds + k * b.capacity;
    const C* const FB_RESTRICT steepness = b.steepness + k * b.capacity;
    const C* const FB_RESTRICT share = b.share + k * b.capacity;
    C* const FB_RESTRICT h = b.h + k * b.capacity;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      const C p = odds[i] * inverse[i];
      const C of_top = top_class[i] == k ? C(0) : odds[i] / max_(rest[i], R::smallest) * (inverse[i] * top_slope[i]);
      const C inner = steepness[i] + of_top + p * max_(others[i] - share[i], C(0));
      h[i] = factor * b.a[i] * ((scale[i] / (inverse[i] + sum[i])) * (p * inner));
    }
  }
}
