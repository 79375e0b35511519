// Blocks of K exclusive classes whose margins f are log-probabilities, up to a constant. Included once per instruction
// set.
//
// A row's p solves log(p_k / phi_k) = f_k + c with sum p = 1. The unknown is s, the margin of the largest p over all the
// others: with x(s) = log(p / phi) of that class, and drop_k how far f_k lies below the top,
//   u_k = log p_k = x_k + log phi at x_k = x(s) - drop_k,      log(sum of the other p_k) = log q(s) = -softplus(s).
// A table gives log phi, as every other p is at most 1/2, and with it closed forms give the rest. So q, of which the
// gradient of a confident row consists, is never a difference. Two Newton steps in float bring s near, one of third
// order in double to the last digit; rows that are still on their way get more. With m = dx/ds and b = q / m
//   t_k = p_k b_k    S = sum of t    r = t / S    G_k = phi_k b_k    tau = d log(t) / dx
//   gradient_j = a G_y (r_j - [j = y])         expected Hessian = a t_j (1 - r_j) / (Z p / phi of the top class)
//   exact Hessian = a G_y (r_j (tau_j (1 - 2 r_j) + r_j sum of r tau) - (tau_y - 1) (r_j - [j = y])^2)
// where Z is the sum of exp(f_k - top). Of a row whose label is unlikely the terms of the exact one cancel down to the
// share of the others. So it is put together from omega = 1 - tau, which vanishes with p, and
//   N = t_top + tau_top T = q (q - m' / m) / m - tau_top D      T = sum of the other t, D = sum of the other p (1 - b)
// as log_odds_second does.

// What the class on top has at its margin s; phi if Whole, else nothing.
template <bool Whole, class C>
FB_INLINE void top_terms(C s, const Focus<C>& f, C& v, C& q, C& softplus, C& x, C& m, C& bow, C& phi) {
  C L, other;
  point<false, false, Whole ? 0 : -1>(s, C(0), f, v, q, L, softplus, phi, other);
  // rho = v L / q, and excess = rho - v, which on the right is a series of exp(-s): L / q - 1 would lose it.
  const C e = fall_off(abs_(s)), a = e / (C(2) + e), square = square_(a);
  const C series = a + square * polynomial(Real<C>::atanh_poly, square, square * square) * ((C(1) + e) / (C(2) + e));
  const C less_one = s >= 0 ? series : L / max_(q, C(0.25)) - C(1);
  const C excess = v * less_one, rho = v + excess;
  const C bent = fma_(f.gamma, rho, C(1));
  C low;
  const C log_bent = log1p_any(f.gamma * rho, low);
  x = f.gamma * softplus - L - (log_bent + low);
  const C by_bent = C(1) / bent;
  m = fma_(f.gamma, v, q) - f.gamma * (excess * by_bent);
  const C vq = v * q;
  bow = vq * (f.gamma - C(1)) - f.gamma * ((excess - vq) * bent - f.gamma * (excess * excess)) * (by_bent * by_bent);
  phi = phi * bent;
}

