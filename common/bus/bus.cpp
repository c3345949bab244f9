#include "common/bus/bus.hpp"

namespace hyps::bus {

namespace {
constexpr std::size_t kMaxTopicBytes = 65535;
}

std::string Message::property(const std::string& name) const {
  for (const auto& [key, value] : properties) {
    if (key == name) return value;
  }
  return {};
}

bool is_valid_topic(const std::string& topic) {
  return !topic.empty() && topic.size() <= kMaxTopicBytes &&
         topic.find_first_of(std::string_view("+#\0", 3)) == std::string::npos;
}

bool is_valid_filter(const std::string& filter) {
  if (filter.empty() || filter.size() > kMaxTopicBytes) return false;
  for (std::size_t i = 0; i < filter.size(); ++i) {
    const char c = filter[i];
    const bool starts_level = i == 0 || filter[i - 1] == '/';
    const bool is_last = i + 1 == filter.size();
    if (c == '\0') return false;
    if (c == '#' && !(starts_level && is_last)) return false;
    if (c == '+' && !(starts_level && (is_last || filter[i + 1] == '/'))) return false;
  }
  return true;
}

bool matches(const std::string& filter, const std::string& topic) {
  if (topic.starts_with('$') != filter.starts_with('$')) return false;
  std::size_t f = 0;
  std::size_t t = 0;
  while (f < filter.size()) {
    if (filter[f] == '#') return true;
    if (filter[f] == '+') {
      while (t < topic.size() && topic[t] != '/') ++t;
      ++f;
      continue;
    }
    // "a/#" matches "a" too.
    if (t == topic.size()) return filter.compare(f, std::string::npos, "/#") == 0;
    if (filter[f++] != topic[t++]) return false;
  }
  return t == topic.size();
}

}  // namespace hyps::bus
