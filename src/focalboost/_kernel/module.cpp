// The Python module: checks the arrays, releases the GIL, runs a pass.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "job.hpp"
#include "parallel.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace focalboost {

namespace baseline {
extern const InstructionSet instruction_set;
}
#ifdef FOCALBOOST_X86
namespace avx2 {
extern const InstructionSet instruction_set;
}
namespace avx512 {
extern const InstructionSet instruction_set;
}
#endif

namespace {

std::vector<const InstructionSet*> supported() {
  std::vector<const InstructionSet*> sets{&baseline::instruction_set};
#ifdef FOCALBOOST_X86
  const Processor processor;
  if (processor.avx2) sets.push_back(&avx2::instruction_set);
  if (processor.avx512) sets.push_back(&avx512::instruction_set);
#endif
  return sets;
}

// The widest instruction set of this processor, unless FOCALBOOST_SIMD names another of them.
const InstructionSet& choose() {
  const std::vector<const InstructionSet*> sets = supported();
  const char* wanted = std::getenv("FOCALBOOST_SIMD");
  if (!wanted || !*wanted) return *sets.back();
  std::string names;
  for (const InstructionSet* set : sets) {
    if (std::string(wanted) == set->name) return *set;
    names += std::string(names.empty() ? "" : ", ") + set->name;
  }
  throw nb::import_error(("FOCALBOOST_SIMD must be one of " + names + " on this processor, got '" +
                          wanted + "'; unset it for the fastest").c_str());
}

const InstructionSet* instruction_set = nullptr;

using Input = nb::ndarray<nb::ro, nb::device::cpu>;
using Output = nb::ndarray<nb::device::cpu>;

[[noreturn]] void fail(const char* name, const std::string& rule) {
  throw nb::value_error((std::string(name) + " " + rule).c_str());
}

void check_aligned(const char* name, const void* data, std::size_t size) {
  if (reinterpret_cast<std::uintptr_t>(data) % size) fail(name, "is not aligned");
}

template <class Any>
Array view(const char* name, const Any& array, std::int64_t rows, std::int64_t columns,
           bool wide_allowed = true) {
  Array v;
  if (array.dtype() == nb::dtype<double>() && wide_allowed) {
    v.wide = true;
  } else if (array.dtype() != nb::dtype<float>()) {
    throw nb::type_error((std::string(name) + " must be " +
                          (wide_allowed ? "float32 or float64" : "float32")).c_str());
  }
  const bool flat = array.ndim() == 1;
  if (!(flat ? columns == 1 : array.ndim() == 2) || std::int64_t(array.shape(0)) != rows ||
      (!flat && std::int64_t(array.shape(1)) != columns)) {
    fail(name, "does not have the shape of margin");
  }
  check_aligned(name, array.data(), v.wide ? sizeof(double) : sizeof(float));
  v.data = const_cast<void*>(static_cast<const void*>(array.data()));
  v.row = array.stride(0);
  v.column = flat ? 0 : array.stride(1);
  return v;
}

Job describe(bool softmax, const Input& margin, const Input& label, const std::optional<Input>& weight,
             const nb::ndarray<const double, nb::c_contig, nb::device::cpu>& alpha, double gamma) {
  Job job;
  if (margin.ndim() != 1 && margin.ndim() != 2) fail("margin", "must have 1 or 2 dimensions");
  job.form = softmax ? Form::softmax : Form::sigmoid;
  job.rows = std::int64_t(margin.shape(0));
  job.columns = margin.ndim() == 1 ? 1 : std::int64_t(margin.shape(1));
  // Labels are float32, which holds every integer up to 2^24.
  if (job.columns < 1 + softmax || job.columns > (1 << 24)) fail("margin", "has too few or too many columns");
  job.margin = view("margin", margin, job.rows, job.columns);
  job.multilabel = label.ndim() == 2;
  if (job.multilabel && softmax) fail("label", "must have 1 dimension for softmax");
  job.label = view("label", label, job.rows, job.multilabel ? job.columns : 1, false);
  if (weight) {
    if (weight->ndim() != 1) fail("weight", "must have 1 dimension");
    job.weight = view("weight", *weight, job.rows, 1);
  }
  if (std::int64_t(alpha.size()) != job.columns * (softmax ? 1 : 2)) fail("alpha", "has the wrong size");
  check_aligned("alpha", alpha.data(), sizeof(double));
  job.alpha = alpha.data();
  if (!(gamma >= 0 && gamma <= 1e6)) fail("gamma", "must lie in [0, 1e6]");
  job.gamma = gamma;
  return job;
}

using Coefficients = nb::ndarray<const double, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using NarrowCoefficients = nb::ndarray<const float, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using Slopes = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// The curves of a loss in log-odds: B, B', and two losses for a sigmoid; log phi, and in float the start, for softmax.
void look_up(Job& job, const std::optional<Coefficients>& wide, const std::optional<NarrowCoefficients>& narrow,
             const std::optional<Slopes>& slopes, double wide_rate, double narrow_rate, double origin) {
  if (!wide) return;
  const bool softmax = job.form == Form::softmax;
  if (!narrow || !slopes) fail("wide", "must be given with narrow and slopes");
  // Positions are to lie inside the tables whatever the margins.
  if (!(wide_rate > 0 && wide_rate < 1e9) || !(narrow_rate > 0 && narrow_rate < 1e9)) fail("wide_rate", "must be positive");
  if (!(std::abs(origin) < 1e9)) fail("origin", "must be finite");
  if (wide->shape(1) > 1u << 24 || narrow->shape(1) > 1u << 24) fail("wide", "has too many intervals");
  check_aligned("wide", wide->data(), sizeof(double));
  check_aligned("narrow", narrow->data(), sizeof(float));
  check_aligned("slopes", slopes->data(), sizeof(double));
  if (wide->shape(0) != (softmax ? 1u : 4u) || wide->shape(1) < 1 || wide->shape(2) != 8) {
    fail("wide", "has the wrong shape");
  }
  if (narrow->shape(0) != (softmax ? 2u : 1u) || narrow->shape(1) < 1 || narrow->shape(2) != 4) {
    fail("narrow", "has the wrong shape");
  }
  if (slopes->shape(0) != (softmax ? 2u : 4u)) fail("slopes", "has the wrong shape");
  job.curves = {wide->data(), narrow->data(), slopes->data(), std::int64_t(wide->shape(1)),
                std::int64_t(narrow->shape(1)), wide_rate, narrow_rate, origin};
}

void finish(unsigned status) {
  if (status & out_of_memory) throw std::bad_alloc();
}

unsigned derivatives(bool softmax, const Input& margin, const Input& label,
                     const std::optional<Input>& weight,
                     const nb::ndarray<const double, nb::c_contig, nb::device::cpu>& alpha,
                     double gamma, int curvature, double inverse_step, double hessian_factor,
                     const Output& gradient, const Output& hessian, int threads,
                     std::uintptr_t openmp, bool precise, const std::optional<Coefficients>& wide,
                     const std::optional<NarrowCoefficients>& narrow, const std::optional<Slopes>& slopes,
                     double wide_rate, double narrow_rate, double origin) {
  Job job = describe(softmax, margin, label, weight, alpha, gamma);
  look_up(job, wide, narrow, slopes, wide_rate, narrow_rate, origin);
  if (curvature < int(Curvature::upper) || curvature > int(Curvature::expected)) fail("curvature", "must be 0, 1 or 2");
  job.curvature = Curvature(curvature);
  job.precise = precise;
  job.inverse_step = inverse_step;
  job.hessian_factor = hessian_factor;
  job.gradient = view("gradient", gradient, job.rows, job.columns);
  job.hessian = view("hessian", hessian, job.rows, job.columns);
  if (job.gradient.wide != job.hessian.wide) fail("hessian", "does not have the type of gradient");
  unsigned status;
  {
    nb::gil_scoped_release release;
    status = run(job, instruction_set->derivatives, threads, reinterpret_cast<OpenMP>(openmp));
  }
  finish(status);
  return status;
}

nb::tuple losses(bool softmax, const Input& margin, const Input& label,
                 const std::optional<Input>& weight,
                 const nb::ndarray<const double, nb::c_contig, nb::device::cpu>& alpha, double gamma,
                 const std::optional<Output>& loss, int threads, std::uintptr_t openmp,
                 const std::optional<Coefficients>& wide, const std::optional<NarrowCoefficients>& narrow,
                 const std::optional<Slopes>& slopes, double wide_rate, double narrow_rate,
                 double origin) {
  Job job = describe(softmax, margin, label, weight, alpha, gamma);
  look_up(job, wide, narrow, slopes, wide_rate, narrow_rate, origin);
  if (loss) {
    if (loss->ndim() != 1) fail("loss", "must have 1 dimension");
    job.loss = view("loss", *loss, job.rows, 1);
  }
  const std::size_t chunks = std::size_t((job.rows + chunk_rows - 1) / chunk_rows);
  std::vector<double> sums(2 * chunks, 0.0);
  job.chunk_loss = sums.data();
  job.chunk_weight = sums.data() + chunks;
  unsigned status;
  double total = 0, weights = 0;
  {
    nb::gil_scoped_release release;
    status = run(job, instruction_set->losses, threads, reinterpret_cast<OpenMP>(openmp));
    for (std::size_t i = 0; i < chunks; ++i) {
      total += job.chunk_loss[i];
      weights += job.chunk_weight[i];
    }
  }
  finish(status);
  return nb::make_tuple(status, total, weights);
}

}  // namespace
}  // namespace focalboost