// Where s starts: as if the others were one class. Exact where they are far below.
FB_APART void log_odds_start(const Job& job, SoftmaxBlock<double>& b, LogOddsRows& rows, std::int64_t n) {
  const Curves& curves = job.curves;
  const double* const FB_RESTRICT nearest = rows.nearest;
  double* const FB_RESTRICT others = b.rest;
  for (std::int64_t i = 0; i < n; ++i) others[i] = 0;
  for (std::int32_t k = 0; k < job.columns; ++k) {
    const double* const FB_RESTRICT drop = b.e + k * b.capacity;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      others[i] += b.top_class[i] == k ? 0.0 : fall_off(drop[i] - nearest[i]);
    }
  }
  const float last = curve_last<float>(curves), per_unit = curve_rate<float>(curves);
  const float slope = float(curves.slopes[1]) / per_unit;
  const double inverse = 1 / (1 + job.gamma);
  double low_gamma;
  const double shift = log1p_any(job.gamma, low_gamma), log_classes = log1p_any(double(job.columns), low_gamma);
  alignas(64) float position[softmax_rows], value[softmax_rows];
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    double low;
    rows.s[i] = nearest[i] - log_any(others[i], 0.0, low);
    rows.Z[i] = fma_(fall_off(nearest[i]), others[i], 1.0);
    position[i] = float(abs_(rows.s[i]) * inverse) * per_unit;
    rows.low[i] = -log_classes;
    rows.high[i] = (nearest[i] + shift) * inverse;  // as if the nearest were the only other one, and above that
  }
  curve_values(curve_table<float>(curves, 1), last, position, n, value);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const float z = fma_(position[i] - min_(position[i], last), slope, value[i]);
    const double near = double(rows.s[i] < 0 ? -z : z);
    rows.s[i] = near > 30 ? (rows.s[i] + shift) * inverse : near;
  }
}

// One Newton step in float of the rows that need it.
FB_APART void log_odds_approach(const Job& job, SoftmaxBlock<double>& b, LogOddsRows& rows, std::int64_t n) {
  const Curves& curves = job.curves;
  const Focus<float> focus(job.gamma);
  const float last = curve_last<float>(curves), rate = curve_rate<float>(curves), origin = float(curves.origin);
  const float gamma = float(job.gamma);
  alignas(64) float x[softmax_rows], v[softmax_rows], m[softmax_rows], softplus[softmax_rows], P[softmax_rows];
  alignas(64) float T[softmax_rows], position[softmax_rows], log_phi[softmax_rows];
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    float q, bow, phi;
    top_terms<false>(float(min_(rows.s[i], 40.0)), focus, v[i], q, softplus[i], x[i], m[i], bow, phi);
    P[i] = T[i] = 0;
  }
  for (std::int32_t k = 0; k < job.columns; ++k) {
    const double* const FB_RESTRICT drop = b.e + k * b.capacity;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) position[i] = max_(origin - (x[i] - float(drop[i])), 0.0f) * rate;
    curve_values(curve_table<float>(curves, 0), last, position, n, log_phi);
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      const float u = min_((x[i] - float(drop[i])) + log_phi[i], -0.25f);
      const float p = fall_off(-u);
      float share, none;
      class_terms<false>(p, u, gamma, share, none, none);
      const float part = b.top_class[i] == k ? 0.0f : p;
      P[i] += part;
      T[i] = fma_(part, share, T[i]);
    }
  }
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    float low;
    const float total = max_(P[i], Real<float>::smallest);
    const float step = (log_any(total, 0.0f, low) + softplus[i]) / (m[i] * (T[i] / total) + v[i]);
    const double next = rows.s[i] - (rows.s[i] > 30 ? 0.0 : double(step));
    rows.s[i] = max_(min_(next, rows.high[i]), rows.low[i]);
  }
}

