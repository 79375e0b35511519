// The two passes over rows, for every choice of type, Hessian and gamma. Included once per instruction set.

// block(first, n) for each block of rows.
template <class Block>
FB_INLINE unsigned each_block(std::int64_t begin, std::int64_t end, std::int64_t rows, Block block) {
  unsigned status = 0;
  for (std::int64_t first = begin; first < end; first += rows) status |= block(first, min_(rows, end - first));
  return status;
}

template <class C, bool Exact, int Power>
unsigned derivatives_as(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.form == Form::sigmoid) {
    return each_block(begin, end, block_rows, [&](std::int64_t first, std::int64_t n) {
      return sigmoid_block<C, Exact, Power>(job, first, n);
    });
  }
  SoftmaxBlock<C> b(job.columns);
  if (!b.memory) return out_of_memory;
  return each_block(begin, end, b.capacity, [&](std::int64_t first, std::int64_t n) {
    return softmax_block<C, Exact, Power>(job, b, first, n);
  });
}

template <class C>
unsigned losses_as(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.form == Form::sigmoid) {
    return each_block(begin, end, block_rows, [&](std::int64_t first, std::int64_t n) {
      return sigmoid_loss_block<C>(job, first, n);
    });
  }
  SoftmaxBlock<C> b(job.columns);
  if (!b.memory) return out_of_memory;
  return each_block(begin, end, b.capacity, [&](std::int64_t first, std::int64_t n) {
    return softmax_loss_block<C>(job, b, first, n);
  });
}

template <class C>
unsigned derivatives_of(const Job& job, std::int64_t begin, std::int64_t end) {
  if (job.exact) return derivatives_as<C, true, 0>(job, begin, end);
  if (job.gamma == 1) return derivatives_as<C, false, 1>(job, begin, end);
  if (job.gamma == 2) return derivatives_as<C, false, 2>(job, begin, end);
  return derivatives_as<C, false, 0>(job, begin, end);
}

unsigned derivatives(const Job& job, std::int64_t begin, std::int64_t end) {
  const bool wide = job.margin.wide || job.gradient.wide || job.precise;
  return wide ? derivatives_of<double>(job, begin, end) : derivatives_of<float>(job, begin, end);
}

unsigned losses(const Job& job, std::int64_t begin, std::int64_t end) {
  return job.margin.wide ? losses_as<double>(job, begin, end) : losses_as<float>(job, begin, end);
}
