// Blocks of one margin a column in log-odds: binary, one-vs-rest, multilabel. Included once per instruction set.
//
// log_odds.py says what the curves are. With E = exp(-|f|) and the curve B at |f|, the gradient of a row is
// a B where its label is the less likely one, a B E where it is the likelier one, and the expected Hessian a B E / (1 +
// E). The exact one is the derivative of that: a B' or a (B - B') E. So nothing cancels, and both tails are relatively
// exact. gamma = 0 does not come here: there log-odds and focal logits are the same.

// The polynomial of an interval, from the position counted in intervals.
FB_INLINE double curve_at(const double* table, double position, double last) {
  const double inside = min_(position, last);
  const std::int32_t interval = std::int32_t(inside);
  const double* const c = table + 8 * std::int64_t(interval);
  const double y = 2 * (inside - double(interval)) - 1, y2 = y * y;
  const double low = fma_(fma_(c[3], y, c[2]), y2, fma_(c[1], y, c[0]));
  const double high = fma_(fma_(c[7], y, c[6]), y2, fma_(c[5], y, c[4]));
  return fma_(high, y2 * y2, low);
}

FB_INLINE float curve_at(const float* table, float position, float last) {
  const float inside = min_(position, last);
  const std::int32_t interval = std::int32_t(inside);
  const float* const c = table + 4 * std::int64_t(interval);
  const float y = 2 * (inside - float(interval)) - 1, y2 = y * y;
  return fma_(fma_(c[3], y, c[2]), y2, fma_(c[1], y, c[0]));
}

// Several positions at once: whole rows of coefficients through registers, half the time of gathering one after the
// other.
#ifdef __AVX2__
FB_INLINE std::int64_t curve_tiles(const double* table, double last, const double* position, std::int64_t n,
                                   double* value) {
  std::int64_t i = 0;
  alignas(16) std::int32_t interval[4];
  for (; i + 4 <= n; i += 4) {
    const __m256d inside = _mm256_min_pd(_mm256_loadu_pd(position + i), _mm256_set1_pd(last));
    const __m128i whole = _mm256_cvttpd_epi32(inside);
    _mm_store_si128(reinterpret_cast<__m128i*>(interval), whole);
    const __m256d part = _mm256_sub_pd(inside, _mm256_cvtepi32_pd(whole));
    const __m256d y = _mm256_sub_pd(_mm256_add_pd(part, part), _mm256_set1_pd(1));
    const __m256d y2 = _mm256_mul_pd(y, y);
    __m256d half[2];
    for (int h = 0; h < 2; ++h) {
      __m256d r[4], c[4];
      for (int j = 0; j < 4; ++j) r[j] = _mm256_loadu_pd(table + 8 * std::int64_t(interval[j]) + 4 * h);
      const __m256d even01 = _mm256_unpacklo_pd(r[0], r[1]), odd01 = _mm256_unpackhi_pd(r[0], r[1]);
      const __m256d even23 = _mm256_unpacklo_pd(r[2], r[3]), odd23 = _mm256_unpackhi_pd(r[2], r[3]);
      c[0] = _mm256_permute2f128_pd(even01, even23, 0x20);
      c[1] = _mm256_permute2f128_pd(odd01, odd23, 0x20);
      c[2] = _mm256_permute2f128_pd(even01, even23, 0x31);
      c[3] = _mm256_permute2f128_pd(odd01, odd23, 0x31);
      half[h] = _mm256_fmadd_pd(_mm256_fmadd_pd(c[3], y, c[2]), y2, _mm256_fmadd_pd(c[1], y, c[0]));
    }
    _mm256_storeu_pd(value + i, _mm256_fmadd_pd(half[1], _mm256_mul_pd(y2, y2), half[0]));
  }
  return i;
}

