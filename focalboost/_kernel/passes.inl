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

template <class C>
unsigned losses_as(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.form == Form::sigmoid) {
    return each_block(begin, end, block_rows, [&](std::int64_t first, std::int64_t n) {
      return sigmoid_loss_block<C>(job, first, n);
    });
  }
  SoftmaxBlock<C> b(job.columns, false);
  if (!b.memory) return out_of_memory;
  return each_block(begin, end, b.capacity, [&](std::int64_t first, std::int64_t n) {
    return softmax_loss_block<C>(job, b, first, n);
  });
}

template <class C, Curvature Kind>
unsigned derivatives_of(const Job& job, std::int64_t begin, std::int64_t end) {
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
  // The expected Hessian of softmax is written for double alone (expected.inl).
  const bool whole = job.form == Form::softmax && job.curvature == Curvature::expected;
  const bool wide = job.margin.wide || job.gradient.wide || job.precise || whole;
  return wide ? derivatives_in<double>(job, begin, end) : derivatives_in<float>(job, begin, end);
}

unsigned losses(const Job& job, std::int64_t begin, std::int64_t end) {
  return job.margin.wide ? losses_as<double>(job, begin, end) : losses_as<float>(job, begin, end);
}
