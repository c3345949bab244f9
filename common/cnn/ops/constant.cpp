// Constant: a tensor, a number or a list of numbers held in an attribute.
#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Tensor tensor_of(const Attribute& attribute) {
  if (const auto* number = std::get_if<std::int64_t>(&attribute)) {
    return Tensor::integers({}, {*number});
  }
  if (const auto* number = std::get_if<float>(&attribute)) return Tensor::floats({}, {*number});
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&attribute)) {
    return Tensor::integers({static_cast<std::int64_t>(list->size())}, *list);
  }
  if (const auto* list = std::get_if<std::vector<float>>(&attribute)) {
    return Tensor::floats({static_cast<std::int64_t>(list->size())}, *list);
  }
  return std::get<Tensor>(attribute);
}

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  HYPS_CHECK(check_node(context, {0, 0},
                        {{"value", tensor},
                         {"value_float", real},
                         {"value_floats", reals},
                         {"value_int", integer},
                         {"value_ints", integers}}));
  if (context.node.attributes.size() != 1) {
    return context.error("has " + std::to_string(context.node.attributes.size()) +
                         " values instead of one");
  }
  const Tensor value = tensor_of(context.node.attributes.begin()->second);
  if (const std::string fault = tensor_fault(value); !fault.empty()) return context.error(fault);
  return one_output(context, value.type, value.shape);
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& /*inputs*/) {
  return {tensor_of(context.node.attributes.begin()->second)};
}

Kernel kernel(const NodeContext& /*context*/) { return ReferenceKernel{}; }

}  // namespace

Operator constant() {
  return {.type = "Constant",
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = no_slice,
          .tile = no_tile};
}

}  // namespace hyps::cnn::ops