FB_INLINE std::int64_t curve_tiles(const float* table, float last, const float* position, std::int64_t n,
                                   float* value) {
  std::int64_t i = 0;
  alignas(32) std::int32_t interval[8];
  for (; i + 8 <= n; i += 8) {
    const __m256 inside = _mm256_min_ps(_mm256_loadu_ps(position + i), _mm256_set1_ps(last));
    const __m256i whole = _mm256_cvttps_epi32(inside);
    _mm256_store_si256(reinterpret_cast<__m256i*>(interval), whole);
    const __m256 part = _mm256_sub_ps(inside, _mm256_cvtepi32_ps(whole));
    const __m256 y = _mm256_sub_ps(_mm256_add_ps(part, part), _mm256_set1_ps(1));
    const __m256 y2 = _mm256_mul_ps(y, y);
    __m256 r[4];
    for (int j = 0; j < 4; ++j) {
      r[j] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(table + 4 * std::int64_t(interval[j]))),
                                  _mm_loadu_ps(table + 4 * std::int64_t(interval[j + 4])), 1);
    }
    const __m256 low01 = _mm256_unpacklo_ps(r[0], r[1]), high01 = _mm256_unpackhi_ps(r[0], r[1]);
    const __m256 low23 = _mm256_unpacklo_ps(r[2], r[3]), high23 = _mm256_unpackhi_ps(r[2], r[3]);
    const __m256 c0 = _mm256_shuffle_ps(low01, low23, 0x44), c1 = _mm256_shuffle_ps(low01, low23, 0xee);
    const __m256 c2 = _mm256_shuffle_ps(high01, high23, 0x44), c3 = _mm256_shuffle_ps(high01, high23, 0xee);
    _mm256_storeu_ps(value + i, _mm256_fmadd_ps(_mm256_fmadd_ps(c3, y, c2), y2, _mm256_fmadd_ps(c1, y, c0)));
  }
  return i;
}
#else
template <class C>
FB_INLINE std::int64_t curve_tiles(const C*, C, const C*, std::int64_t, C*) {
  return 0;
}
#endif

template <class C>
FB_APART void curve_values(const C* table, C last, const C* position, std::int64_t n, C* value) {
  std::int64_t i = curve_tiles(table, last, position, n, value);
  for (; i < n; ++i) value[i] = curve_at(table, position[i], last);
}

template <class C>
FB_INLINE const C* curve_table(const Curves& curves, std::int64_t k);
template <>
FB_INLINE const double* curve_table<double>(const Curves& curves, std::int64_t k) {
  return curves.wide + 8 * curves.wide_intervals * k;
}
template <>
FB_INLINE const float* curve_table<float>(const Curves& curves, std::int64_t k) {
  return curves.narrow + 4 * curves.narrow_intervals * k;
}

// Intervals per unit, and the largest position inside the last.
template <class C>
FB_INLINE C curve_rate(const Curves& curves) {
  return C(sizeof(C) == 8 ? curves.wide_rate : curves.narrow_rate);
}
template <class C>
FB_INLINE C curve_last(const Curves& curves) {
  return sizeof(C) == 8 ? C(curves.wide_intervals) * C(1 - 0x1p-40) : C(curves.narrow_intervals) * C(1 - 0x1p-20);
}

// exp(-size), 0 where it is out of reach.
template <class C>
FB_INLINE C fall_off(C size) {
  constexpr C saturation = Real<C>::saturation;
  const C e = exp_neg<false>(min_(size, saturation), C(0));
  return size > saturation ? C(0) : e;
}

// 1 / (1 + gamma) in two parts: below gamma = 1 its rounding alone would cost exp(-f / (1 + gamma)) 1e-13 at 690.
struct Inverse {
  double high, low;
  explicit Inverse(double gamma) {
    const double one_plus = 1 + gamma, lost = gamma - (one_plus - 1);
    high = 1 / one_plus;
    const double whole = high * one_plus;
    low = (((1 - whole) - product_error(high, one_plus, whole)) - lost * high) * high;
  }
};

