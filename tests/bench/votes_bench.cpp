// What votes cost: one model deployed twice on one cluster, once plain and once with three replicas
// of each partition of which two must agree, asked in turn. A subscriber on the broker counts what
// workers send to the hub, and takes the time from the vote that makes a quorum to the hub's order
// to one member to send its outputs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "common/base/bounded_queue.hpp"
#include "common/base/random.hpp"
#include "common/bus/bus.hpp"
#include "common/cnn/npy.hpp"
#include "common/onnx/onnx.hpp"
#include "common/protocol/codec.hpp"
#include "common/protocol/topics.hpp"
#include "common/zoo/zoo.hpp"
#include "tests/support/paths/paths.hpp"
#include "tests/support/process.hpp"

namespace {

using namespace hyps;
using Clock = std::chrono::steady_clock;

constexpr const char* kAnswers = "bench/answers";
constexpr std::size_t kQuorum = 2;

[[noreturn]] void fail(const std::string& why) {
  fmt::print(stderr, "bench_votes: {}\n", why);
  std::exit(1);
}

// `hyps up`, and the model deployed on it twice.
class Cluster {
 public:
  Cluster(const std::filesystem::path& model, const std::string& threshold) {
    ::setenv("HOME", folder_.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe): before threads
    up_ = test::Process({hyps(), "up", "--workers", "3", "--memory", "256M", "--threads", "1",
                         "--dir", (folder_.path() / "data").string()},
                        folder_.path() / "up.log");
    const auto note = folder_.path() / ".hyps" / "broker";
    for (int tries = 0; !std::filesystem::exists(note); ++tries) {
      if (tries == 600 || !up_.running()) fail("the cluster does not start");
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    std::ifstream(note) >> broker_;
    deploy({hyps(), "deploy", model.string(), "--name", "plain", "--threshold", threshold});
    deploy({hyps(), "deploy", model.string(), "--name", "voted", "--threshold", threshold,
            "--replicas", "3", "--quorum", "2"});
  }
  ~Cluster() { up_.terminate(); }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  [[nodiscard]] int port() const { return std::atoi(broker_.c_str() + broker_.rfind(':') + 1); }

 private:
  static std::string hyps() { return test::bin_dir().string() + "/hyps"; }
  void deploy(const std::vector<std::string>& command) {
    test::Process process(command, folder_.path() / "deploy.log");
    if (process.wait_ms(120'000) != 0) fail("the model cannot be deployed");
  }

  TemporaryFolder folder_{"hyps-bench"};
  test::Process up_;
  std::string broker_;
};

struct Cost {
  std::uint64_t outputs = 0;        // bytes of feature maps, from workers
  std::uint64_t announcements = 0;  // and of what is said about them
};

// Sees all that passes between workers and hub.
class Observer {
 public:
  explicit Observer(int port) {
    bus::MqttOptions options;
    options.port = port;
    options.client_id = "bench";
    bus_ = bus::make_mqtt_bus(options);
    for (const char* topic : {kAnswers, "hyps/w/+/out", "hyps/w/+/in"}) bus_->subscribe(topic);
    bus_->start({.message =
                     [this](bus::Message m) {
                       queue_.push({Clock::now(), std::move(m)});
                     },
                 .connected = [this] { queue_.push({}); },
                 .disconnected = [](const std::string&) {}});
    (void)queue_.pop_until(Clock::now() + std::chrono::seconds(10));
  }
  ~Observer() {
    queue_.close();
    bus_->stop(0);
  }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  Cost ask(const std::string& model, const Blob& input) {
    cost_ = {};
    votes_.clear();
    if (!bus_->publish({.topic = protocol::input_topic(ModelName(model)),
                        .payload = input,
                        .response_topic = kAnswers})
             .ok()) {
      fail("the input cannot be published");
    }
    while (true) {
      const auto seen = queue_.pop_until(Clock::now() + std::chrono::seconds(60));
      if (!seen) fail("no answer within 60 s");
      if (seen->message.topic != kAnswers) {
        take(*seen);
        continue;
      }
      const auto answer = nlohmann::json::parse(seen->message.payload.text(), nullptr, false);
      if (answer.is_discarded() || answer.value("state", "") != "done") fail("a job failed");
      settle();
      return cost_;
    }
  }
  // Of all verdicts so far.
  [[nodiscard]] const std::vector<double>& verdict_ms() const { return verdict_ms_; }

 private:
  struct Seen {
    Clock::time_point at;
    bus::Message message;
  };

  // What comes after the answer, the votes of the slowest, belongs to the job.
  void settle() {
    const auto until = Clock::now() + std::chrono::milliseconds(300);
    while (const auto seen = queue_.pop_until(until)) take(*seen);
  }
  void take(const Seen& seen) {
    const auto message = protocol::decode(seen.message.payload);
    if (!message.ok()) return;
    if (std::holds_alternative<protocol::Chunk>(*message) &&
        protocol::peer_of_outbox(seen.message.topic)) {
      cost_.outputs += seen.message.payload.size();
    }
    if (const auto* done = std::get_if<protocol::TaskDone>(&*message)) {
      cost_.announcements += seen.message.payload.size();
      auto& votes = votes_[done->task];
      if (votes.voters.insert(seen.message.topic).second && votes.voters.size() == kQuorum) {
        votes.quorum_at = seen.at;
      }
    }
    if (const auto* run = std::get_if<protocol::Run>(&*message); run != nullptr && !run->announce) {
      auto& votes = votes_[run->task];
      if (votes.voters.size() < kQuorum || votes.is_decided) return;
      votes.is_decided = true;
      verdict_ms_.push_back(
          std::chrono::duration<double, std::milli>(seen.at - votes.quorum_at).count());
    }
  }

  struct Votes {
    std::set<std::string> voters;
    Clock::time_point quorum_at;
    bool is_decided = false;
  };
  BoundedQueue<Seen> queue_{100'000};
  Cost cost_;
  std::map<protocol::TaskKey, Votes> votes_;
  std::vector<double> verdict_ms_;
  std::unique_ptr<bus::Bus> bus_;
};

double at(std::vector<double> samples, std::size_t percent) {
  std::sort(samples.begin(), samples.end());
  return samples[std::min(samples.size() - 1, samples.size() * percent / 100)];
}

void add(Cost& sum, const Cost& cost) {
  sum.outputs += cost.outputs;
  sum.announcements += cost.announcements;
}

void print(const char* name, const Cost& sum, int rounds) {
  const auto n = static_cast<std::uint64_t>(rounds);
  fmt::print("{:<24} {:>10} bytes of outputs, {:>6} bytes about them, a job\n", name,
             sum.outputs / n, sum.announcements / n);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"What votes cost in bytes and time"};
  int rounds = 20;
  std::string model = "squeezenet1_1";
  std::string threshold = "300k";
  app.add_option("--rounds", rounds, "Of each, alternately")->check(CLI::Range(1, 10'000));
  app.add_option("--model", model, "As hyps make-model names it")->capture_default_str();
  app.add_option("--threshold", threshold, "Cut it so")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const TemporaryFolder folder("hyps-bench-model");
  const auto graph = zoo::make(model, 1);
  if (!graph.ok() || !onnx::save(*graph, folder.path() / "model.onnx").ok()) fail("no model");
  const Cluster cluster(folder.path() / "model.onnx", threshold);
  Observer observer(cluster.port());

  Random random(1);
  std::vector<float> values(3 * 224 * 224);
  for (float& value : values) value = random.uniform(-1, 1);
  const Blob input = Blob::of(cnn::to_npy(cnn::Tensor::floats({1, 3, 224, 224}, values)));
  Cost plain;
  Cost voted;
  for (const char* name : {"plain", "voted"}) (void)observer.ask(name, input);  // loads partitions
  for (int round = 0; round < rounds; ++round) {
    add(plain, observer.ask("plain", input));
    add(voted, observer.ask("voted", input));
  }
  print("unreplicated", plain, rounds);
  print("3 replicas, quorum 2", voted, rounds);
  fmt::print("ratio of outputs {:.3f}, of all results {:.3f} (aim: 1.05 or less)\n",
             static_cast<double>(voted.outputs) / static_cast<double>(plain.outputs),
             static_cast<double>(voted.outputs + voted.announcements) /
                 static_cast<double>(plain.outputs + plain.announcements));
  const auto& ms = observer.verdict_ms();
  if (ms.empty()) fail("no verdict was seen");
  fmt::print(
      "verdict after the quorum's last vote: median {:.2f} ms, p90 {:.2f} ms, p99 {:.2f} ms, "
      "{} verdicts (aim: 5 ms or less)\n",
      at(ms, 50), at(ms, 90), at(ms, 99), ms.size());
  return 0;
}