// All terms of each class at s, in the planes: log phi in share, p in odds, t in steepness, and omega in h.
FB_APART void log_odds_terms(const Job& job, SoftmaxBlock<double>& b, LogOddsRows& rows, std::int64_t n) {
  const Curves& curves = job.curves;
  const Focus<double> focus(job.gamma);
  const double last = curve_last<double>(curves), rate = curve_rate<double>(curves), origin = curves.origin;
  const double gamma = job.gamma;
  double* const FB_RESTRICT P = rows.P;
  double* const FB_RESTRICT T = rows.T;
  double* const FB_RESTRICT D = rows.D;
  double* const FB_RESTRICT bent = rows.bent;
  const double* const FB_RESTRICT x = rows.x;
  alignas(64) double position[softmax_rows];
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    top_terms<false>(min_(rows.s[i], Real<double>::saturation), focus, rows.v[i], rows.q[i], rows.softplus[i],
                     rows.x[i], rows.m[i], rows.bow[i], rows.phi[i]);
    P[i] = T[i] = D[i] = bent[i] = 0;
  }
  for (std::int32_t k = 0; k < job.columns; ++k) {
    const double* const FB_RESTRICT drop = b.e + k * b.capacity;
    double* const FB_RESTRICT log_phi = b.share + k * b.capacity;
    double* const FB_RESTRICT odds = b.odds + k * b.capacity;
    double* const FB_RESTRICT term = b.steepness + k * b.capacity;
    double* const FB_RESTRICT omegas = b.h + k * b.capacity;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) position[i] = max_(origin - (x[i] - drop[i]), 0.0) * rate;
    curve_values(curve_table<double>(curves, 0), last, position, n, log_phi);
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      const double value = position[i] > last ? 0.0 : log_phi[i];
      const double u = min_((x[i] - drop[i]) + value, -0.25);
      const double p = fall_off(-u);
      double share, less, omega;
      class_terms<true>(p, u, gamma, share, less, omega);
      const double part = b.top_class[i] == k ? 0.0 : p;
      const double t = part * share;
      log_phi[i] = value;
      odds[i] = part;
      term[i] = t;
      omegas[i] = omega;
      P[i] += part;
      T[i] += t;
      D[i] = fma_(part, less, D[i]);
      bent[i] = fma_(t, omega, bent[i]);
    }
  }
}

// Steps of third order until every row has arrived. A row that has is left alone, so that it does not depend on the
// others of its block. For float output the last step is only noted, in dx: the classes follow it by their derivatives.
FB_APART void log_odds_solve(const Job& job, SoftmaxBlock<double>& b, LogOddsRows& rows, std::int64_t n, bool narrow) {
  const double near = narrow ? 4e-4 : 1e-7;
  constexpr int most_steps = 60;
  double* const FB_RESTRICT settled = rows.settled;
  for (std::int64_t i = 0; i < n; ++i) settled[i] = rows.dx[i] = 0;
  for (int round = 0; round < most_steps; ++round) {
    log_odds_terms(job, b, rows, n);
    double before = 1, after = 1;
#pragma omp simd reduction(min : before, after)
    for (std::int64_t i = 0; i < n; ++i) {
      double low;
      const double total = max_(rows.P[i], Real<double>::smallest);
      const double high = log_any(total, 0.0, low);
      const double missing = (high + rows.softplus[i]) + low;
      const double share = rows.T[i] / total, m = rows.m[i];
      const double first = fma_(m, share, rows.v[i]);
      const double second =
          fma_(rows.bow[i], share, m * m * ((rows.T[i] - rows.bent[i]) / total - share * share)) + rows.v[i] * rows.q[i];
      const double newton = missing / first;
      const double bend = 0.5 * newton * (second / first);
      const bool arrived = settled[i] > 0;
      const double own = newton / (1.0 - max_(min_(bend, 0.5), -0.5)), s = rows.s[i];
      rows.low[i] = missing < 0 ? s : rows.low[i];
      rows.high[i] = missing > 0 ? s : rows.high[i];
      // Between the last two of different signs, at a gamma of dozens; a step to the goal need not be.
      const bool inside = (s - own > rows.low[i] && s - own < rows.high[i]) || abs_(own) < near;
      const double step = arrived ? 0.0 : inside ? own : s - 0.5 * (rows.low[i] + rows.high[i]);
      before = min_(before, settled[i]);
      settled[i] = arrived || abs_(step) < near ? 1.0 : 0.0;
      after = min_(after, settled[i]);
      rows.s[i] -= step;
      rows.dx[i] = -step;
    }
    if (before > 0 || (narrow && after > 0)) break;
  }
  const Focus<double> focus(job.gamma);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    rows.dx[i] *= fma_(0.5 * rows.bow[i], rows.dx[i], rows.m[i]);
    rows.T[i] = fma_(rows.T[i] - rows.bent[i], rows.dx[i], rows.T[i]);
    top_terms<true>(min_(rows.s[i], Real<double>::saturation), focus, rows.v[i], rows.q[i], rows.softplus[i], rows.x[i],
                    rows.m[i], rows.bow[i], rows.phi[i]);
  }
}

