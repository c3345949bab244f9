// The containers of a compose project, by the names of their services; both `docker compose` and
// docker-compose 1.29 label them alike.
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <thread>

#include "services/cli/command.hpp"
#include "services/cli/nodes.hpp"

namespace hyps::cli {

namespace {

constexpr Milliseconds kPatience{30'000};
constexpr const char* kFormat =
    "{{.Label \"com.docker.compose.service\"}} {{.Label \"com.docker.compose.container-number\"}} "
    "{{.ID}}";

Result<std::string> docker(std::vector<std::string> words) {
  words.insert(words.begin(), "docker");
  return run_command(words, kPatience);
}

class ComposeNodes : public Nodes {
 public:
  explicit ComposeNodes(std::string project) : project_(std::move(project)) {}

  Result<std::vector<std::string>> names() override {
    HYPS_TRY(const auto containers, list());
    std::vector<std::string> names;
    for (const auto& [name, id] : containers) names.push_back(name);
    return names;
  }

  // Docker takes a kill as an order to stay away.
  Status kill(const std::string& node) override {
    HYPS_CHECK(on_container({"kill"}, node));
    return is_worker(node) ? Status() : on_container({"start"}, node);
  }
  Status pause(const std::string& node) override { return on_container({"pause"}, node); }
  Status resume(const std::string& node) override { return on_container({"unpause"}, node); }

  Status slow(const std::string& node, int percent) override {
    HYPS_TRY(const std::string id, find(node));
    HYPS_TRY(const auto nano, docker({"inspect", "--format", "{{.HostConfig.NanoCpus}}", id}));
    const double cpus = std::atof(nano.c_str()) / 1e9;  // 0: as many as there are
    cpus_before_[node] = cpus > 0 ? cpus : std::thread::hardware_concurrency();
    return set_cpus(node, percent / 100.0);
  }
  Status unslow(const std::string& node) override {
    const auto before = cpus_before_.find(node);
    return before == cpus_before_.end() ? Status() : set_cpus(node, before->second);
  }

  Status heal() override {
    HYPS_TRY(const auto containers, list());
    for (const auto& [name, id] : containers) {
      (void)docker({"unpause", id});  // it says no to one that is not paused
      HYPS_CHECK(docker({"start", id}));
    }
    return {};
  }

 private:
  // Name → id. Of a service with several containers, the further ones have their number behind.
  Result<std::map<std::string, std::string>> list() const {
    HYPS_TRY(const auto text,
             docker({"ps", "--all", "--filter", "label=com.docker.compose.project=" + project_,
                     "--format", kFormat}));
    std::map<std::string, std::string> containers;
    std::istringstream lines(text);
    std::string service;
    std::string number;
    std::string id;
    while (lines >> service >> number >> id) {
      containers[number == "1" ? service : service + "-" + number] = id;
    }
    if (!containers.empty()) return containers;
    return Error{ErrorKind::not_found,
                 fmt::format("compose project '{}' has no containers; `docker ps --format "
                             "'{{{{.Label \"com.docker.compose.project\"}}}}'` lists projects",
                             project_)};
  }
  Result<std::string> find(const std::string& node) const {
    HYPS_TRY(const auto containers, list());
    const auto found = containers.find(node);
    if (found != containers.end()) return found->second;
    std::string names;
    for (const auto& [name, id] : containers) names += " " + name;
    return Error{ErrorKind::not_found, "no node '" + node + "'; there are" + names};
  }
  Status on_container(std::vector<std::string> words, const std::string& node) const {
    HYPS_TRY(const std::string id, find(node));
    words.push_back(id);
    HYPS_CHECK(docker(words));
    return {};
  }
  Status set_cpus(const std::string& node, double cpus) const {
    return on_container({"update", "--cpus", fmt::format("{:.2f}", cpus)}, node);
  }

  const std::string project_;
  std::map<std::string, double> cpus_before_;
};

}  // namespace

Result<std::unique_ptr<Nodes>> compose_nodes(const std::string& project) {
  auto nodes = std::make_unique<ComposeNodes>(project);
  HYPS_CHECK(nodes->names());
  return std::unique_ptr<Nodes>(std::move(nodes));
}

}  // namespace hyps::cli
