// One-node graphs for operator tests: inputs are named x0, x1, …, outputs y0, y1, ….
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/random.hpp"
#include "common/cnn/graph.hpp"
#include "common/cnn/operator.hpp"

namespace hyps::cnn::testing {

struct Case {
  std::string op;
  std::map<std::string, Attribute> attributes;
  std::vector<std::optional<Tensor>> inputs;  // nullopt: omitted
  int opset = 13;
  std::set<std::size_t> variable{0};  // inputs given at run time; the others are weights
  std::size_t outputs = 1;
};

Graph graph_of(const Case& test);                       // shapes not inferred
std::vector<Tensor> run_inputs(const Case& test);       // for run_reference
Result<std::vector<Tensor>> run_all(const Case& test);  // infers and runs
Tensor run(const Case& test);                           // the first output; fails the test on error
std::string error_of(const Case& test);                 // what infer_shapes says, "" if it accepts

using Ints = std::vector<std::int64_t>;
std::vector<float> values_of(const Tensor& tensor);
Tensor random_tensor(Random& random, const Shape& shape);
Tensor iota(const Shape& shape);  // 0, 1, 2, …
// The part [range) of a tensor of any type along an axis.
Tensor part_of(const Tensor& tensor, int axis, Range range);
// Every element within `tolerance` relative to max(1, |expected|).
void expect_near(const Tensor& actual, const Tensor& expected, double tolerance);

}  // namespace hyps::cnn::testing
