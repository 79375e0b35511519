// The kernel for any processor: no flags beyond the target's own.
#include "job.hpp"

namespace focalboost::baseline {
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
extern const InstructionSet instruction_set = {"baseline", derivatives, losses};
}  // namespace focalboost::baseline
