// The focal loss of one row and its derivatives, as functions of one margin s: the margin of the true
// class over all the others. Included once per instruction set.
//
// Binary and one-vs-rest: s = z for label 1, -z for label 0. Softmax: s = z_y - log sum of the other
// exponentials, and the chain rule through it (softmax.inl) gives every class. With
//   v = sigmoid(s)   q = sigmoid(-s)   L = -log v   M = -log q
// the loss is a q^gamma L, and
//   -d/ds   = a q^gamma (q + gamma v L)
//   d2/ds2  = a q^gamma v ((1 + 2 gamma) q + gamma^2 v L - gamma q L)
// of which the upper Hessian leaves out the last term. The expected Hessian is the mean of the exact one over the
// labels, each with the probability for which s is the minimiser of the risk. With b = q + gamma v L and g = q^gamma b
// of the one label, b' = v + gamma q M and g' = v^gamma b' of the other, and k the slope of the log-odds of that
// probability, it is
//   a k g g' / (g + g')    k = 1 + gamma - gamma (v (L - q) / b + q (M - v) / b')
// Nothing is formed as 1 - p or log(p), and gamma M is carried in two parts: at 80 one float rounding of it would cost
// 4e-6.

template <class C>
struct Focus {
  C gamma, gamma_low;  // gamma in two parts, so that float arithmetic does not round .3 first
  C square, one_plus, one_plus_twice;
  explicit Focus(double g)
      : gamma(C(g)), gamma_low(C(g - double(C(g)))), square(C(g * g)), one_plus(C(1 + g)),
        one_plus_twice(C(1 + 2 * g)) {}
};

// What float l = log1p(e), computed as in point, lacks: at gamma = 10 its rounding alone would cost 1.3e-6.
// inverse is 1 / ((1 + e) (2 + e)). A floor under e keeps the errors of products out of the denormal range.
FB_INLINE float log1p_error(float e, float inverse, float l) {
  const float sum = 2.0f + e, sum_low = e - (sum - 2.0f);
  const float half = inverse * (1.0f + e);  // 1 / (2 + e), nearly
  const float whole = half * sum;
  const float lacks = ((1.0f - whole) - product_error(half, sum, whole)) - half * sum_low;
  const float floored = max_(e, 1e-18f);
  const float a = floored * half;
  const float x = square_(a);
  const float cubic = a * (x * polynomial(Real<float>::atanh_poly, x, x * x));
  const float rounded = cubic - (l - 2.0f * (e * half));
  return rounded + 2.0f * fma_(a, lacks, product_error(floored, half, a));
}

// q^gamma, where -log q = linear + l + l_low. Power 1 and 2: for that gamma by multiplication, a third of the work
// saved; -1: for gamma = 0; 0: any gamma.
template <int Power, class C>
FB_INLINE C power_of_gamma(C q, C linear, C l, C l_low, const Focus<C>& f) {
  constexpr C saturation = Real<C>::saturation;
  // Every product with q^gamma has a factor of the size of exp(-linear) or 1; where both are too small, it is 0.
  if constexpr (Power < 0) {
    return C(1);
  } else if constexpr (Power > 0) {
    return C(1 + Power) * linear > saturation ? C(0) : Power == 1 ? q : q * q;
  } else {
    // The addend is nothing to exp(-gamma M), and keeps the error of gamma M out of the denormal range.
    const C near = l + C(1e-20);
    const C M = linear + near;
    const C M_low = near - (M - linear) + l_low;
    const C power = f.gamma * M;
    const C power_low = fma_(f.gamma, M_low, fma_(f.gamma_low, M, product_error(f.gamma, M, power)));
    return power + linear > saturation ? C(0) : exp_neg<true>(power, power_low);
  }
}

// v, q, L, M and focus = q^gamma at the margin s (+ s_low, if Low), and other = v^gamma, if Both. Beyond saturation e
// is 0 and all take their limits. References: the compiler breaks up a struct of them in double, but in float stores
// it in memory, and then does not vectorise. Of the sign of s it sees only min, max and a few blends: more selects,
// and it computes everything for both signs.
template <bool Low, bool Both, int Power, class C>
FB_INLINE void point(C s, C s_low, const Focus<C>& f, C& v, C& q, C& L, C& M, C& focus, C& other) {
  constexpr C saturation = Real<C>::saturation;
  const bool right = s >= 0;
  const C size = abs_(s);
  const C t = min_(size, saturation);
  const C e = size > saturation ? C(0) : exp_neg<Low>(t, right ? s_low : -s_low);
  const C inverse = C(1) / ((C(1) + e) * (C(2) + e));
  const C large = inverse * (C(2) + e);
  const C small = e * large;
  const C l = twice_atanh(e * (inverse * (C(1) + e)));  // log1p(e)

  v = right ? large : small;
  q = right ? small : large;
  const C linear = min_(max_(s, C(0)), saturation);
  L = l + (t - linear);
  M = l + linear;
  C l_low = 0;
  if constexpr (Power == 0 && sizeof(C) == 4) l_low = log1p_error(e, inverse, l);
  if constexpr (Both) other = power_of_gamma<Power>(v, t - linear, l, l_low, f);
  if (Low) l_low += right ? s_low : C(0);
  focus = power_of_gamma<Power>(q, linear, l, l_low, f);
}

// slope: -d/ds, never negative. curvature: one of the three, as job.hpp lists them.
template <Curvature Kind, bool Low, int Power, class C>
FB_INLINE void slope_and_curvature(C s, C s_low, const Focus<C>& f, C a, C& slope, C& curvature) {
  constexpr bool expected = Kind == Curvature::expected;
  C v, q, L, M, focus, other = 0;
  point<Low, expected, Power>(s, s_low, f, v, q, L, M, focus, other);
  const C vL = v * L;
  const C b = fma_(f.gamma, vL, q);
  if constexpr (expected) {
    constexpr C smallest = Real<C>::smallest;
    const C b_other = fma_(f.gamma, q * M, v);
    const C bent = fma_(v * (L - q), b_other, (q * (M - v)) * b);
    const C log_odds_slope = f.one_plus - f.gamma * (bent / max_(b * b_other, smallest));
    const C g = focus * b, g_other = other * b_other;
    const C more = max_(g, g_other), less = min_(g, g_other);
    slope = a * g;
    curvature = a * (log_odds_slope * (less * (more / max_(more + less, smallest))));
  } else {
    const C weight = a * focus;
    slope = weight * b;
    C bracket = fma_(f.square, vL, f.one_plus_twice * q);
    if (Kind == Curvature::exact) bracket = bracket - f.gamma * (q * L);
    curvature = weight * v * bracket;
  }
}

// L grows linearly to the left, without end: the limit at -inf is inf, but 0 for a weight of 0.
template <bool Low, class C>
FB_INLINE C loss_value(C s, C s_low, const Focus<C>& f, C a) {
  C v, q, L, M, focus, other;
  point<Low, false, 0>(s, s_low, f, v, q, L, M, focus, other);
  const C beyond = s < -Real<C>::saturation ? -s - Real<C>::saturation : C(0);
  return a == 0 ? C(0) : a * (focus * (L + beyond));
}
