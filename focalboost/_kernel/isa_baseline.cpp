// The kernel for any processor: no flags beyond the target's own.
#include "job.hpp"

namespace focalboost::baseline {
namespace {
#include "vecmath.inl"
#include "pointwise.inl"
#include "rows.inl"
}  // namespace
extern const InstructionSet instruction_set = {"baseline", derivatives, losses};
}  // namespace focalboost::baseline
