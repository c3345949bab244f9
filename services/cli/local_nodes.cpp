// The children of `hyps up`. Looked up anew for every deed: who was started again has another id.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <thread>

#include "services/cli/cluster_note.hpp"
#include "services/cli/duty_cycle.hpp"
#include "services/cli/nodes.hpp"

namespace hyps::cli {

namespace {

constexpr std::chrono::seconds kHealPatience{10};

Status send(pid_t pid, int signal) {
  if (::kill(pid, signal) == 0) return {};
  return Error{ErrorKind::io, fmt::format("cannot signal process {}: {}", pid,
                                          std::strerror(errno))};  // NOLINT(*-mt-unsafe)
}

class LocalNodes : public Nodes {
 public:
  Result<std::vector<std::string>> names() override {
    HYPS_TRY(const LocalCluster cluster, find_local_cluster());
    std::vector<std::string> names;
    for (const auto& [name, pid] : cluster.nodes) names.push_back(name);
    return names;
  }

  Status kill(const std::string& node) override { return signal(node, SIGKILL); }
  Status pause(const std::string& node) override { return signal(node, SIGSTOP); }
  Status resume(const std::string& node) override { return signal(node, SIGCONT); }

  Status slow(const std::string& node, int percent) override {
    HYPS_TRY(const pid_t pid, find(node));
    slowed_[node] = std::make_unique<DutyCycle>(pid, percent);
    return {};
  }
  Status unslow(const std::string& node) override {
    slowed_.erase(node);
    return {};
  }

  Status heal() override {
    slowed_.clear();
    HYPS_TRY(const LocalCluster cluster, find_local_cluster());
    for (const auto& [name, pid] : cluster.nodes) {
      if (pid > 0) (void)send(pid, SIGCONT);  // it may die meanwhile
    }
    HYPS_CHECK(send(cluster.up, SIGUSR1));
    const auto deadline = std::chrono::steady_clock::now() + kHealPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      HYPS_TRY(const LocalCluster now, find_local_cluster());
      if (std::all_of(now.nodes.begin(), now.nodes.end(),
                      [](const auto& node) { return node.second > 0; })) {
        return {};
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return Error{ErrorKind::disconnected, "not all processes start; see the logs of `hyps up`"};
  }

 private:
  static Result<pid_t> find(const std::string& node) {
    HYPS_TRY(const LocalCluster cluster, find_local_cluster());
    const auto found = cluster.nodes.find(node);
    if (found == cluster.nodes.end()) {
      std::string names;
      for (const auto& [name, pid] : cluster.nodes) names += " " + name;
      return Error{ErrorKind::not_found, "no node '" + node + "'; there are" + names};
    }
    if (found->second > 0) return found->second;
    return Error{ErrorKind::not_found,
                 node + " is dead already; `hyps chaos heal` starts it again"};
  }
  static Status signal(const std::string& node, int number) {
    HYPS_TRY(const pid_t pid, find(node));
    return send(pid, number);
  }

  std::map<std::string, std::unique_ptr<DutyCycle>> slowed_;
};

}  // namespace

Result<std::unique_ptr<Nodes>> local_nodes() {
  auto nodes = std::make_unique<LocalNodes>();
  HYPS_CHECK(nodes->names());
  return std::unique_ptr<Nodes>(std::move(nodes));
}

}  // namespace hyps::cli
