#include "services/hub/lines.hpp"

#include <map>

namespace hyps::hub {

std::vector<Publish> join_lines(std::vector<Publish> publications) {
  std::vector<Publish> joined;
  std::map<std::string, std::size_t> open;  // by topic: the message that takes more lines
  for (Publish& e : publications) {
    if (!e.is_line) {
      joined.push_back(std::move(e));
      continue;
    }
    const auto found = open.find(e.topic);
    if (found != open.end()) {
      std::string& lines = joined[found->second].payload;
      if (lines.size() + 1 + e.payload.size() <= kMostLineBytes) {
        lines += '\n';
        lines += e.payload;
        continue;
      }
    }
    open[e.topic] = joined.size();
    joined.push_back(std::move(e));
  }
  return joined;
}

}  // namespace hyps::hub
