// VGG16 through a real cluster (broker, hub, manager, four workers; four V-partitions, fc6 in four
// H-partitions) against the whole model in this process on the same cores, alternately.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "common/base/bounded_queue.hpp"
#include "common/base/random.hpp"
#include "common/bus/bus.hpp"
#include "common/cnn/npy.hpp"
#include "common/engine/engine.hpp"
#include "common/onnx/onnx.hpp"
#include "common/protocol/topics.hpp"
#include "common/zoo/zoo.hpp"
#include "tests/support/paths/paths.hpp"
#include "tests/support/process.hpp"

namespace {

using namespace hyps;
using Clock = std::chrono::steady_clock;

constexpr const char* kModel = "vgg16";
constexpr const char* kAnswers = "bench/answers";

[[noreturn]] void fail(const std::string& why) {
  fmt::print(stderr, "bench_cluster: {}\n", why);
  std::exit(1);
}

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

cnn::Tensor random_image() {
  Random random(1);
  std::vector<float> values(3 * 224 * 224);
  for (float& value : values) value = random.uniform(-1, 1);
  return cnn::Tensor::floats({1, 3, 224, 224}, std::move(values));
}

// `hyps up`, and the model deployed on it.
class Cluster {
 public:
  explicit Cluster(const std::filesystem::path& model) {
    ::setenv("HOME", folder_.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe): before threads
    const std::string hyps = test::bin_dir().string() + "/hyps";
    up_ = test::Process({hyps, "up", "--workers", "4", "--memory", "256M", "--threads", "0",
                         "--dir", (folder_.path() / "data").string()},
                        folder_.path() / "up.log");
    const auto note = folder_.path() / ".hyps" / "broker";
    for (int tries = 0; !std::filesystem::exists(note); ++tries) {
      if (tries == 300 || !up_.running()) fail("the cluster does not start");
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    std::ifstream(note) >> broker_;
    test::Process deploy({hyps, "deploy", model.string(), "--name", kModel, "--cut-after",
                          "pool2,pool4", "--slices", "fc6=4"},
                         folder_.path() / "deploy.log");
    if (deploy.wait_ms(120'000) != 0) fail("the model cannot be deployed");
  }
  ~Cluster() { up_.terminate(); }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  [[nodiscard]] int port() const { return std::atoi(broker_.c_str() + broker_.rfind(':') + 1); }

 private:
  TemporaryFolder folder_{"hyps-bench"};
  test::Process up_;
  std::string broker_;
};

class Client {
 public:
  explicit Client(int port) {
    bus::MqttOptions options;
    options.port = port;
    options.client_id = "bench";
    bus_ = bus::make_mqtt_bus(options);
    bus_->subscribe(kAnswers);
    bus_->start({.message = [this](bus::Message m) { answers_.push(std::move(m)); },
                 .connected = [this] { answers_.push({}); },
                 .disconnected = [](const std::string&) {}});
    (void)answers_.pop_until(Clock::now() + std::chrono::seconds(10));
  }
  ~Client() {
    answers_.close();
    bus_->stop(0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The answer, as the hub gave it.
  nlohmann::json ask(const Blob& image) {
    if (!bus_->publish({.topic = protocol::input_topic(ModelName(kModel)),
                        .payload = image,
                        .response_topic = kAnswers})
             .ok()) {
      fail("the image cannot be published");
    }
    const auto answer = answers_.pop_until(Clock::now() + std::chrono::seconds(60));
    if (!answer) fail("no answer within 60 s");
    return nlohmann::json::parse(answer->payload.text());
  }

 private:
  BoundedQueue<bus::Message> answers_{100};
  std::unique_ptr<bus::Bus> bus_;
};

struct Summary {
  double min = 0;
  double median = 0;
  double p99 = 0;
};

Summary summary_of(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return {samples.front(), samples[samples.size() / 2], samples[samples.size() * 99 / 100]};
}

void print(const char* name, const Summary& s) {
  fmt::print("{:<28} min {:7.1f} ms   median {:7.1f} ms   p99 {:7.1f} ms\n", name, s.min, s.median,
             s.p99);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"VGG16 through a cluster over the whole model in one process"};
  int rounds = 10;
  std::string json_file;
  app.add_option("--rounds", rounds, "Of each, alternately")->check(CLI::Range(1, 10'000));
  app.add_option("--json", json_file, "Write the samples to this file");
  CLI11_PARSE(app, argc, argv);

  const TemporaryFolder folder("hyps-bench-model");
  const auto graph = zoo::make(kModel, 1);
  if (!graph.ok() || !onnx::save(*graph, folder.path() / "vgg16.onnx").ok()) fail("no model");
  Cluster cluster(folder.path() / "vgg16.onnx");
  Client client(cluster.port());
  const auto whole = engine::make_onednn_engine(0)->compile(*graph);
  if (!whole.ok()) fail(whole.error().message);

  const cnn::Tensor image = random_image();
  const Blob payload = Blob::of(cnn::to_npy(image));
  std::vector<double> cluster_ms;
  std::vector<double> whole_ms;
  client.ask(payload);  // loads the partitions
  (void)(*whole)->run({image});
  for (int round = 0; round < rounds; ++round) {
    auto begin = Clock::now();
    const auto answer = client.ask(payload);
    cluster_ms.push_back(ms_since(begin));
    if (answer.value("state", "") != "done") fail(answer.dump());
    begin = Clock::now();
    const auto outputs = (*whole)->run({image});
    whole_ms.push_back(ms_since(begin));
    if (!outputs.ok()) fail(outputs.error().message);
  }
  const Summary a = summary_of(cluster_ms);
  const Summary b = summary_of(whole_ms);
  print("cluster, 4 V, fc6 in 4 H", a);
  print("whole, one process", b);
  fmt::print("ratio of medians {:.2f}, of minima {:.2f} (aim: 1.5 or less)\n", a.median / b.median,
             a.min / b.min);
  if (!json_file.empty()) {
    std::ofstream(json_file) << nlohmann::json{{"cluster_ms", cluster_ms}, {"whole_ms", whole_ms}};
  }
  return 0;
}
