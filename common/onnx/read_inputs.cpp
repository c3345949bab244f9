#include "common/onnx/read_inputs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "common/onnx/support.hpp"
#include "common/onnx/tensor_proto.hpp"

namespace hyps::onnx {

namespace {

using Input = ::onnx::ValueInfoProto;
using Inputs = std::vector<const Input*>;
using Dimension = ::onnx::TensorShapeProto::Dimension;

Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }

bool is_open(const Dimension& dimension) {
  return !dimension.has_dim_value() || dimension.dim_value() < 0;
}

bool has_open_shape(const Input& input) {
  const auto& type = input.type().tensor_type();
  return !type.has_shape() ||
         std::any_of(type.shape().dim().begin(), type.shape().dim().end(), is_open);
}

std::string name_of(const Dimension& dimension) {
  if (!is_open(dimension)) return std::to_string(dimension.dim_value());
  return dimension.dim_param().empty() ? "?" : dimension.dim_param();
}

// "[batch, 3, height, width]"
std::string shape_text(const Input& input) {
  const auto& type = input.type().tensor_type();
  if (!type.has_shape()) return "[of any shape]";
  std::vector<std::string> names;
  for (const Dimension& dimension : type.shape().dim()) names.push_back(name_of(dimension));
  return fmt::format("[{}]", fmt::join(names, ", "));
}

std::string list_of(const Inputs& inputs) {
  std::vector<std::string> list;
  for (const Input* input : inputs) {
    list.push_back(fmt::format("'{}' {}", input->name(), shape_text(*input)));
  }
  return fmt::format("{}", fmt::join(list, ", "));
}

// Which dimension is open, what the whole shape is, and how to give it.
Error question(const Input& input) {
  constexpr int kUsualSide = 224;
  const auto& type = input.type().tensor_type();
  cnn::Shape example{1, 3, kUsualSide, kUsualSide};
  if (type.has_shape()) example.clear();
  for (int axis = 0; axis < type.shape().dim_size(); ++axis) {
    const Dimension& dimension = type.shape().dim(axis);
    const std::int64_t usual = axis == 0 ? 1 : kUsualSide;
    example.push_back(is_open(dimension) ? usual : dimension.dim_value());
  }
  const std::string what = type.has_shape()
                               ? fmt::format("its shape {} is left open", shape_text(input))
                               : "it has no shape";
  return invalid(fmt::format("{}; say how large it is, as in --input {}={}", what, input.name(),
                             cnn::to_string(example)));
}

// A batch size left open is one image at a time; anything else must be known.
Result<cnn::Shape> own_shape(const Input& input) {
  const auto& type = input.type().tensor_type();
  if (!type.has_shape()) return question(input);
  cnn::Shape shape;
  for (const Dimension& dimension : type.shape().dim()) {
    if (is_open(dimension) && !shape.empty()) return question(input);
    shape.push_back(is_open(dimension) ? 1 : dimension.dim_value());
  }
  return shape;
}

Status check_wanted(const Input& input, const cnn::Shape& wanted) {
  const auto& type = input.type().tensor_type();
  if (!type.has_shape()) return {};
  bool fits = std::cmp_equal(wanted.size(), type.shape().dim_size());
  for (std::size_t axis = 0; fits && axis < wanted.size(); ++axis) {
    const Dimension& dimension = type.shape().dim(static_cast<int>(axis));
    fits = is_open(dimension) || dimension.dim_value() == wanted[axis];
  }
  if (fits) return {};
  return invalid(fmt::format("its shape is {}, and cannot be made {}", shape_text(input),
                             cnn::to_string(wanted)));
}

// `wanted`: nullptr if nobody has said.
Result<cnn::Value> read_input(const Input& input, const cnn::Shape* wanted) {
  if (!input.type().has_tensor_type()) return Error{ErrorKind::unsupported, "it is no tensor"};
  cnn::Value value;
  value.name = input.name();
  HYPS_TRY(value.type, dtype_of(input.type().tensor_type().elem_type()));
  if (wanted != nullptr) {
    HYPS_CHECK(check_wanted(input, *wanted));
    value.shape = *wanted;
  } else {
    HYPS_TRY(value.shape, own_shape(input));
  }
  HYPS_CHECK(check_shape(value.shape));
  return value;
}

Status check_constant(const Input& input, const cnn::Tensor& tensor) {
  HYPS_TRY(const cnn::Value value, read_input(input, &tensor.shape));
  if (value.type == tensor.type) return {};
  return invalid(fmt::format("it is {}, and what is given for it is {}; save that as {}",
                             cnn::to_string(value.type), cnn::to_string(tensor.type),
                             cnn::to_string(value.type)));
}

// The input that a shape without a name is meant for.
Result<const Input*> unnamed(const Inputs& inputs, const cnn::Shape& shape) {
  Inputs open;
  for (const Input* input : inputs) {
    if (has_open_shape(*input)) open.push_back(input);
  }
  if (open.size() == 1) return open[0];
  if (open.empty() && inputs.size() == 1) return inputs[0];
  return invalid(fmt::format(
      "which input has the shape {}? Name it, as in --input {}={}; the model's inputs are {}",
      cnn::to_string(shape), inputs.empty() ? "NAME" : inputs[0]->name(), cnn::to_string(shape),
      list_of(inputs)));
}

Status check_names(const Inputs& inputs, const GivenInputs& given) {
  std::vector<std::string> names;
  for (const auto& [name, shape] : given.shapes) names.push_back(name);
  for (const auto& [name, tensor] : given.constants) names.push_back(name);
  for (const std::string& name : names) {
    const auto is_it = [&](const Input* input) { return input->name() == name; };
    if (std::any_of(inputs.begin(), inputs.end(), is_it)) continue;
    return invalid(
        fmt::format("there is no input '{}'; the model's inputs are {}", name, list_of(inputs)));
  }
  return {};
}

Result<Inputs> inputs_of(const ::onnx::GraphProto& proto, const cnn::Graph& graph) {
  Inputs inputs;
  for (const Input& input : proto.input()) {
    if (input.name().empty()) return invalid("an input has no name");
    if (!graph.is_weight(input.name())) inputs.push_back(&input);
  }
  return inputs;
}

}  // namespace

Status read_inputs(const ::onnx::GraphProto& proto, const GivenInputs& given, cnn::Graph& graph) {
  HYPS_TRY(const Inputs inputs, inputs_of(proto, graph));
  HYPS_CHECK(check_names(inputs, given));
  Inputs open;
  for (const Input* input : inputs) {
    const auto constant = given.constants.find(input->name());
    if (constant == given.constants.end()) {
      open.push_back(input);
      continue;
    }
    if (const Status fits = check_constant(*input, constant->second); !fits) {
      return fits.error().about(fmt::format("input '{}'", input->name()));
    }
    graph.weights.emplace(*constant);
  }
  if (open.empty() && !inputs.empty()) {
    return invalid("every input is fixed; leave open the one that differs from job to job");
  }
  const Input* shaped = nullptr;
  if (!given.shape.empty()) {
    HYPS_TRY(shaped, unnamed(open, given.shape));
  }
  for (const Input* input : open) {
    const auto shape = given.shapes.find(input->name());
    const cnn::Shape* wanted = shape != given.shapes.end() ? &shape->second
                               : input == shaped           ? &given.shape
                                                           : nullptr;
    auto value = read_input(*input, wanted);
    if (!value) return value.error().about(fmt::format("input '{}'", input->name()));
    graph.inputs.push_back(std::move(value).value());
  }
  return {};
}

}  // namespace hyps::onnx
