// What one call of the kernel is asked to do: plain data, shared by the instruction sets.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "portable.hpp"

namespace focalboost {

enum class Form { sigmoid, softmax };

// Which second derivative: leaving out the negative term; as it is; or its mean over the labels (pointwise.inl).
enum class Curvature { upper, exact, expected };

// Bits of the status that a pass returns; the Python face turns them into messages.
enum Status : unsigned {
  label_invalid = 1,
  margin_nan = 2,
  margin_undefined = 4,  // a softmax row with two +inf margins, or with none above -inf
  weight_invalid = 8,
  out_of_memory = 16,
};

// An array of float (wide == false) or double; strides count elements. Null data: absent.
struct Array {
  void* data = nullptr;
  bool wide = false;
  std::int64_t row = 0, column = 0;
};

// What is looked up for a loss in log-odds: polynomials over equal intervals from 0 to a reach, in a variable from -1 to
// 1; straight lines of these slopes per unit beyond. Eight coefficients each in double, four in float.
struct Curves {
  const double* wide = nullptr;
  const float* narrow = nullptr;
  const double* slopes = nullptr;
  std::int64_t wide_intervals = 0, narrow_intervals = 0;
  double wide_rate = 0, narrow_rate = 0;  // intervals per unit
  double origin = 0;                      // softmax: where its variable starts
};

struct Job {
  Form form = Form::sigmoid;
  std::int64_t rows = 0, columns = 1;
  Array margin, label, weight;
  bool multilabel = false;        // label holds a 0/1 column for each margin column
  const double* alpha = nullptr;  // softmax: columns; sigmoid: columns x (label 0, label 1)
  double gamma = 0;
  Curves curves;  // none: the margins are focal logits, which log-odds are too at gamma = 0
  // derivatives
  Curvature curvature = Curvature::upper;
  bool precise = false;           // double arithmetic, whatever the types
  double inverse_step = 0;        // 1 / max_step for the bounded Hessian, else 0
  double hessian_factor = 1;
  Array gradient, hessian;
  // loss: per row where given, and the sums of each chunk of rows
  Array loss;
  double* chunk_loss = nullptr;
  double* chunk_weight = nullptr;
};

// Rows per unit of work: sums are kept by chunk, so that they do not depend on the threads.
constexpr std::int64_t chunk_rows = 4096;

// Beyond it, the product with alpha and the derivative could overflow in float.
constexpr double max_weight = 1e20;

// Works on rows [begin, end); begin is a multiple of chunk_rows.
using Pass = unsigned (*)(const Job&, std::int64_t begin, std::int64_t end);

struct InstructionSet {
  const char* name;
  Pass derivatives, losses;
};

}  // namespace focalboost
