// Where the time of a job went, from its timeline.
#pragma once

#include <map>
#include <nlohmann/json.hpp>

#include "common/partition/plan.hpp"
#include "tests/bench/support/report.hpp"

namespace hyps::bench {

// Where the time of one job went, in ms.
struct PartTimes {
  double waited = 0;  // from the last of its inputs stored to its outputs stored
  double computed = 0;
  double loaded = 0;
  [[nodiscard]] double communicated() const { return waited - computed - loaded; }
};
struct JobTimes {
  double latency = 0;
  std::map<std::string, PartTimes> parts;
  std::map<std::string, std::string> worker_of;
};

// What runs at the same time counts once: of slices of a layer the device that computes longest.
inline double critical_compute(const partition::Plan& plan, const JobTimes& times) {
  double sum = 0;
  std::map<std::pair<std::string, std::string>, double> slices;  // layer, worker
  for (const auto& part : plan.partitions) {
    const double computed = times.parts.at(part.name.text).computed;
    if (part.kind != partition::Kind::horizontal) {
      sum += computed;
    } else {
      slices[{part.layers.front(), times.worker_of.at(part.name.text)}] += computed;
    }
  }
  std::map<std::string, double> longest;
  for (const auto& [at, computed] : slices) {
    longest[at.first] = std::max(longest[at.first], computed);
  }
  for (const auto& [layer, computed] : longest) sum += computed;
  return sum;
}

// Of the slices of one layer: from the moment the last of their inputs is stored to the moment the
// last of their outputs is, and of that the time the device computes that computes longest.
struct StageTimes {
  double whole = 0;
  double computed = 0;
  double loaded = 0;
  [[nodiscard]] double communicated() const { return whole - computed - loaded; }
};
inline StageTimes stage_of(const partition::Plan& plan, const JobTimes& times,
                           const std::string& layer) {
  StageTimes stage;
  std::map<std::string, StageTimes> devices;
  for (const auto& part : plan.partitions) {
    if (part.kind != partition::Kind::horizontal || part.layers.front() != layer) continue;
    const PartTimes& took = times.parts.at(part.name.text);
    stage.whole = std::max(stage.whole, took.waited);
    StageTimes& device = devices[times.worker_of.at(part.name.text)];
    device.computed += took.computed;
    device.loaded += took.loaded;
  }
  for (const auto& [name, device] : devices) {
    if (device.computed + device.loaded <= stage.computed + stage.loaded) continue;
    stage.computed = device.computed;
    stage.loaded = device.loaded;
  }
  return stage;
}

// As the cluster (bench::Cluster or DeviceCluster) tells it.
template <typename AnyCluster>
partition::Plan plan_of(const AnyCluster& cluster, const std::string& model) {
  const auto told = nlohmann::json::parse(cluster.hyps({"describe", "model", model, "-o", "json"}));
  auto plan = partition::plan_from_json(told.at("plan_json").dump());
  if (!plan.ok()) fail(plan.error().message);
  return std::move(*plan);
}

// Of a job with this answer.
template <typename AnyCluster>
JobTimes times_of(const AnyCluster& cluster, const nlohmann::json& answer,
                  const partition::Plan& plan) {
  const auto timeline = nlohmann::json::parse(
      cluster.hyps({"logs", answer.at("job").get<std::string>(), "-o", "json"}));
  JobTimes times;
  times.latency = answer.at("latency_ms").get<double>();
  std::map<std::string, double> stored_at{{partition::kImageTensor, 0.0}};
  for (const nlohmann::json& event : timeline) {
    if (event.value("event", "") != "stored") continue;
    const auto* part = plan.find(PartitionName(event.at("partition").get<std::string>()));
    if (part == nullptr) continue;
    const double at = event.value("ms", 0.0);
    double ready = 0;
    for (const auto& in : part->inputs) ready = std::max(ready, stored_at[in.name]);
    for (const auto& out : part->outputs) stored_at[out.name] = at;
    times.parts[part->name.text] = {at - ready, event.value("compute_ms", 0.0),
                                    event.value("load_ms", 0.0)};
    times.worker_of[part->name.text] = event.value("worker", "");
  }
  if (times.parts.size() != plan.partitions.size()) fail("a timeline has gaps");
  return times;
}

}  // namespace hyps::bench
