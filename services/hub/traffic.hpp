// Traffic: how large feature maps travelled last: a partition's results to the hub, its inputs from
// the hub. Tells people which are compressed. Bounded by the plan: one entry a partition, tensor
// and way.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <tuple>

#include "services/hub/events.hpp"

namespace hyps::hub {

struct State;

// Smaller ones are always sent as they are, and are not noted.
inline constexpr std::uint64_t kLeastNoted = 64U << 10U;

struct Traffic {
  WorkerId worker;
  std::uint64_t bytes = 0;
  std::uint64_t wire_bytes = 0;
};
enum class Way : std::uint8_t { result, input };
using TrafficBook = std::map<std::tuple<PartitionName, std::string, Way>, Traffic>;

// REQUIRES: the plan's partition has that output.
void note_result(State& s, const WorkerId& worker, const protocol::Arrival& arrival);
void note_input(State& s, const InputSent& input);
nlohmann::json traffic_json(const TrafficBook& book);

}  // namespace hyps::hub