template <class C, bool Exact, bool Weighted>
FB_APART unsigned log_odds_derivatives(const Job& job, std::int64_t n, const C* FB_RESTRICT z,
                                       const C* FB_RESTRICT y, const C* FB_RESTRICT w, C alpha0, C alpha1,
                                       C* FB_RESTRICT gradient, C* FB_RESTRICT hessian) {
  const Curves& curves = job.curves;
  const Inverse inverse(job.gamma);
  const C rate = curve_rate<C>(curves) * C(inverse.high), last = curve_last<C>(curves);
  const C factor = C(job.hessian_factor);
  alignas(64) C position[block_rows], value[block_rows];
  unsigned bad = 0;
#pragma omp simd reduction(| : bad)
  for (std::int64_t i = 0; i < n; ++i) {
    position[i] = abs_(z[i]) * rate;
    bad |= !(z[i] == z[i]);
  }
  curve_values(curve_table<C>(curves, 0), last, position, n, value);
  if constexpr (Exact) curve_values(curve_table<C>(curves, 1), last, position, n, hessian);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const bool positive = y[i] > C(0.5);
    C a = positive ? alpha1 : alpha0;
    if (Weighted) a = a * w[i];
    const C size = abs_(z[i]);
    const C e = fall_off(size);
    const C scale = a * value[i];
    const bool likelier = positive == (z[i] >= 0);
    const C slope = scale * (likelier ? e : C(1));
    gradient[i] = positive ? -slope : slope;
    if constexpr (Exact) {
      const C bounded = min_(size, Real<C>::saturation / inverse.high), t = bounded * inverse.high;
      const C t_low = fma_(bounded, inverse.low, product_error(bounded, inverse.high, t));
      const C beyond = (position[i] - min_(position[i], last)) * (curves.slopes[1] / curve_rate<C>(curves));
      const C steep = exp_neg<true>(min_(t, Real<C>::saturation), t_low) * (hessian[i] + beyond);
      const C bend = size * inverse.high > Real<C>::saturation ? C(0) : a * steep;
      hessian[i] = factor * (likelier ? (scale - bend) * e : bend);
    } else {
      hessian[i] = factor * (scale * (e / (C(1) + e)));
    }
  }
  return bad;
}

// The derivatives of each column of a block.
template <class C, bool Exact>
unsigned log_odds_block(const Job& job, std::int64_t first, std::int64_t n) {
  return each_column<C>(job, first, n, [&](const C* z, const C* y, const C* w, C alpha0, C alpha1, C* g, C* h) {
    return w ? log_odds_derivatives<C, Exact, true>(job, n, z, y, w, alpha0, alpha1, g, h)
             : log_odds_derivatives<C, Exact, false>(job, n, z, y, w, alpha0, alpha1, g, h);
  });
}

// Adds the losses of a column to those of its rows.
FB_APART unsigned log_odds_losses(const Job& job, std::int64_t n, const double* FB_RESTRICT z,
                                  const double* FB_RESTRICT y, double alpha0, double alpha1,
                                  double* FB_RESTRICT loss) {
  const Curves& curves = job.curves;
  const double per_unit = curve_rate<double>(curves), last = curve_last<double>(curves);
  const double rate = per_unit / (1 + job.gamma), slope = curves.slopes[3] / per_unit;
  alignas(64) double position[block_rows], likelier[block_rows], other[block_rows];
  unsigned bad = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    position[i] = abs_(z[i]) * rate;
    bad |= !(z[i] == z[i]);
  }
  curve_values(curve_table<double>(curves, 2), last, position, n, likelier);
  curve_values(curve_table<double>(curves, 3), last, position, n, other);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const bool positive = y[i] > 0.5, on_side = positive == (z[i] >= 0);
    const double a = positive ? alpha1 : alpha0;
    const double beyond = position[i] - min_(position[i], last);
    const double value = on_side ? fall_off(abs_(z[i])) * likelier[i] : fma_(beyond, slope, other[i]);
    loss[i] += a == 0 ? 0.0 : a * value;
  }
  return bad;
}
