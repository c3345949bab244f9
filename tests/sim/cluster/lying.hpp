// What a worker that lies says of a result instead of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/partition/plan.hpp"
#include "services/worker/events.hpp"
#include "world.hpp"

namespace hyps::sim {

class Liar {
 public:
  explicit Liar(std::uint64_t percent) : percent_(percent) {}

  // Now and then, and only where somebody compares: who computes alone is trusted.
  void distort(World& world, const partition::Partition& part,
               std::vector<worker::Output>& outputs);

 private:
  std::uint64_t percent_;                                   // of its results
  std::map<std::string, std::vector<worker::Output>> old_;  // by partition
};

}  // namespace hyps::sim
