#include "common/cnn/ops/support/check.hpp"

#include <algorithm>

#include "common/cnn/limits.hpp"

namespace hyps::cnn::ops {

namespace {

Status check_arity(const NodeContext& context, const Arity& arity) {
  const Node& node = context.node;
  if (node.inputs.size() > arity.max_inputs) {
    return context.error("has " + std::to_string(node.inputs.size()) + " inputs, at most " +
                         std::to_string(arity.max_inputs) + " are defined");
  }
  for (std::size_t i = 0; i < arity.min_inputs; ++i) {
    if (!context.has_input(i)) return context.error("input " + std::to_string(i) + " is missing");
  }
  if (node.outputs.empty() || node.outputs[0].empty()) return context.error("has no output");
  if (node.outputs.size() > arity.max_outputs) {
    return unsupported(context, "output " + std::to_string(arity.max_outputs) + " ('" +
                                    node.outputs[arity.max_outputs] +
                                    "') is not supported; remove what reads it");
  }
  return {};
}

}  // namespace

Error unsupported(const NodeContext& context, const std::string& why) {
  Error error = context.error(why);
  error.kind = ErrorKind::unsupported;
  return error;
}

Status check_node(const NodeContext& context, const Arity& arity,
                  std::initializer_list<AttributeRule> attributes) {
  HYPS_CHECK(check_arity(context, arity));
  for (const auto& entry : context.node.attributes) {
    const std::string& name = entry.first;
    const auto* rule = std::find_if(attributes.begin(), attributes.end(),
                                    [&](const AttributeRule& r) { return r.name == name; });
    if (rule == attributes.end()) {
      return unsupported(context, "attribute '" + name + "' is not supported");
    }
    if (entry.second.index() != static_cast<std::size_t>(rule->kind)) {
      return context.error("attribute '" + name + "' is of the wrong type");
    }
  }
  return {};
}

Status check_floats(const NodeContext& context) {
  for (std::size_t i = 0; i < context.inputs.size(); ++i) {
    if (context.has_input(i) && context.inputs[i].type != DType::f32) {
      return unsupported(context, "input " + std::to_string(i) + " is " +
                                      to_string(context.inputs[i].type) +
                                      "; only float32 is supported");
    }
  }
  return {};
}

Status check_rank(const NodeContext& context, std::size_t input, std::size_t min, std::size_t max) {
  const std::size_t rank = context.shape(input).size();
  if (rank >= min && rank <= max) return {};
  const std::string wanted = min == max        ? std::to_string(min)
                             : max >= kMaxRank ? "at least " + std::to_string(min)
                                               : std::to_string(min) + " to " + std::to_string(max);
  return context.error("input " + std::to_string(input) + " has shape " +
                       to_string(context.shape(input)) + ", its rank must be " + wanted);
}

Status check_shape(const NodeContext& context, std::size_t input, const char* what,
                   const Shape& expected) {
  if (context.shape(input) == expected) return {};
  return context.error(std::string(what) + " has shape " + to_string(context.shape(input)) +
                       ", expected " + to_string(expected));
}

Result<std::size_t> normal_axis(const NodeContext& context, std::int64_t axis, std::size_t rank,
                                std::size_t end) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  const std::int64_t normal = axis < 0 ? axis + signed_rank : axis;
  if (normal < 0 || normal >= static_cast<std::int64_t>(end)) {
    return context.error("axis " + std::to_string(axis) + " is outside a tensor of rank " +
                         std::to_string(rank));
  }
  return static_cast<std::size_t>(normal);
}

Result<std::size_t> normal_axis(const NodeContext& context, std::int64_t axis, std::size_t rank) {
  return normal_axis(context, axis, rank, rank);
}

Result<std::vector<std::int64_t>> constant_integers(const NodeContext& context, std::size_t input,
                                                    const char* what) {
  const Tensor* tensor = context.constants[input];
  if (tensor == nullptr) {
    return unsupported(
        context, std::string(what) + " ('" + context.inputs[input].name + "') must be a constant");
  }
  const bool is_integer = tensor->type == DType::i64 || tensor->type == DType::i32;
  if (!is_integer || tensor->shape.size() > 1) {
    return context.error(std::string(what) + " must be a list of int64, it is " +
                         to_string(tensor->type) + " " + to_string(tensor->shape));
  }
  if (tensor->type == DType::i32) {
    const auto narrow = tensor->values<std::int32_t>();
    return std::vector<std::int64_t>(narrow.begin(), narrow.end());
  }
  const auto values = tensor->i64();
  return std::vector<std::int64_t>(values.begin(), values.end());
}

Result<std::vector<bool>> marked_axes(const NodeContext& context,
                                      const std::vector<std::int64_t>& axes, std::size_t rank) {
  std::vector<bool> marked(rank, false);
  for (const std::int64_t axis : axes) {
    HYPS_TRY(const std::size_t normal, normal_axis(context, axis, rank));
    if (marked[normal]) return context.error("axis " + std::to_string(axis) + " is named twice");
    marked[normal] = true;
  }
  return marked;
}

Values one_output(const NodeContext& context, DType type, Shape shape) {
  if (const std::string fault = shape_fault(shape, type); !fault.empty()) {
    return context.error("its output: " + fault);
  }
  return std::vector<Value>{{"", type, std::move(shape)}};
}

Values one_map(const NodeContext& context, Shape shape) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
    return context.error("its output of shape " + to_string(shape) + " has no elements");
  }
  return one_output(context, DType::f32, std::move(shape));
}

std::int64_t extent_product(const Shape& shape, std::size_t begin, std::size_t end) {
  return element_count({shape.begin() + static_cast<std::ptrdiff_t>(begin),
                        shape.begin() + static_cast<std::ptrdiff_t>(end)});
}

}  // namespace hyps::cnn::ops
