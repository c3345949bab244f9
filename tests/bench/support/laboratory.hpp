// One model in several cuts on emulated devices.
#pragma once

#include "common/cnn/npy.hpp"
#include "common/partition/partition.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/inputs.hpp"
#include "tests/bench/support/job_times.hpp"
#include "tests/bench/support/testbed.hpp"

namespace hyps::bench {

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
    return times_of(cluster_, answer, plans_.at(name));
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