// Reads a block and finds s of each row.
unsigned log_odds_rows(const Job& job, SoftmaxBlock<double>& b, LogOddsRows& rows, std::int64_t first, std::int64_t n,
                       bool narrow) {
  const unsigned status = log_odds_drops(job, b, rows, first, n);
  if (status & (margin_nan | margin_undefined)) return status;
  log_odds_start(job, b, rows, n);
  for (int step = 0; step < 2; ++step) log_odds_approach(job, b, rows, n);
  log_odds_solve(job, b, rows, n, narrow);
  return status;
}

// exp of a small change.
FB_INLINE double grown(double by) { return fma_(fma_(0.5, by, 1.0), by, 1.0); }

template <bool Exact>
FB_APART void log_odds_classes(const Job& job, SoftmaxBlock<double>& b, LogOddsRows& rows, std::int64_t n) {
  const double factor = job.hessian_factor;
  const std::int32_t* const FB_RESTRICT y = b.y;
  const std::int32_t* const FB_RESTRICT top_class = b.top_class;
  double* const FB_RESTRICT slope = b.margin;       // a G_y / S
  double* const FB_RESTRICT total = b.margin_low;   // 1 / S
  double* const FB_RESTRICT scale = b.top;          // a / (Z p / phi of the top class)
  double* const FB_RESTRICT omega_y = b.rest;
  alignas(64) double top_term[softmax_rows], label_term[softmax_rows], label_slope[softmax_rows];
  // At the label: what its plane holds, a gather the compiler leaves in scalars.
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t at = y[i] * b.capacity + i;
    slope[i] = b.share[at];
    scale[i] = b.odds[at];
    label_term[i] = b.steepness[at];
    omega_y[i] = b.h[at];
  }
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const bool on_top = y[i] == top_class[i];
    const double b_top = rows.q[i] / rows.m[i];
    top_term[i] = rows.v[i] * b_top;
    const double S = top_term[i] + rows.T[i];
    const double size = max_(-slope[i], 0.0), above = max_(slope[i], 0.0);
    const double phi = slope[i] > 0 ? 1.0 / fall_off(above) : fall_off(size);
    const double p = scale[i], dx = rows.dx[i];
    const double share = (p > 0 ? label_term[i] / p : 1.0) * grown(-omega_y[i] * dx);
    const double G = on_top ? rows.phi[i] * b_top : phi * share;
    total[i] = S > 0 ? 1.0 / S : 0.0;
    label_slope[i] = b.a[i] * G;
    slope[i] = label_slope[i] * total[i];
    scale[i] = b.a[i] * (rows.phi[i] / (rows.Z[i] * rows.v[i]));
  }
  for (std::int32_t k = 0; k < job.columns; ++k) {
    double* const FB_RESTRICT gradient = b.e + k * b.capacity;
    double* const FB_RESTRICT hessian = b.h + k * b.capacity;
    const double* const FB_RESTRICT terms = b.steepness + k * b.capacity;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      const bool at_top = top_class[i] == k, label = y[i] == k;
      const double t = at_top ? top_term[i] : terms[i] * grown((1.0 - hessian[i]) * rows.dx[i]);
      const double rest = at_top ? rows.T[i] : max_(top_term[i] + (rows.T[i] - t), 0.0);
      gradient[i] = slope[i] * (label ? -rest : t);
      if constexpr (!Exact) hessian[i] = factor * scale[i] * (t * (rest * total[i]));
    }
  }
  if constexpr (Exact) {
    // The t of all other classes but the top, from sums before and behind a class: a difference would lose small ones.
    alignas(64) double behind[softmax_rows];
    for (std::int64_t i = 0; i < n; ++i) behind[i] = 0;
    for (std::int32_t k = 0; k < job.columns; ++k) {
      for (std::int64_t i = 0; i < n; ++i) {
        const double before = behind[i];
        behind[i] += b.steepness[k * b.capacity + i];
        b.odds[k * b.capacity + i] = before;
      }
    }
    for (std::int64_t i = 0; i < n; ++i) behind[i] = 0;
    for (std::int32_t k = std::int32_t(job.columns) - 1; k >= 0; --k) {
      double* const FB_RESTRICT hessian = b.h + k * b.capacity;
      const double* const FB_RESTRICT terms = b.steepness + k * b.capacity;
      for (std::int64_t i = 0; i < n; ++i) {
        const double m = rows.m[i], ratio = rows.bow[i] / m, tau_top = (rows.q[i] - rows.v[i] - ratio) / m;
        const double N = rows.q[i] * (rows.q[i] - ratio) / m - tau_top * rows.D[i];
        const Second row = {tau_top, top_term[i] * total[i], N * total[i], omega_y[i], label_term[i] * total[i],
                            rows.bent[i] * total[i]};
        const bool at_top = top_class[i] == k, label = y[i] == k;
        const double t = at_top ? top_term[i] : terms[i];
        const double aside = b.odds[k * b.capacity + i] + behind[i];
        behind[i] += terms[i];
        const double rest = at_top ? rows.T[i] : top_term[i] + aside;
        const double value = log_odds_second(row, y[i] == top_class[i], label, at_top, t * total[i], rest * total[i],
                                             aside * total[i], at_top ? 0.0 : hessian[i]);
        hessian[i] = factor * label_slope[i] * (total[i] > 0 ? value : 0.0);
      }
    }
  }
}

