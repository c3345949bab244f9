// A worker like any other, but for its engine: it gives other outputs than the graph's.
#pragma once

#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <thread>

#include "common/bus/pulse.hpp"
#include "common/engine/engine.hpp"
#include "common/protocol/topics.hpp"
#include "services/worker/shell.hpp"
#include "tests/support/cluster.hpp"

namespace hyps::test {

using Lie = std::function<void(std::span<float> right)>;

inline void wrong_values(std::span<float> values) {
  for (float& value : values) value = value * 1.5F + 1.0F;
}
inline void not_a_number(std::span<float> values) {
  values.back() = std::numeric_limits<float>::quiet_NaN();
}
inline void one_ulp_off(std::span<float> values) {
  values.front() = std::nextafter(values.front(), std::numeric_limits<float>::infinity());
}
// What it made of the tensor of this size the first time, whatever the input.
inline Lie stale_result() {
  const auto before = std::make_shared<std::map<std::size_t, std::vector<float>>>();
  return [before](std::span<float> values) {
    auto [at, first] = before->try_emplace(values.size(), values.begin(), values.end());
    if (first) at->second.front() += 1.0F;  // the first time there is nothing stale to give
    std::copy(at->second.begin(), at->second.end(), values.begin());
  };
}

class LyingExecutable : public engine::Executable {
 public:
  LyingExecutable(std::unique_ptr<engine::Executable> honest, Lie lie)
      : honest_(std::move(honest)), lie_(std::move(lie)) {}
  Result<std::vector<cnn::Tensor>> run(const std::vector<cnn::Tensor>& inputs) override {
    HYPS_TRY(auto outputs, honest_->run(inputs));
    for (cnn::Tensor& output : outputs) {
      std::vector<float> values(output.data.size() / sizeof(float));
      std::memcpy(values.data(), output.data.data(), values.size() * sizeof(float));
      lie_(values);
      output.data = Blob::copy_of(std::string_view(reinterpret_cast<const char*>(values.data()),
                                                   values.size() * sizeof(float)));
    }
    return outputs;
  }
  [[nodiscard]] engine::Footprint footprint() const override { return honest_->footprint(); }

 private:
  std::unique_ptr<engine::Executable> honest_;
  Lie lie_;
};

class LyingEngine : public engine::Engine {
 public:
  explicit LyingEngine(Lie lie) : lie_(std::move(lie)) {}
  Result<std::unique_ptr<engine::Executable>> compile(const cnn::Graph& graph,
                                                      const engine::Packing& packing) override {
    HYPS_TRY(auto honest, honest_->compile(graph, packing));
    return std::unique_ptr<engine::Executable>(
        std::make_unique<LyingExecutable>(std::move(honest), lie_));
  }
  [[nodiscard]] std::string isa() const override { return honest_->isa(); }
  [[nodiscard]] std::string packer() const override { return honest_->packer(); }

 private:
  std::unique_ptr<engine::Engine> honest_ = engine::make_onednn_engine(1);
  Lie lie_;
};

// In a thread of this process, until it is destroyed.
class LyingWorker {
 public:
  LyingWorker(const Cluster& cluster, const std::string& id, Lie lie) {
    worker::ShellOptions options;
    options.core.info.id = WorkerId(id);
    options.core.info.incarnation = 4711;
    options.core.info.memory_bytes = 8U << 20U;
    auto engine = std::make_unique<LyingEngine>(std::move(lie));
    options.core.info.isa = engine->isa();
    options.core.info.version = HYPS_VERSION;
    options.cache_folder = cluster.folder() / id;
    options.cache_bytes = 1U << 30U;
    bus::MqttOptions mqtt;
    mqtt.port = cluster.port();
    mqtt.client_id = "hyps-worker-" + id;
    mqtt.will_topic = protocol::status_topic("worker", id);
    mqtt.will_payload = protocol::kOffline;
    mqtt.report = [](std::string_view, const auto&) {};
    auto bus = bus::make_mqtt_bus(mqtt);
    mqtt.client_id += "-pulse";
    shell_ = std::make_unique<worker::Shell>(std::move(options), std::move(bus),
                                             bus::make_mqtt_pulse(mqtt), std::move(engine));
    thread_ = std::thread([this] { (void)shell_->run(stopped_); });
  }
  ~LyingWorker() {
    stopped_ = true;
    thread_.join();
  }
  LyingWorker(const LyingWorker&) = delete;
  LyingWorker& operator=(const LyingWorker&) = delete;

 private:
  std::atomic<bool> stopped_{false};
  std::unique_ptr<worker::Shell> shell_;
  std::thread thread_;
};

}  // namespace hyps::test
