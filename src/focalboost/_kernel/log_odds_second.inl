// The exact Hessian of K exclusive classes in log-odds, put together from what vanishes with the shares of the others.
// Included once per instruction set; log_odds_softmax.inl says what the terms are.

// What a class has at log p = u and p: b, and if Bent 1 - b and omega.
template <bool Bent, class C>
FB_INLINE void class_terms(C p, C u, C gamma, C& b, C& less, C& omega) {
  const C q = C(1) - p;
  const C pL = -p * u, bent = fma_(gamma, pL, q);
  const C along = gamma * fma_(p, bent + q, -pL);
  const C below = fma_(q, bent, along);
  const C inverse = C(1) / below;
  b = q * bent * inverse;
  if constexpr (Bent) {
    const C w = pL - p * q;
    const C bow = p * q * (gamma - C(1)) * (bent * bent) - gamma * (fma_(-p * q, q, w) * bent - gamma * (w * w));
    less = along * inverse;
    omega = fma_(below, fma_(p, bent, along), bow) * (inverse * inverse);
  }
}

// What the exact Hessian of a row needs beyond r and omega.
struct Second {
  double tau_top, r_top, N;  // N over S
  double omega_y, r_y;       // of the label, where it is not on top
  double bent;               // sum of r omega over all but the top
};

// The exact Hessian of class j over a G_y. on_top: whether the label is the top class; omega is that of class j, aside
// the sum of r over all but it and the top.
FB_INLINE double log_odds_second(const Second& row, bool on_top, bool label, bool at_top, double r, double not_r,
                                 double aside, double omega) {
  const double tau = at_top ? row.tau_top : 1.0 - omega;
  const double r_top = row.r_top, tau_top = row.tau_top;
  if (on_top) {
    const double of_top = not_r * (not_r * (1.0 - tau_top * not_r) + r * r) - r * r * row.bent;
    const double others = aside - (row.bent - r * omega);
    const double of_other = r * (tau * (not_r * not_r) + r * ((1.0 - tau_top * (1.0 - r_top)) + others));
    return at_top ? of_top : of_other;
  }
  const double core = r_top * (row.N + (1.0 - tau_top) * aside) + aside;
  const double mine = row.omega_y * (1.0 - row.r_y);
  if (label) return not_r * not_r * not_r * omega - r * r * (row.bent - r * omega) + r * core;
  if (at_top) return r * (not_r * row.N + r * (mine - (row.bent - row.r_y * row.omega_y)));
  const double rest = row.bent - row.r_y * row.omega_y - r * omega;
  return r * (core - omega * (not_r * not_r) + r * (mine - rest));
}