template <bool Exact>
unsigned log_odds_softmax_block(const Job& job, SoftmaxBlock<double>& b, std::int64_t first, std::int64_t n) {
  LogOddsRows rows;
  const unsigned status = log_odds_rows(job, b, rows, first, n, !Exact && !job.gradient.wide);
  if (status & (margin_nan | margin_undefined)) return status;
  log_odds_classes<Exact>(job, b, rows, n);
  store_planes(b.e, b.capacity, job.gradient, first, n, job.columns);
  store_planes(b.h, b.capacity, job.hessian, first, n, job.columns);
  return status;
}

// The focal loss at the focal logits: of the class on top from its s, of another from its log p.
unsigned log_odds_softmax_loss_block(const Job& job, SoftmaxBlock<double>& b, std::int64_t first, std::int64_t n) {
  LogOddsRows rows;
  const unsigned status = log_odds_rows(job, b, rows, first, n, false);
  if (status & (margin_nan | margin_undefined)) return status;
  const Focus<double> focus(job.gamma);
  const double inverse = 1 / (1 + job.gamma);
  double* const FB_RESTRICT loss = b.rest;
  double* const FB_RESTRICT drop = b.margin;
  double* const FB_RESTRICT log_phi = b.margin_low;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t at = b.y[i] * b.capacity + i;
    drop[i] = b.e[at];
    log_phi[i] = b.share[at];
  }
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const double u = min_((rows.x[i] - drop[i]) + log_phi[i], -0.25);
    double low;
    // The margin of an other class over the rest: log p - log(1 - p), where p is at most 1/2.
    const double other = u - log_any(1.0 - fall_off(-u), 0.0, low);
    const bool on_top = b.y[i] == b.top_class[i];
    const double value = loss_value<false>(on_top ? rows.s[i] : other, 0.0, focus, b.a[i]);
    const double cut = fma_(rows.cut[i], inverse, rows.label_cut[i]);  // of what is cut off all, s takes its share
    loss[i] = value + (!on_top && cut > 0 && b.a[i] > 0 ? b.a[i] * cut : 0.0);
  }
  if (job.loss.data) store(loss, loss, job.loss, first, 0, n);
  unsigned again = 0;
  add_to_chunk(job, first, n, loss, load_weight(job, first, n, b.w, again));
  return status;
}
