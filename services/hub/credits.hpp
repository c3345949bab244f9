// Credits: the tasks a worker has been given and not given back. Quick ones are counted apart: so
// neither do they hold up the others, nor the others them. Pure values.
#pragma once

#include <cstddef>
#include <set>

#include "common/protocol/messages.hpp"

namespace hyps::hub {

class Credits {
 public:
  void take(const protocol::TaskKey& task, bool is_quick) {
    tasks_.insert(task);
    if (is_quick) quick_.insert(task);
  }
  void give_back(const protocol::TaskKey& task) {
    tasks_.erase(task);
    quick_.erase(task);
  }
  [[nodiscard]] bool contains(const protocol::TaskKey& task) const { return tasks_.contains(task); }
  [[nodiscard]] bool empty() const { return tasks_.empty(); }
  [[nodiscard]] std::size_t size() const { return tasks_.size(); }
  [[nodiscard]] std::size_t quick() const { return quick_.size(); }
  [[nodiscard]] const std::set<protocol::TaskKey>& all() const { return tasks_; }

 private:
  std::set<protocol::TaskKey> tasks_;
  std::set<protocol::TaskKey> quick_;  // of those
};

}  // namespace hyps::hub
