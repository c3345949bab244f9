#include "common/base/ids.hpp"

#include <algorithm>
#include <cctype>

namespace hyps {

bool is_valid_name(const std::string& text) {
  if (text.empty() || text.size() > 64 || text[0] == '.' || text[0] == '-') return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace hyps
