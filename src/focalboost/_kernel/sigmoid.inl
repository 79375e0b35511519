// Blocks of one margin a column: binary, one-vs-rest, multilabel. Included once per instruction set.

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

template <class C, Curvature Kind, int Power, bool Weighted>
FB_APART unsigned sigmoid_derivatives(const Job& job, std::int64_t n, const C* FB_RESTRICT z,
                                       const C* FB_RESTRICT y, const C* FB_RESTRICT w, C alpha0,
                                       C alpha1, C* FB_RESTRICT gradient, C* FB_RESTRICT hessian) {
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
    slope_and_curvature<Kind, false, Power>(s, C(0), focus, a, slope, curvature);
    gradient[i] = positive ? -slope : slope;
    curvature = factor * curvature;
    hessian[i] = Kind == Curvature::upper ? max_(curvature, slope * inverse_step) : curvature;
    bad |= !(s == s);
  }
  return bad;
}

// pass(z, y, w, alpha0, alpha1, gradient, hessian) for each column of a block; w is null where there are no weights.
template <class C, class ColumnPass>
FB_INLINE unsigned each_column(const Job& job, std::int64_t first, std::int64_t n, ColumnPass pass) {
  alignas(64) C z_buffer[block_rows], w_buffer[block_rows], g_buffer[block_rows], h_buffer[block_rows];
  alignas(64) C y_buffer[block_rows];
  unsigned status = 0;
  const C* w = load_weight(job, first, n, w_buffer, status);
  for (std::int64_t k = 0; k < job.columns; ++k) {
    const C* y = load_sigmoid_label(job, first, k, n, y_buffer, status);
    const C* z = load(job.margin, first, k, n, z_buffer);
    C* gradient = target(job.gradient, first, k, g_buffer);
    C* hessian = target(job.hessian, first, k, h_buffer);
    if (pass(z, y, w, C(job.alpha[2 * k]), C(job.alpha[2 * k + 1]), gradient, hessian)) status |= margin_nan;
    store(gradient, g_buffer, job.gradient, first, k, n);
    store(hessian, h_buffer, job.hessian, first, k, n);
  }
  return status;
}

template <class C, Curvature Kind, int Power>
unsigned sigmoid_block(const Job& job, std::int64_t first, std::int64_t n) {
  return each_column<C>(job, first, n, [&](const C* z, const C* y, const C* w, C alpha0, C alpha1, C* g, C* h) {
    return w ? sigmoid_derivatives<C, Kind, Power, true>(job, n, z, y, w, alpha0, alpha1, g, h)
             : sigmoid_derivatives<C, Kind, Power, false>(job, n, z, y, w, alpha0, alpha1, g, h);
  });
}

template <class C>
FB_APART unsigned sigmoid_losses(const Job& job, std::int64_t n, const C* FB_RESTRICT z, const C* FB_RESTRICT y,
                                 C alpha0, C alpha1, C* FB_RESTRICT loss) {
  const Focus<C> focus(job.gamma);
  unsigned bad = 0;
#pragma omp simd reduction(| : bad)
  for (std::int64_t i = 0; i < n; ++i) {
    const bool positive = y[i] > C(0.5);
    const C s = positive ? z[i] : -z[i];
    loss[i] += loss_value<false>(s, C(0), focus, positive ? alpha1 : alpha0);
    bad |= !(s == s);
  }
  return bad;
}

// losses(z, y, alpha0, alpha1, loss) adds those of one column to a block's.
template <class C, class ColumnLosses>
FB_INLINE unsigned loss_block(const Job& job, std::int64_t first, std::int64_t n, ColumnLosses losses) {
  alignas(64) C z_buffer[block_rows], w_buffer[block_rows], loss[block_rows];
  alignas(64) C y_buffer[block_rows];
  unsigned status = 0;
  const C* w = load_weight(job, first, n, w_buffer, status);
  for (std::int64_t i = 0; i < n; ++i) loss[i] = 0;
  for (std::int64_t k = 0; k < job.columns; ++k) {
    const C* y = load_sigmoid_label(job, first, k, n, y_buffer, status);
    const C* z = load(job.margin, first, k, n, z_buffer);
    if (losses(z, y, C(job.alpha[2 * k]), C(job.alpha[2 * k + 1]), loss)) status |= margin_nan;
  }
  if (w) {
    for (std::int64_t i = 0; i < n; ++i) loss[i] = w[i] == 0 ? C(0) : loss[i] * w[i];
  }
  if (job.loss.data) store(loss, loss, job.loss, first, 0, n);
  add_to_chunk(job, first, n, loss, w);
  return status;
}
