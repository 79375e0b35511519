// The focal loss of one row and its derivatives, as functions of one margin s: the margin of the true
// class over all the others. Included once per instruction set.
//
// Binary and one-vs-rest: s = z for label 1, -z for label 0. Softmax: s = z_y - log sum of the other
// exponentials, and the chain rule through it (softmax.inl) gives every class. With
//   v = sigmoid(s)   q = sigmoid(-s)   L = -log v   M = -log q
// the loss is a q^gamma L, and
//   -d/ds   = a q^gamma (q + gamma v L)
//   d2/ds2  = a q^gamma v ((1 + 2 gamma) q + gamma^2 v L - gamma q L)
// of which the upper Hessian leaves out the last term. Nothing is formed as 1 - p or log(p), and
// gamma M is carried in two parts: at 80 one float rounding of it would cost 4e-6.

template <class C>
struct Focus {
  C gamma, gamma_low;  // gamma in two parts, so that float arithmetic does not round .3 first
  C square, one_plus_twice;
  explicit Focus(double g)
      : gamma(C(g)), gamma_low(C(g - double(C(g)))), square(C(g * g)), one_plus_twice(C(1 + 2 * g)) {}
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

// v, q, L and focus = q^gamma at the margin s (+ s_low, if Low). Beyond saturation e is 0 and all take
// their limits. Four references: the compiler breaks up a struct of them in double, but in float stores it
// in memory, and then does not vectorise. Of the sign of s it sees only min, max and two blends: more
// selects, and it computes everything for both signs.
// Power 1 and 2: q^gamma for that gamma by multiplication, a third of the work saved; 0: any gamma.
template <bool Low, int Power, class C>
FB_INLINE void point(C s, C s_low, const Focus<C>& f, C& v, C& q, C& L, C& focus) {
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
  // Every product with q^gamma has a factor of the size of exp(-linear) or 1; where both are too small, focus is 0.
  if constexpr (Power > 0) {
    focus = C(1 + Power) * linear > saturation ? C(0) : Power == 1 ? q : q * q;
  } else {
    // The addend is nothing to exp(-gamma M), and keeps the error of gamma M out of the denormal range.
    const C near = l + C(1e-20);
    const C M = linear + near;
    C M_low = near - (M - linear);
    if constexpr (sizeof(C) == 4) M_low += log1p_error(e, inverse, l);
    if (Low) M_low += right ? s_low : C(0);
    const C power = f.gamma * M;
    const C power_low = fma_(f.gamma, M_low, fma_(f.gamma_low, M, product_error(f.gamma, M, power)));
    focus = power + linear > saturation ? C(0) : exp_neg<true>(power, power_low);
  }
}

// slope: -d/ds, never negative. curvature: the exact or the upper d2/ds2.
template <bool Exact, bool Low, int Power, class C>
FB_INLINE void slope_and_curvature(C s, C s_low, const Focus<C>& f, C a, C& slope, C& curvature) {
  C v, q, L, focus;
  point<Low, Power>(s, s_low, f, v, q, L, focus);
  const C weight = a * focus;
  const C vL = v * L;
  slope = weight * fma_(f.gamma, vL, q);
  C bracket = fma_(f.square, vL, f.one_plus_twice * q);
  if (Exact) bracket = bracket - f.gamma * (q * L);
  curvature = weight * v * bracket;
}

// L grows linearly to the left, without end: the limit at -inf is inf, but 0 for a weight of 0.
template <bool Low, class C>
FB_INLINE C loss_value(C s, C s_low, const Focus<C>& f, C a) {
  C v, q, L, focus;
  point<Low, 0>(s, s_low, f, v, q, L, focus);
  const C beyond = s < -Real<C>::saturation ? -s - Real<C>::saturation : C(0);
  return a == 0 ? C(0) : a * (focus * (L + beyond));
}
