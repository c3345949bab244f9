// Horizontal partitioning: what a node computes from slices of its inputs is, bit for bit, the
// slice of what it computes from the whole.
#pragma once

#include <gmock/gmock.h>

#include "cases.hpp"

namespace hyps::cnn::testing {

inline std::optional<NodeSlice> slice_of(const Case& test, int axis, Range range) {
  Graph graph = graph_of(test);
  const Status status = infer_shapes(graph);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return find_operator(test.op)->slice(context_of(graph, graph.nodes[0]), axis, range);
}

inline Case sliced_case(const Case& test, const NodeSlice& slice) {
  Case part = test;
  part.attributes = slice.node.attributes;
  for (std::size_t i = 0; i < part.inputs.size(); ++i) {
    const NodeSlice::Part& input = slice.inputs.at(i);
    if (input.axis >= 0) part.inputs[i] = part_of(*part.inputs[i], input.axis, input.range);
  }
  for (const auto& [input, tensor] : slice.constants) part.inputs.at(input) = tensor;
  return part;
}

// Every random range of the axis; `splittable` says whether the operator must allow it.
inline void check_axis(const Case& test, int axis, bool splittable, Random& random) {
  SCOPED_TRACE(test.op + " along axis " + std::to_string(axis));
  const Tensor whole = run(test);
  const std::int64_t extent = whole.shape.at(static_cast<std::size_t>(axis));
  for (int i = 0; i < 4; ++i) {
    const std::int64_t begin = random.between(0, extent - 1);
    const Range range{begin, random.between(begin + 1, extent)};
    const auto slice = slice_of(test, axis, range);
    ASSERT_EQ(slice.has_value(), splittable);
    if (!slice) continue;
    const Tensor part = run(sliced_case(test, *slice));
    const Tensor expected = part_of(whole, axis, range);
    EXPECT_EQ(part.shape, expected.shape);
    EXPECT_EQ(part.data, expected.data);
  }
  EXPECT_FALSE(slice_of(test, axis, {0, extent + 1}));
  EXPECT_FALSE(slice_of(test, axis, {0, 0}));
  EXPECT_FALSE(slice_of(test, axis, {-1, 1}));
  EXPECT_FALSE(slice_of(test, static_cast<int>(whole.shape.size()), {0, 1}));
  EXPECT_FALSE(slice_of(test, -1, {0, 1}));
}

inline int slice_axis_of(const Case& test) {
  Graph graph = graph_of(test);
  EXPECT_TRUE(infer_shapes(graph).ok());
  return find_operator(test.op)->slice_axis(context_of(graph, graph.nodes[0]));
}

class Slices : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  Random random_{GetParam()};
  const Shape shape_{random_.between(1, 2), random_.between(2, 5), random_.between(3, 5),
                     random_.between(3, 5)};
  const Tensor x_ = random_tensor(random_, shape_);
};

}  // namespace hyps::cnn::testing
