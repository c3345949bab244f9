#include "tests/conformance/onnx/compare.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace hyps::conformance {

namespace {

bool is_close(float got, float want, Tolerance tolerance) {
  if (got == want || (std::isnan(got) && std::isnan(want))) return true;
  const double difference = std::abs(double{got} - double{want});
  return difference <= tolerance.absolute + tolerance.relative * std::abs(double{want});
}

std::string difference(const cnn::Tensor& got, const cnn::Tensor& want, Tolerance tolerance) {
  if (got.type != want.type || got.shape != want.shape) {
    return fmt::format("{} {} instead of {} {}", cnn::to_string(got.type),
                       cnn::to_string(got.shape), cnn::to_string(want.type),
                       cnn::to_string(want.shape));
  }
  if (got.type != cnn::DType::f32) return got.data == want.data ? "" : "the integers differ";
  for (std::size_t i = 0; i < want.f32().size(); ++i) {
    if (is_close(got.f32()[i], want.f32()[i], tolerance)) continue;
    return fmt::format("[{}] is {} instead of {}", i, got.f32()[i], want.f32()[i]);
  }
  return "";
}

std::string differences(const Result<std::vector<cnn::Tensor>>& got,
                        const std::vector<cnn::Tensor>& want, Tolerance tolerance) {
  if (!got) return got.error().message;
  if (got->size() != want.size()) return "the number of outputs differs";
  for (std::size_t i = 0; i < want.size(); ++i) {
    const std::string found = difference(got->at(i), want[i], tolerance);
    if (!found.empty()) return fmt::format("output {}: {}", i, found);
  }
  return "";
}

std::string failure_with(const cnn::Graph& graph, const DataSet& data, const Runner& run,
                         Tolerance tolerance) {
  std::vector<cnn::Tensor> inputs = data.inputs;
  inputs.resize(std::min(inputs.size(), graph.inputs.size()));
  return differences(run(graph, inputs), data.outputs, tolerance);
}

// Reshape and its like cannot take a shape that is known only at run time, nor can a list without
// elements be an input; such a refusal is right as long as the constant form works.
bool may_need_constants(const Error& error) {
  return error.message.find("constant") != std::string::npos ||
         error.message.find("it has no elements") != std::string::npos;
}

std::string failure_of_set(const Case& test_case, const DataSet& data, const Runner& run,
                           Tolerance tolerance) {
  auto constant = load_with_weights(test_case, data, 1);
  if (!constant && may_need_constants(constant.error())) {
    constant = load_with_weights(test_case, data, 0);
  }
  if (!constant) return constant.error().message;
  std::string found = failure_with(constant.value(), data, run, tolerance);
  if (!found.empty()) return "with weights: " + found;
  const auto as_is = load_as_is(test_case);
  if (!as_is) return may_need_constants(as_is.error()) ? "" : as_is.error().message;
  found = failure_with(as_is.value(), data, run, tolerance);
  return found.empty() ? "" : "as it is: " + found;
}

}  // namespace

std::string failure(const Case& test_case, const Runner& run, Tolerance tolerance) {
  const std::vector<DataSet> sets = data_sets(test_case);
  if (sets.empty()) return "it has no test data";
  for (const DataSet& data : sets) {
    std::string found = failure_of_set(test_case, data, run, tolerance);
    if (!found.empty()) return found;
  }
  return "";
}

void expect_conformance(const char* what, const Runner& run, Tolerance tolerance) {
  const std::vector<Case> cases = all_cases();
  if (cases.empty()) GTEST_SKIP() << "libonnx-testdata is not installed";
  const auto exceptions = cannot_pass();
  int ran = 0;
  int passed = 0;
  for (const Case& test_case : cases) {
    if (eligibility(test_case) != Eligibility::eligible) continue;
    ++ran;
    const std::string found = failure(test_case, run, tolerance);
    passed += found.empty() ? 1 : 0;
    if (exceptions.contains(test_case.name)) {
      EXPECT_NE(found, "") << test_case.name << " passes: take it out of cannot_pass.txt";
    } else {
      EXPECT_EQ(found, "") << test_case.name;
    }
  }
  fmt::print("{}: {} of {} ONNX cases ran, {} passed\n", what, ran, cases.size(), passed);
}

}  // namespace hyps::conformance
