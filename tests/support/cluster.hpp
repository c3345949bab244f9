// A cluster of real processes on the loopback: broker, hub, manager, voter, workers. Each is
// started, killed and restarted by its name: "broker", "hub", "manager", "voter", "w1", … All die
// with the object.
#pragma once

#include <map>

#include "tests/support/mosquitto.hpp"
#include "tests/support/paths/paths.hpp"
#include "tests/support/program.hpp"

namespace hyps::test {

using Settings = std::vector<std::string>;  // KEY=VALUE

struct WorkerSetup {
  std::string id;
  std::string memory = "4M";
  std::string zone = "safe";
  int threads = 1;
};

inline std::vector<WorkerSetup> workers(int count, const std::string& memory = "4M") {
  std::vector<WorkerSetup> list;
  for (int i = 1; i <= count; ++i) list.push_back({"w" + std::to_string(i), memory});
  return list;
}

class Cluster {
 public:
  // `broker_at`: where the broker listens.
  explicit Cluster(const std::vector<WorkerSetup>& list = {}, Settings hub_settings = {},
                   const std::string& broker_at = "127.0.0.1")
      : broker_({}, broker_at) {
    std::filesystem::create_directories(home());
    hub_settings.push_back("data_folder=" + (folder() / "hub").string());
    add("hub", "hyps-hub", hub_settings);
    // Tests deploy when all workers are there: the usual patience would be waiting only.
    add("manager", "hyps-manager",
        {"cache_dir=" + (folder() / "manager").string(), "settle_ms=500"});
    add("voter", "hyps-voter", {});
    for (const WorkerSetup& worker : list) add_worker(worker);
  }

  // Known from here on, not started.
  void add_worker(const WorkerSetup& worker) {
    add(worker.id, "hyps-worker",
        {"id=" + worker.id, "memory=" + worker.memory, "zone=" + worker.zone,
         "threads=" + std::to_string(worker.threads),
         "cache_dir=" + (folder() / worker.id).string()});
    workers_.push_back(worker.id);
  }
  // Other settings for its next start; the last of a key counts.
  void set(const std::string& name, const std::string& setting) {
    auto& command = services_.at(name).command;
    command.insert(command.end(), {"--set", setting});
  }

  // From its next start on this program, with these arguments, starts it; and should become it:
  // "env", "nsenter".
  void run_under(const std::string& name, const std::vector<std::string>& prefix) {
    auto& command = services_.at(name).command;
    command.insert(command.begin(), prefix.begin(), prefix.end());
  }

  void start_all() {
    start("broker");
    for (const auto& [name, service] : services_) start(name);
  }
  void start(const std::string& name) {
    if (name == "broker") return broker_.start();
    Service& service = services_.at(name);
    service.process = Process(service.command, log_file(name));
  }
  void kill(const std::string& name) {
    if (name == "broker") return broker_.kill();
    services_.at(name).process.kill();
  }
  // Without waiting for any of them to be gone: as near to "at once" as it gets.
  void kill_all() {
    for (auto& [name, service] : services_) service.process.signal(SIGKILL);
    broker_.kill();
    for (auto& [name, service] : services_) service.process.kill();
  }
  void pause(const std::string& name) { services_.at(name).process.signal(SIGSTOP); }
  void resume(const std::string& name) { services_.at(name).process.signal(SIGCONT); }
  int terminate(const std::string& name) { return services_.at(name).process.terminate(); }
  int wait_for_exit(const std::string& name, int ms) {
    return services_.at(name).process.wait_ms(ms);
  }
  [[nodiscard]] bool running(const std::string& name) {
    return name == "broker" ? broker_.running() : services_.at(name).process.running();
  }

  // -1: it is not running.
  [[nodiscard]] pid_t pid(const std::string& name) const {
    if (name == "broker") return broker_.pid();
    return services_.at(name).process.pid();
  }
  [[nodiscard]] int port() const { return broker_.port(); }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  [[nodiscard]] std::filesystem::path home() const { return folder() / "home"; }
  [[nodiscard]] const std::vector<std::string>& worker_names() const { return workers_; }
  // All it has said since its first start.
  [[nodiscard]] std::string log(const std::string& name) const { return text_of(log_file(name)); }

  // The command line, talking to this cluster.
  Outcome hyps(std::vector<std::string> words, int timeout_ms = 60'000) const {
    words.insert(words.begin(), {"--broker", "127.0.0.1:" + std::to_string(port())});
    return run_program(hyps_command(home(), words), timeout_ms);
  }

 private:
  struct Service {
    std::vector<std::string> command;
    Process process;
  };

  void add(const std::string& name, const std::string& program, const Settings& settings) {
    Service& service = services_[name];
    service.command = {"env", "HOME=" + home().string(), bin_dir().string() + "/" + program,
                       "--set", "broker_port=" + std::to_string(port())};
    for (const std::string& setting : settings) set(name, setting);
  }
  [[nodiscard]] std::filesystem::path log_file(const std::string& name) const {
    return folder() / (name + ".log");
  }

  TemporaryFolder folder_{"hyps-cluster"};
  Mosquitto broker_;
  std::map<std::string, Service> services_;
  std::vector<std::string> workers_;
};

}  // namespace hyps::test