NB_MODULE(_native, m) {
  using namespace focalboost;
  instruction_set = &choose();
  m.attr("instruction_set") = instruction_set->name;
  m.attr("LABEL_INVALID") = unsigned(label_invalid);
  m.attr("MARGIN_NAN") = unsigned(margin_nan);
  m.attr("MARGIN_UNDEFINED") = unsigned(margin_undefined);
  m.attr("WEIGHT_INVALID") = unsigned(weight_invalid);
  m.attr("UPPER") = int(Curvature::upper);
  m.attr("EXACT") = int(Curvature::exact);
  m.attr("EXPECTED") = int(Curvature::expected);
  m.def("derivatives", &derivatives, "softmax"_a, "margin"_a, "label"_a, "weight"_a.none(), "alpha"_a.noconvert(),
        "gamma"_a, "curvature"_a, "inverse_step"_a, "hessian_factor"_a, "gradient"_a.noconvert(),
        "hessian"_a.noconvert(), "threads"_a, "openmp"_a = 0, "precise"_a = false, "wide"_a.noconvert().none() = nb::none(),
        "narrow"_a.noconvert().none() = nb::none(), "slopes"_a.noconvert().none() = nb::none(), "wide_rate"_a = 0.0,
        "narrow_rate"_a = 0.0, "origin"_a = 0.0,
        "Write gradient and Hessian of every row; return the status bits found on the way.");
  m.def("losses", &losses, "softmax"_a, "margin"_a, "label"_a, "weight"_a.none(), "alpha"_a.noconvert(), "gamma"_a,
        "loss"_a.none().noconvert(), "threads"_a, "openmp"_a = 0, "wide"_a.noconvert().none() = nb::none(),
        "narrow"_a.noconvert().none() = nb::none(), "slopes"_a.noconvert().none() = nb::none(), "wide_rate"_a = 0.0,
        "narrow_rate"_a = 0.0, "origin"_a = 0.0,
        "Write the loss of every row, where loss is given; return status, their sum, and that of the weights.");
}
