#include "common/bus/bus.hpp"

namespace hyps::bus {

std::string Message::property(const std::string& name) const {
  for (const auto& [key, value] : properties) {
    if (key == name) return value;
  }
  return {};
}

bool matches(const std::string& filter, const std::string& topic) {
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
