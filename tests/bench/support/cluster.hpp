// A cluster to measure: `hyps up` on this machine, models deployed on it, and a client that asks it
// over MQTT. All of it ends with the objects.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>

#include "common/base/bounded_queue.hpp"
#include "common/bus/bus.hpp"
#include "common/onnx/onnx.hpp"
#include "common/protocol/topics.hpp"
#include "common/zoo/zoo.hpp"
#include "tests/bench/support/report.hpp"
#include "tests/support/program.hpp"

namespace hyps::bench {

// One of `hyps make-model`'s networks, as a file in `folder`.
inline std::filesystem::path save_model(const cnn::Graph& graph,
                                        const std::filesystem::path& folder) {
  const auto file = folder / (graph.name + ".onnx");
  if (const auto saved = onnx::save(graph, file); !saved.ok()) fail(saved.error().message);
  return file;
}
inline cnn::Graph zoo_model(const std::string& name) {
  auto graph = zoo::make(name, 1);
  if (!graph.ok()) fail(graph.error().message);
  return std::move(*graph);
}

class Cluster {
 public:
  // As `hyps up` takes them: {"--workers", "4", "--memory", "256M"}.
  explicit Cluster(std::vector<std::string> options) {
    options.insert(options.begin(), "up");
    options.insert(options.end(), {"--dir", (folder_.path() / "data").string()});
    up_ = test::Process(test::hyps_command(home(), options), folder_.path() / "up.log");
    const auto note = home() / ".hyps" / "broker";
    for (int tries = 0; !std::filesystem::exists(note); ++tries) {
      if (tries == 600 || !up_.running()) {
        fail("the cluster does not start: " + test::text_of(folder_.path() / "up.log"));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    std::ifstream(note) >> broker_;
  }
  ~Cluster() { up_.terminate(); }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Of the command line, with the cluster as its own; its output.
  std::string hyps(const std::vector<std::string>& words, int timeout_ms = 180'000) const {
    auto outcome = test::run_program(test::hyps_command(home(), words), timeout_ms);
    if (outcome.code != 0) fail("hyps " + words.front() + ": " + outcome.errors);
    return std::move(outcome.output);
  }
  // Under that name, with further options of `hyps deploy`; returns when it is ready.
  void deploy(const std::filesystem::path& model, const std::string& name,
              const std::vector<std::string>& options = {}) const {
    std::vector<std::string> words{"deploy", model.string(), "--name", name};
    words.insert(words.end(), options.begin(), options.end());
    (void)hyps(words);
  }
  [[nodiscard]] int port() const { return std::atoi(broker_.c_str() + broker_.rfind(':') + 1); }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  [[nodiscard]] std::filesystem::path home() const { return folder_.path(); }

  TemporaryFolder folder_{"hyps-bench"};
  test::Process up_;
  std::string broker_;
};

// Connected to a broker, with what its subscriptions bring in a queue, and when it came.
class Client {
 public:
  using Clock = std::chrono::steady_clock;
  struct Seen {
    Clock::time_point at;
    bus::Message message;
  };

  static constexpr const char* kAnswers = "bench/answers";

  // Subscribes to `more` besides the answers to what it asks.
  explicit Client(int port, const std::vector<std::string>& more = {},
                  const std::string& host = "127.0.0.1") {
    bus::MqttOptions options;
    options.host = host;
    options.port = port;
    options.client_id = "bench";
    bus_ = bus::make_mqtt_bus(options);
    bus_->subscribe(kAnswers);
    for (const std::string& topic : more) bus_->subscribe(topic);
    bus_->start({.message =
                     [this](bus::Message m) {
                       queue_.push({Clock::now(), std::move(m)});
                     },
                 .connected = [this] { queue_.push({}); },
                 .disconnected = [](const std::string&) {}});
    if (!queue_.pop_until(Clock::now() + std::chrono::seconds(10))) fail("the broker is silent");
  }
  ~Client() {
    queue_.close();
    bus_->stop(0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const std::string& model, const Blob& input) {
    const auto sent = bus_->publish({.topic = protocol::input_topic(ModelName(model)),
                                     .payload = input,
                                     .response_topic = kAnswers});
    if (!sent.ok()) fail("the input cannot be published: " + sent.error().message);
  }
  // What comes next, if anything does before `until`.
  std::optional<Seen> next(Clock::time_point until) { return queue_.pop_until(until); }

  // Sends one input and waits for its answer; what else comes meanwhile goes to `seen`.
  nlohmann::json ask(
      const std::string& model, const Blob& input,
      const std::function<void(const Seen&)>& seen = [](const Seen&) {}) {
    send(model, input);
    const auto deadline = Clock::now() + std::chrono::seconds(120);
    while (const auto came = next(deadline)) {
      if (came->message.topic != kAnswers) {
        seen(*came);
        continue;
      }
      auto answer = nlohmann::json::parse(came->message.payload.text(), nullptr, false);
      if (answer.is_discarded() || answer.value("state", "") != "done") {
        fail("a job failed: " + std::string(came->message.payload.text()));
      }
      return answer;
    }
    fail("no answer within 120 s");
  }

 private:
  BoundedQueue<Seen> queue_{100'000};
  std::unique_ptr<bus::Bus> bus_;
};

}  // namespace hyps::bench
