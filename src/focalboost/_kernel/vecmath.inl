// Branch-free exp and log1p that the compiler vectorises. Included once per instruction set.
//
// Nothing here may be an inline function of the standard library: the linker would keep one copy of
// it for all translation units, perhaps the one compiled for AVX-512. Builtins only, and constants.
//
// Polynomials: minimax in the relative error of the function, by Remez exchange in 60 digits
// (tools/minimax.py prints them). float: 3.1e-9 (exp), 4.5e-9 (atanh); double: 3.6e-18, 5.0e-17.

template <class C>
struct Real;

template <>
struct Real<float> {
  using Bits = std::uint32_t;
  static constexpr int mantissa = 23;
  static constexpr Bits bias = 127;
  static constexpr float magic = 0x1.8p23f;   // adding it rounds to an integer, kept in the low bits
  static constexpr float log2e = 0x1.715476p+0f;
  static constexpr float ln2_hi = 0x1.63p-1f, ln2_lo = -0x1.bd0106p-13f;
  // exp(-85) = 1.2e-37 is a normal number, and at gamma = 10 the exact Hessian at -85 is 1e-34.
  static constexpr float saturation = 85.0f;
  static constexpr float smallest = 0x1p-122f;  // some way above the denormal range
  static constexpr float infinity = std::numeric_limits<float>::infinity();
  static constexpr float splitter = 4097.0f;  // Dekker: 2^12 + 1
  static constexpr float exp_poly[] = {0.49999993447f, 0.16666520631f, 0.04166838813f,
                                       0.00836871692f, 0.00138145942f};
  static constexpr float atanh_poly[] = {0.66666416285f, 0.40021527276f, 0.28001804760f,
                                         0.28011989081f};
};

template <>
struct Real<double> {
  using Bits = std::uint64_t;
  static constexpr int mantissa = 52;
  static constexpr Bits bias = 1023;
  static constexpr double magic = 0x1.8p52;
  static constexpr double log2e = 0x1.71547652b82fep+0;
  static constexpr double ln2_hi = 0x1.62e42feep-1, ln2_lo = 0x1.a39ef35793c76p-33;
  static constexpr double saturation = 690.0;  // exp(-690) = 2.2e-300
  static constexpr double smallest = 0x1p-1018;
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  static constexpr double splitter = 134217729.0;  // 2^27 + 1
  static constexpr double exp_poly[] = {
      0x1.000000000000ap-1,  0x1.55555555554fap-3,  0x1.555555555087dp-5,  0x1.1111111127bdcp-7,
      0x1.6c16c1842a0c6p-10, 0x1.a01a012a5a426p-13, 0x1.a0199a0c700fcp-16, 0x1.71df254da5cd1p-19,
      0x1.28ad72ca41a01p-22, 0x1.ad7f74af9144cp-26};
  static constexpr double atanh_poly[] = {
      0x1.55555555558d3p-1, 0x1.99999998f668cp-2, 0x1.24924974cb736p-2, 0x1.c71c4b86ffc96p-3,
      0x1.746235ab7d03fp-3, 0x1.3aaa9ea23f77cp-3, 0x1.16332249c7927p-3, 0x1.960ee01b6d600p-4,
      0x1.6ae3c2968ab49p-3};
};

