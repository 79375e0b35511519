// The two passes over rows, for every choice of type, Hessian and gamma. Included once per instruction set.

// block(first, n) for each block of rows.
template <class Block>
FB_INLINE unsigned each_block(std::int64_t begin, std::int64_t end, std::int64_t rows, Block block) {
  unsigned status = 0;
  for (std::int64_t first = begin; first < end; first += rows) status |= block(first, min_(rows, end - first));
  return status;
}

template <class C, Curvature Kind, int Power>
unsigned derivatives_as(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.form == Form::sigmoid) {
    return each_block(begin, end, block_rows, [&](std::int64_t first, std::int64_t n) {
      return sigmoid_block<C, Kind, Power>(job, first, n);
    });
  }
  SoftmaxBlock<C> b(job.columns, Kind == Curvature::expected);
  if (!b.memory) return out_of_memory;
  return each_block(begin, end, b.capacity, [&](std::int64_t first, std::int64_t n) {
    return softmax_block<C, Kind, Power>(job, b, first, n);
  });
}

template <bool Exact>
unsigned log_odds_derivatives_as(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.form == Form::sigmoid) {
    // The exact Hessian is written for double alone, as are softmax and the losses.
    const bool wide = Exact || job.margin.wide || job.gradient.wide || job.precise;
    return each_block(begin, end, block_rows, [&](std::int64_t first, std::int64_t n) {
      if constexpr (Exact) return log_odds_block<double, true>(job, first, n);
      return wide ? log_odds_block<double, false>(job, first, n) : log_odds_block<float, false>(job, first, n);
    });
  }
  SoftmaxBlock<double> b(job.columns, true);
  if (!b.memory) return out_of_memory;
  return each_block(begin, end, b.capacity, [&](std::int64_t first, std::int64_t n) {
    return log_odds_softmax_block<Exact>(job, b, first, n);
  });
}

template <class C>
unsigned losses_as(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.form == Form::sigmoid) {
    return each_block(begin, end, block_rows, [&](std::int64_t first, std::int64_t n) {
      return loss_block<C>(job, first, n, [&](const C* z, const C* y, C alpha0, C alpha1, C* loss) {
        return sigmoid_losses<C>(job, n, z, y, alpha0, alpha1, loss);
      });
    });
  }
  SoftmaxBlock<C> b(job.columns, false);
  if (!b.memory) return out_of_memory;
  return each_block(begin, end, b.capacity, [&](std::int64_t first, std::int64_t n) {
    return softmax_loss_block<C>(job, b, first, n);
  });
}

unsigned log_odds_losses_of(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.form == Form::sigmoid) {
    return each_block(begin, end, block_rows, [&](std::int64_t first, std::int64_t n) {
      return loss_block<double>(job, first, n,
                                [&](const double* z, const double* y, double alpha0, double alpha1, double* loss) {
                                  return log_odds_losses(job, n, z, y, alpha0, alpha1, loss);
                                });
    });
  }
  SoftmaxBlock<double> b(job.columns, true);
  if (!b.memory) return out_of_memory;
  return each_block(begin, end, b.capacity, [&](std::int64_t first, std::int64_t n) {
    return log_odds_softmax_loss_block(job, b, first, n);
  });
}

template <class C, Curvature Kind>
unsigned derivatives_of(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.gamma == 0) return derivatives_as<C, Kind, -1>(job, begin, end);
  if (job.gamma == 1) return derivatives_as<C, Kind, 1>(job, begin, end);
  if (job.gamma == 2) return derivatives_as<C, Kind, 2>(job, begin, end);
  return derivatives_as<C, Kind, 0>(job, begin, end);
}

template <class C>
unsigned derivatives_in(const Job& job, std::int64_t begin, std::int64_t end) {
  switch (job.curvature) {
    case Curvature::exact: return derivatives_as<C, Curvature::exact, 0>(job, begin, end);
    case Curvature::expected: return derivatives_of<C, Curvature::expected>(job, begin, end);
    default: return derivatives_of<C, Curvature::upper>(job, begin, end);
  }
}

unsigned derivatives(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.curves.wide) {
    return job.curvature == Curvature::exact ? log_odds_derivatives_as<true>(job, begin, end)
                                             : log_odds_derivatives_as<false>(job, begin, end);
  }
  // The expected Hessian of softmax is written for double alone (expected.inl).
  const bool whole = job.form == Form::softmax && job.curvature == Curvature::expected;
  const bool wide = job.margin.wide || job.gradient.wide || job.precise || whole;
  return wide ? derivatives_in<double>(job, begin, end) : derivatives_in<float>(job, begin, end);
}

unsigned losses(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.curves.wide) return log_odds_losses_of(job, begin, end);
  return job.margin.wide ? losses_as<double>(job, begin, end) : losses_as<float>(job, begin, end);
}
