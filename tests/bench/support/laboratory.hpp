// One model in several cuts on emulated devices, and where the time of its jobs goes.
#pragma once

#include <map>

#include "common/cnn/npy.hpp"
#include "common/partition/partition.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/inputs.hpp"
#include "tests/bench/support/testbed.hpp"

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

inline partition::Request request(const std::string& name, std::vector<std::string> cut_after,
                                  std::map<std::string, int> slices = {}) {
  partition::Request cut;
  cut.model_name = name;
  cut.cut_after = std::move(cut_after);
  cut.slices = std::move(slices);
  return cut;
}

// The devices, and one model deployed on them in several ways, by name.
class Laboratory {
 public:
  Laboratory(const std::string& model, const Devices& devices)
      : graph_(zoo_model(model)),
        file_(save_model(graph_, folder_.path())),
        input_(Blob::of(cnn::to_npy(random_input(graph_.inputs[0].shape)))),
        cluster_(devices),
        client_(cluster_.port()) {}

  [[nodiscard]] const cnn::Graph& graph() const { return graph_; }

  void deploy(const partition::Request& cut) {
    const std::string& name = cut.model_name;
    auto plan = partition::make_plan(graph_, cut);
    if (!plan.ok()) fail(plan.error().message);
    const auto plan_file = folder_.path() / (name + ".json");
    if (!write_file(plan_file, partition::to_json(*plan)).ok()) fail("disk full?");
    fmt::print(stderr, "deploying {}: {} partitions\n", name, plan->partitions.size());
    cluster_.hyps({"deploy", file_.string(), "--name", name, "--plan", plan_file.string(),
                   "--timeout", "580"});
    plans_[name] = std::move(*plan);
    // Until every worker has loaded what it can: the first answers wait for weights.
    for (int i = 0; i < 2; ++i) (void)ask(name);
  }
  void remove(const std::string& name) {
    cluster_.hyps({"remove", name});
    plans_.erase(name);
  }
  [[nodiscard]] const partition::Plan& plan(const std::string& name) const {
    return plans_.at(name);
  }

  JobTimes ask(const std::string& name) {
    const nlohmann::json answer = client_.ask(name, input_);
    JobTimes times;
    times.latency = answer.at("latency_ms").get<double>();
    const nlohmann::json timeline = nlohmann::json::parse(
        cluster_.hyps({"logs", answer.at("job").get<std::string>(), "-o", "json"}));
    std::map<std::string, double> stored_at{{partition::kImageTensor, 0.0}};
    const partition::Plan& plan = plans_.at(name);
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

 private:
  TemporaryFolder folder_{"hyps-figures"};
  cnn::Graph graph_;
  std::filesystem::path file_;
  Blob input_;
  DeviceCluster cluster_;
  Client client_;
  std::map<std::string, partition::Plan> plans_;
};

}  // namespace hyps::bench
