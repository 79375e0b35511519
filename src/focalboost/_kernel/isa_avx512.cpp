// The kernel for x86-64 with AVX-512 F, DQ, VL and BW; the build gives this file its flags.
#include <immintrin.h>

#include "job.hpp"

namespace focalboost::avx512 {
namespace {
#include "vecmath.inl"
#include "pointwise.inl"
#include "block.inl"
#include "planes.inl"
#include "sigmoid.inl"
#include "softmax.inl"
#include "expected.inl"
#include "log_odds.inl"
#include "log_odds_second.inl"
#include "log_odds_drops.inl"
#include "log_odds_softmax.inl"
#include "passes.inl"
}  // namespace
extern const InstructionSet instruction_set = {"avx512", derivatives, losses};
}  // namespace focalboost::avx512
