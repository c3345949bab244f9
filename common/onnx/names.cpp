#include "common/onnx/names.hpp"

#include <fmt/format.h>

#include <array>

namespace hyps::onnx {

namespace {

// A UTF-8 sequence by its first byte: its length, and the least code point it may stand for.
struct Lead {
  unsigned mask, bits, length;
  std::uint32_t least;
};
constexpr std::array<Lead, 4> leads{
    {{0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}}};

bool is_allowed(std::uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  return !control && !surrogate && code <= 0x10ffff;
}

// The bytes of the character `text` starts with; 0 if there is none that is allowed.
std::size_t character_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  for (const Lead& lead : leads) {
    if ((first & lead.mask) != lead.bits) continue;
    if (text.size() < lead.length) return 0;
    std::uint32_t code = first & ~lead.mask;
    for (std::size_t i = 1; i < lead.length; ++i) {
      const auto next = static_cast<unsigned char>(text[i]);
      if ((next & 0xc0U) != 0x80U) return 0;
      code = (code << 6U) | (next & 0x3fU);
    }
    return code >= lead.least && is_allowed(code) ? lead.length : 0;
  }
  return 0;
}

Status check(const char* what, const std::string& text) {
  if (text.size() > max_name_bytes) {
    return Error{ErrorKind::invalid, fmt::format("a {} has {} bytes, more than the {} allowed",
                                                 what, text.size(), max_name_bytes)};
  }
  if (!is_readable_text(text)) {
    return Error{ErrorKind::invalid,
                 fmt::format("a {} is no readable text (UTF-8 without control characters)", what)};
  }
  return {};
}

Status check_node(const ::onnx::NodeProto& node) {
  HYPS_CHECK(check("node name", node.name()));
  HYPS_CHECK(check("operator name", node.op_type()));
  HYPS_CHECK(check("operator domain", node.domain()));
  for (const auto& input : node.input()) HYPS_CHECK(check("value name", input));
  for (const auto& output : node.output()) HYPS_CHECK(check("value name", output));
  for (const auto& attribute : node.attribute()) {
    HYPS_CHECK(check("attribute name", attribute.name()));
    HYPS_CHECK(check("attribute text", attribute.s()));
  }
  return {};
}

}  // namespace

bool is_readable_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Status check_names(const ::onnx::GraphProto& graph) {
  HYPS_CHECK(check("graph name", graph.name()));
  for (const auto& input : graph.input()) HYPS_CHECK(check("input name", input.name()));
  for (const auto& output : graph.output()) HYPS_CHECK(check("output name", output.name()));
  for (const auto& weight : graph.initializer()) HYPS_CHECK(check("weight name", weight.name()));
  for (const auto& node : graph.node()) HYPS_CHECK(check_node(node));
  return {};
}

}  // namespace hyps::onnx
