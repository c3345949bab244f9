#include "common/base/units.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace hyps {

namespace {

Result<std::int64_t> parse(std::string_view text, double multiple, const char* what) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  while (!suffix.empty() && suffix.front() == ' ') suffix.remove_prefix(1);
  bool known = error == std::errc() && number >= 0;
  if (known && !suffix.empty()) {
    const std::string_view prefixes = "KMGT";
    const auto power =
        prefixes.find(static_cast<char>(std::toupper(static_cast<unsigned char>(suffix.front()))));
    if (power != std::string_view::npos) {
      number *= std::pow(multiple, static_cast<double>(power + 1));
      suffix.remove_prefix(1);
    }
    known = suffix.empty() || suffix == "B" || suffix == "iB" || suffix == "b";
  }
  if (!known || number > 9e18) {
    return Error{ErrorKind::invalid,
                 "'" + std::string(text) + "' is no " + what + "; write for example 64M"};
  }
  return static_cast<std::int64_t>(std::llround(number));
}

std::string format(double number, double multiple, const char* unit) {
  constexpr std::array<const char*, 5> prefixes{"", "K", "M", "G", "T"};
  std::size_t power = 0;
  while (number >= multiple && power + 1 < prefixes.size()) {
    number /= multiple;
    ++power;
  }
  std::array<char, 48> text{};
  const char* shape = power == 0 ? "%.0f %s%s" : "%.2f %s%s";
  if (*unit != '\0' && power > 0) shape = "%.1f %s%s";
  (void)std::snprintf(text.data(), text.size(), shape, number, prefixes.at(power), unit);
  std::string result = text.data();
  if (result.back() == ' ') result.pop_back();
  return result;
}

}  // namespace

Result<std::int64_t> parse_bytes(std::string_view text) {
  return parse(text, 1024, "number of bytes");
}
Result<std::int64_t> parse_count(std::string_view text) { return parse(text, 1000, "count"); }
std::string format_bytes(std::int64_t bytes) {
  return format(static_cast<double>(bytes), 1024, "B");
}
std::string format_count(std::int64_t count) {
  return format(static_cast<double>(count), 1000, "");
}

}  // namespace hyps
