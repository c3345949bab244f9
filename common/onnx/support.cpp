#include "common/onnx/support.hpp"

#include <fmt/format.h>
#include <onnx/defs/schema.h>

#include <algorithm>
#include <exception>
#include <map>
#include <string>

#include "common/cnn/operator.hpp"
#include "common/onnx/model_file.hpp"

namespace hyps::onnx {

namespace {

std::string supported_operators() {
  std::string list;
  for (const cnn::Operator& op : cnn::all_operators()) {
    list += (list.empty() ? "" : ", ") + std::string(op.type);
  }
  return list;
}

// Why the node's operator is not supported; empty if it is.
std::string missing(const ::onnx::NodeProto& node, int opset) {
  if (!is_default_domain(node.domain())) {
    return fmt::format("{} of domain '{}'", node.op_type(), node.domain());
  }
  const cnn::Operator* op = cnn::find_operator(node.op_type());
  if (op == nullptr) return node.op_type();
  if (opset < op->opset_min || opset > op->opset_max) {
    return fmt::format("{} in opset {} ({} to {} are)", node.op_type(), opset, op->opset_min,
                       op->opset_max);
  }
  return {};
}

// As ONNX and its extensions name the operators that compute in integers for floats.
bool is_quantised(const std::string& op) {
  return op.starts_with("QLinear") || op.find("uantizeLinear") != std::string::npos ||
         op.ends_with("Integer");
}

std::string label(const ::onnx::NodeProto& node) {
  if (!node.name().empty()) return node.name();
  return node.output_size() > 0 ? "-> " + node.output(0) : "unnamed";
}

// The schema's messages have several lines; ours have one.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

Status check_operators(const ::onnx::GraphProto& graph, int opset) {
  std::map<std::string, std::string> first_node;  // by what is missing
  for (const auto& node : graph.node()) {
    if (is_quantised(node.op_type())) {
      return Error{ErrorKind::unsupported,
                   fmt::format("the model is quantised ({} in node '{}'), and hyps computes in "
                               "float32: export it without quantisation",
                               node.op_type(), label(node))};
    }
    const std::string what = missing(node, opset);
    if (!what.empty()) first_node.emplace(what, label(node));
  }
  if (first_node.empty()) return {};
  constexpr std::size_t most_listed = 10;
  std::string list;
  std::size_t listed = 0;
  for (const auto& [what, node] : first_node) {
    if (listed++ == most_listed) break;
    list += fmt::format("{}{} (node '{}')", list.empty() ? "" : ", ", what, node);
  }
  const std::size_t rest = first_node.size() - std::min(first_node.size(), most_listed);
  if (rest > 0) list += fmt::format(" and {} more", rest);
  return Error{ErrorKind::unsupported, fmt::format("not supported: operator {}; supported are: {}",
                                                   list, supported_operators())};
}

Status check_schema(const ::onnx::NodeProto& node, int opset) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_ref_attr_name()) {
      return Error{ErrorKind::invalid,
                   fmt::format("{} '{}': attribute '{}' refers to a function's attribute outside "
                               "of any function",
                               node.op_type(), label(node), attribute.name())};
    }
  }
  try {
    const auto* schema = ::onnx::OpSchemaRegistry::Schema(node.op_type(), opset, "");
    if (schema == nullptr) {
      return Error{ErrorKind::invalid, fmt::format("{} '{}': opset {} has no such operator",
                                                   node.op_type(), label(node), opset)};
    }
    schema->Verify(node);
  } catch (const std::exception& problem) {
    return Error{ErrorKind::invalid, fmt::format("{} '{}': {}", node.op_type(), label(node),
                                                 first_line(problem.what()))};
  }
  return {};
}

}  // namespace hyps::onnx
