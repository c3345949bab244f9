// Operators that reduce axes of one map: which axes, the output's shape, slicing, and the loop.
#pragma once

#include <string_view>
#include <vector>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

// Which axes of input 0 are reduced. They are an attribute before opset `input_since`, an input
// after; all of them where none is named, unless noop_with_empty_axes.
Result<std::vector<bool>> reduced_axes(const NodeContext& context, int input_since);

// The shape without the axes marked, or with extent one there.
Shape reduced_shape(const Shape& shape, const std::vector<bool>& reduced, bool keep);
bool keeps_axes(const NodeContext& context);

// Passes a range of an output axis on to the input axis it came from, if that is not reduced.
std::optional<NodeSlice> slice_kept(const NodeContext& context, const std::vector<bool>& reduced,
                                    int axis, Range range);

// Where only batch or channels are reduced.
std::optional<NodeTile> tile_kept(const NodeContext& context, const std::vector<bool>& reduced,
                                  const Region& output);

// step(at, x), for each element x in row-major order, `at` being its place in the output.
template <typename Step>
void walk_reduced(const Tensor& x, const std::vector<bool>& reduced, Step step) {
  const Shape kept = reduced_shape(x.shape, reduced, true);
  const BroadcastRows rows({kept}, x.shape);
  std::size_t i = 0;
  rows.for_each([&](const std::vector<std::int64_t>& first) {
    for (std::int64_t k = 0; k < rows.length(); ++k) {
      step(static_cast<std::size_t>(first[0] + k * rows.step(0)), x.f32()[i++]);
    }
  });
}

template <int input_since>
Values infer_reduction(const NodeContext& context) {
  const bool as_input = context.opset >= input_since;
  using enum AttributeKind;
  if (as_input) {
    HYPS_CHECK(
        check_node(context, {1, 2}, {{"keepdims", integer}, {"noop_with_empty_axes", integer}}));
  } else {
    HYPS_CHECK(check_node(context, {1, 1}, {{"axes", integers}, {"keepdims", integer}}));
  }
  if (context.inputs[0].type != DType::f32) {
    return unsupported(context, std::string("input 0 is ") + to_string(context.inputs[0].type) +
                                    "; only float32 is supported");
  }
  if (element_count(context.shape(0)) == 0) return context.error("its input has no elements");
  HYPS_TRY(const auto reduced, reduced_axes(context, input_since));
  return one_map(context, reduced_shape(context.shape(0), reduced, keeps_axes(context)));
}

// Function: double start(); double add(double so_far, double x); double result(double, double n).
template <typename Function, int input_since>
std::vector<Tensor> reduce(const NodeContext& context, const std::vector<const Tensor*>& inputs) {
  const auto reduced = reduced_axes(context, input_since).value();
  const Shape& shape = context.outputs[0].shape;
  std::vector<double> sums(static_cast<std::size_t>(element_count(shape)), Function::start());
  walk_reduced(*inputs[0], reduced, [&](std::size_t at, float x) {
    sums[at] = Function::add(sums[at], static_cast<double>(x));
  });
  const double n = static_cast<double>(inputs[0]->f32().size()) / static_cast<double>(sums.size());
  std::vector<float> y;
  y.reserve(sums.size());
  for (const double sum : sums) y.push_back(static_cast<float>(Function::result(sum, n)));
  return {Tensor::floats(shape, std::move(y))};
}

template <int input_since>
std::optional<NodeSlice> slice_reduction(const NodeContext& context, int axis, Range range) {
  return slice_kept(context, reduced_axes(context, input_since).value(), axis, range);
}

template <int input_since>
std::optional<NodeTile> tile_reduction(const NodeContext& context, const Region& output) {
  return tile_kept(context, reduced_axes(context, input_since).value(), output);
}

std::int64_t input_elements(const NodeContext& context);

// input_since: the opset that made the axes an input.
template <typename Function, int input_since = 18>
Operator reduction_operator(std::string_view type) {
  Operator op = unary_operator(type, reduce<Function, input_since>);
  op.infer = infer_reduction<input_since>;
  op.flops = input_elements;
  op.slice = slice_reduction<input_since>;
  op.tile = tile_reduction<input_since>;
  return op;
}

}  // namespace hyps::cnn::ops