#ifdef FB_FUSED
#if defined(FB_MSVC) && defined(__AVX2__)
FB_INLINE float fma_(float a, float b, float c) {
  return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
}
FB_INLINE double fma_(double a, double b, double c) {
  return _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(a), _mm_set_sd(b), _mm_set_sd(c)));
}
#elif defined(FB_MSVC)
FB_INLINE float fma_(float a, float b, float c) { return std::fma(a, b, c); }
FB_INLINE double fma_(double a, double b, double c) { return std::fma(a, b, c); }
#else
FB_INLINE float fma_(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
FB_INLINE double fma_(double a, double b, double c) { return __builtin_fma(a, b, c); }
#endif
// The rounding error of the product p = a * b.
template <class C>
FB_INLINE C product_error(C a, C b, C p) {
  return fma_(a, b, -p);
}
#else
template <class C>
FB_INLINE C fma_(C a, C b, C c) {
  return a * b + c;
}
template <class C>
FB_INLINE C product_error(C a, C b, C p) {
  const C ca = a * Real<C>::splitter, cb = b * Real<C>::splitter;
  const C ah = ca - (ca - a), bh = cb - (cb - b);
  const C al = a - ah, bl = b - bh;
  return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
}
#endif

template <class To, class From>
FB_INLINE To bit_cast_(From from) {
  return __builtin_bit_cast(To, from);
}

template <class C>
FB_INLINE C abs_(C x) {
  return x < 0 ? -x : x;
}
template <class C>
FB_INLINE C min_(C a, C b) {
  return a < b ? a : b;
}
template <class C>
FB_INLINE C max_(C a, C b) {
  return a > b ? a : b;
}

// The rounding error of the difference d = a - b, whatever their magnitudes (Knuth's TwoSum).
template <class C>
FB_INLINE C difference_error(C a, C b, C d) {
  const C virtual_b = a - d;
  return (a - (d + virtual_b)) + (virtual_b - b);
}

// The polynomial c[First] + ... + c[First + Count - 1] x^(Count - 1) from x, x^2, x^4 and x^8, by halves
// (Estrin): a chain half as long as Horner's, which counts, as one row is one chain. Unrolled by recursion:
// an inner loop would keep the compiler from vectorising the outer one.
template <int First, int Count, class C, int N, int Powers>
FB_INLINE C by_halves(const C (&c)[N], const C (&x)[Powers]) {
  if constexpr (Count == 1) {
    return c[First];
  } else {
    constexpr int level = Count > 8 ? 3 : Count > 4 ? 2 : Count > 2 ? 1 : 0;
    constexpr int half = 1 << level;
    return fma_(by_halves<First + half, Count - half>(c, x), x[level], by_halves<First, half>(c, x));
  }
}

// x2 is the square of x, or near enough: where x is tiny, something that is not denormal.
template <class C, int N>
FB_INLINE C polynomial(const C (&c)[N], C x, C x2) {
  const C powers[] = {x, x2, x2 * x2, (x2 * x2) * (x2 * x2)};
  return by_halves<0, N>(c, powers);
}

// A square kept out of the denormal range, where a row would cost ten times as much. The addend vanishes
// beside all that a square of its size is added to here.
template <class C>
FB_INLINE C square_(C x) {
  return fma_(x, x, C(1e-18));
}

// exp(-x), or exp(-(x + low)) with a small correction, for 0 <= x <= saturation; beyond, anything.
template <bool Low, class C>
FB_INLINE C exp_neg(C x, C low) {
  using R = Real<C>;
  const C shifted = fma_(x, R::log2e, R::magic);
  const C n = shifted - R::magic;
  C t = fma_(n, R::ln2_lo, fma_(n, R::ln2_hi, -x));
  if (Low) t -= low;
  // t (1 + t P), not t + t^2 P: the square of a tiny t would be denormal.
  const C y = fma_(fma_(polynomial(R::exp_poly, t, square_(t)), t, C(1)), t, C(1));
  const auto power = (R::bias - bit_cast_<typename R::Bits>(shifted)) << R::mantissa;
  return y * bit_cast_<C>(power);
}

// 2 atanh(a) for |a| <= 1/3.
template <class C>
FB_INLINE C twice_atanh(C a) {
  const C x = square_(a);
  return a * fma_(x, polynomial(Real<C>::atanh_poly, x, x * x), C(2));
}

// log(u + lost) for a normal u > 0 and what its rounding lost, as high + low.
template <class C>
FB_INLINE C log_any(C u, C lost, C& low) {
  using R = Real<C>;
  using Bits = typename R::Bits;
  constexpr Bits sqrt_half = sizeof(C) == 4 ? Bits(0x3f3504f3u) : Bits(0x3fe6a09e667f3bcdull);
  constexpr Bits one = R::bias << R::mantissa;
  // u = 2^(n - bias) m with m in [sqrt(1/2), sqrt(2))
  const Bits n = (bit_cast_<Bits>(u) + one - sqrt_half) >> R::mantissa;
  const C m = bit_cast_<C>(Bits(bit_cast_<Bits>(u) + one - (n << R::mantissa)));
  const C scale = bit_cast_<C>(Bits(2 * one - (n << R::mantissa)));
  const C a = (m - C(1) + lost * scale) / (m + C(1));
  const C log_m = twice_atanh(a);
  // n as a real: the magic number again, which holds for n < 2^(mantissa - 1).
  const C n_real = bit_cast_<C>(Bits(bit_cast_<Bits>(R::magic) + n)) - (R::magic + C(R::bias));
  const C large = n_real * R::ln2_hi;  // exact
  const C small = fma_(n_real, R::ln2_lo, log_m);
  const C high = large + small;
  low = small - (high - large);
  return high;
}

// log(1 + x) for x >= 0 of any size, as high + low.
template <class C>
FB_INLINE C log1p_any(C x, C& low) {
  const C u = C(1) + x;
  return log_any(u, x - (u - C(1)), low);  // exact for x <= 1, negligible beyond
}
