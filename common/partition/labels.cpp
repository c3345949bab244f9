#include "common/partition/labels.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/units.hpp"
#include "common/cnn/limits.hpp"

namespace hyps::partition {

namespace {
constexpr std::size_t kMaxNameBytes = 1024;

// Bytes of the UTF-8 character at `at`; 0 if there is none or it is a control character.
std::size_t character_length(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80U) return first >= 0x20U && first != 0x7fU ? 1 : 0;
  if (first < 0xc2U || first > 0xf4U) return 0;
  const std::size_t length = first >= 0xf0U ? 4 : first >= 0xe0U ? 3 : 2;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  }
  const bool overlong = (first == 0xe0U && byte(1) < 0xa0U) || (first == 0xf0U && byte(1) < 0x90U);
  const bool no_character =
      (first == 0xedU && byte(1) > 0x9fU) || (first == 0xf4U && byte(1) > 0x8fU);
  return overlong || no_character ? 0 : length;
}

bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }
}  // namespace

std::string threshold_label(const Threshold& threshold) {
  if (threshold.value <= 0) return "none";
  if (threshold.unit == Threshold::Unit::bytes) return format_bytes(threshold.value);
  return format_count(threshold.value) + " parameters";
}

std::string layers_label(const Partition& partition, std::size_t width) {
  const auto& layers = partition.layers;
  if (layers.empty()) return "";
  const std::string& first = layers.front();
  if (partition.nodes.size() == 0 && partition.kind == Kind::vertical) {
    return shortened("join " + first, width);
  }
  if (layers.size() == 1) return shortened(first, width);
  const std::string full = layers.size() == 2
                               ? first + ", " + layers.back()
                               : fmt::format("{} … {} ({})", first, layers.back(), layers.size());
  for (const std::string& label : {full, first + "…" + layers.back()}) {
    if (displayed_width(label) <= width) return label;
  }
  const std::string others = fmt::format(" +{}", layers.size() - 1);
  return shortened(first, width > others.size() ? width - others.size() : 1) + others;
}

std::int64_t bytes_of(const std::vector<cnn::Value>& values) {
  std::int64_t bytes = 0;
  for (const auto& value : values) bytes = cnn::capped_sum(bytes, value.bytes());
  return bytes;
}

std::string edge_label(const std::vector<cnn::Value>& values) {
  const bool outside =
      values.size() == 1 && (values[0].name == kImageTensor || values[0].name == kAnswerTensor);
  return outside ? "-" : format_bytes(bytes_of(values));
}

bool is_printable(const std::string& text) {
  if (text.empty() || text.size() > kMaxNameBytes) return false;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = character_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string made_printable(const std::string& text) {
  if (is_printable(text)) return text;
  std::string clean = text.substr(0, kMaxNameBytes);
  for (char& c : clean) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20U || byte >= 0x7fU) c = '?';
  }
  return clean;
}

std::size_t displayed_width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

std::string shortened(const std::string& text, std::size_t width) {
  if (displayed_width(text) <= width) return text;
  std::string cut;
  std::size_t points = 0;
  for (const char c : text) {
    if (starts_code_point(c) && ++points >= width) break;
    cut += c;
  }
  return cut + "…";
}

}  // namespace hyps::partition
