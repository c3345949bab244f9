#include "common/partition/svg_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/partition/labels.hpp"

namespace hyps::partition {

std::string escaped(const std::string& raw) {
  std::string text;
  for (const char c : made_printable(raw)) {
    switch (c) {
      case '&':
        text += "&amp;";
        break;
      case '<':
        text += "&lt;";
        break;
      case '>':
        text += "&gt;";
        break;
      case '"':
        text += "&quot;";
        break;
      default:
        text += c;
    }
  }
  return text;
}

std::string text_at(int x, int y, const char* style, const std::string& text) {
  return fmt::format("<text x=\"{}\" y=\"{}\" class=\"{}\">{}</text>\n", x, y, style,
                     escaped(text));
}

double line_width(std::int64_t bytes) {
  const double kilobytes = static_cast<double>(std::max<std::int64_t>(bytes, 1)) / 1024;
  return std::clamp(1 + 0.5 * std::log2(std::max(1.0, kilobytes)), 1.0, 9.0);
}

std::string flops_label(std::int64_t flops) {
  constexpr std::array<const char*, 5> kPrefixes{"", "K", "M", "G", "T"};
  double number = static_cast<double>(flops);
  std::size_t power = 0;
  while (number >= 999.5 && power + 1 < kPrefixes.size()) {
    number /= 1000;
    ++power;
  }
  const int decimals = power == 0 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}FLOP", number, decimals, kPrefixes.at(power));
}

}  // namespace hyps::partition
