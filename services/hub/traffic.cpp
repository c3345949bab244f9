#include "services/hub/traffic.hpp"

#include <nlohmann/json.hpp>

#include "services/hub/state.hpp"

namespace hyps::hub {

namespace {

void note(State& s, const protocol::TaskKey& task, const std::string& tensor, Way way,
          const Traffic& traffic) {
  if (traffic.bytes < kLeastNoted) return;
  if (PlanState* plan = s.find_plan(task.plan)) {
    plan->traffic[{task.partition, tensor, way}] = traffic;
  }
}

}  // namespace

void note_result(State& s, const WorkerId& worker, const protocol::Arrival& arrival) {
  note(s, arrival.task, arrival.tensor, Way::result,
       {worker, arrival.data.size(), arrival.wire_bytes});
}

void note_input(State& s, const InputSent& input) {
  note(s, input.task, input.tensor, Way::input, {input.worker, input.bytes, input.wire_bytes});
}

nlohmann::json traffic_json(const TrafficBook& book) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [key, traffic] : book) {
    const auto& [partition, tensor, way] = key;
    list.push_back({{"tensor", tensor},
                    {"way", way == Way::result ? "result" : "input"},
                    {"partition", partition.text},
                    {"worker", traffic.worker.text},
                    {"bytes", traffic.bytes},
                    {"wire_bytes", traffic.wire_bytes},
                    {"compressed", traffic.wire_bytes < traffic.bytes}});
  }
  return list;
}

}  // namespace hyps::hub
