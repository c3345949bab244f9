// A cluster on emulated devices (tests/testbed): broker, hub, manager and voter on the hub's
// machine, one worker on each device. Who makes one is on the hub's machine too from then on: its
// thread, and the threads and processes that it starts.
#pragma once

#include <fcntl.h>
#include <sched.h>

#include "tests/bench/support/report.hpp"
#include "tests/support/cluster.hpp"

namespace hyps::bench {

struct Devices {
  int count = 6;
  std::string rate = "100mbit";
  std::string cpu = "0.3";           // cores; a list gives the devices different ones
  std::string memory = "1G";         // the device's
  int period_ms = 10;                // in which the cores are given out
  std::string worker = "768M";       // and what its worker takes of it for partitions
  std::string compression = "auto";  // of feature maps on their way

  void add_to(CLI::App& app) {
    app.add_option("--devices", count, "How many")
        ->check(CLI::Range(1, 200))
        ->capture_default_str();
    app.add_option("--rate", rate, "Of each link, both ways")->capture_default_str();
    app.add_option("--cpu", cpu, "Cores of each device")->capture_default_str();
    app.add_option("--device-memory", memory, "Of each device")->capture_default_str();
    app.add_option("--worker-memory", worker, "Of each worker")->capture_default_str();
  }
};

class Testbed {
 public:
  // Throws CannotRunHere, with the reason, where the machine cannot emulate devices.
  explicit Testbed(const Devices& devices) {
    // A listening socket belongs to the namespace of the thread that made it: first of all.
    const auto check = testbed({"check"});
    if (check.code == 77) throw CannotRunHere(check.errors);
    const auto up = testbed({"up", "--devices", std::to_string(devices.count), "--rate",
                             devices.rate, "--cpu", devices.cpu, "--memory", devices.memory,
                             "--period-ms", std::to_string(devices.period_ms)});
    if (up.code != 0) fail(up.errors);
    enter("/run/netns/hyps-" + name_ + "-hub");
  }
  ~Testbed() {
    if (outside_ >= 0) (void)::setns(outside_, CLONE_NEWNET);
    (void)testbed({"down"});
  }
  Testbed(const Testbed&) = delete;
  Testbed& operator=(const Testbed&) = delete;

  // Put before a command it makes it run on that device, which counts from 1.
  [[nodiscard]] std::vector<std::string> run_on(int device) const {
    return command({"run", std::to_string(device), "--"});
  }
  static constexpr const char* kHub = "10.77.0.1";

 private:
  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& words) const {
    std::vector<std::string> all{test::source("tests/testbed/testbed").string(), "--name", name_};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  [[nodiscard]] test::Outcome testbed(const std::vector<std::string>& words) const {
    return test::run_program(command(words));
  }
  void enter(const std::string& space) {
    outside_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    const int inside = ::open(space.c_str(), O_RDONLY | O_CLOEXEC);
    const bool entered = inside >= 0 && ::setns(inside, CLONE_NEWNET) == 0;
    ::close(inside);
    if (!entered) fail("cannot enter " + space);
  }

  const std::string name_ = "b" + std::to_string(::getpid());
  int outside_ = -1;
};

class DeviceCluster {
 public:
  explicit DeviceCluster(const Devices& devices)
      : testbed_(devices), cluster_({}, {"compression=" + devices.compression}, "0.0.0.0") {
    for (int i = 1; i <= devices.count; ++i) {
      const std::string id = "w" + std::to_string(i);
      cluster_.add_worker({id, devices.worker});
      cluster_.set(id, std::string("broker_host=") + Testbed::kHub);
      cluster_.set(id, "compression=" + devices.compression);
      cluster_.run_under(id, testbed_.run_on(i));
    }
    cluster_.start_all();
    for (int tries = 0; tries < 600; ++tries) {
      const auto status = cluster_.hyps({"get", "workers", "-o", "json"});
      if (status.code == 0 && online(status.output) == devices.count) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    fail("the workers do not come online");
  }

  // Its output.
  std::string hyps(const std::vector<std::string>& words, int timeout_ms = 600'000) const {
    auto outcome = cluster_.hyps(words, timeout_ms);
    if (outcome.code != 0) fail("hyps " + words.front() + ": " + outcome.errors);
    return std::move(outcome.output);
  }
  [[nodiscard]] int port() const { return cluster_.port(); }
  [[nodiscard]] pid_t pid(const std::string& service) const { return cluster_.pid(service); }

 private:
  static int online(const std::string& workers) {
    const auto reply = nlohmann::json::parse(workers, nullptr, false);
    const auto& list = reply.is_object() ? reply.value("workers", nlohmann::json::array()) : reply;
    int count = 0;
    for (const auto& worker : list) count += worker.value("online", false) ? 1 : 0;
    return count;
  }

  Testbed testbed_;
  test::Cluster cluster_;
};

}  // namespace hyps::bench
