// A worker as shipped, but for its engine: what is computed costs nothing, so that all the time
// between the end of one partition and the begin of the next is spent on the way.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "common/base/random.hpp"
#include "common/runtime/event_loop.hpp"
#include "common/service/program.hpp"
#include "services/worker/process_memory.hpp"
#include "services/worker/shell.hpp"

namespace hyps::bench {

// Tensors of this size and more are what is measured.
inline constexpr std::int64_t kLargeBytes = std::int64_t{1} << 20U;

// Moments, in nanoseconds of the clock that all processes of a machine share; in files, in order.
class Moments {
 public:
  explicit Moments(const std::filesystem::path& file)
      : fd_(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {}
  ~Moments() { ::close(fd_); }
  Moments(const Moments&) = delete;
  Moments& operator=(const Moments&) = delete;

  void mark() const {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t ns = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    (void)!::write(fd_, &ns, sizeof(ns));
  }

 private:
  int fd_;
};

struct StandInOptions {
  std::filesystem::path made;     // when a large tensor was made
  std::filesystem::path arrived;  // when one was there to be computed on
  int zero_percent = 50;          // of the large tensors' elements, as a ReLU leaves them
};

class StandIn : public engine::Executable {
 public:
  StandIn(std::unique_ptr<engine::Executable> real, const cnn::Graph& graph,
          const StandInOptions& options)
      : real_(std::move(real)), made_(options.made), arrived_(options.arrived) {
    takes_large_ = std::any_of(graph.inputs.begin(), graph.inputs.end(), is_large);
    makes_large_ = std::any_of(graph.outputs.begin(), graph.outputs.end(), is_large);
    for (const cnn::Value& output : graph.outputs) {
      Random random(1);
      std::vector<float> values(static_cast<std::size_t>(cnn::element_count(output.shape)));
      for (std::size_t i = 0; i < values.size(); i += 16) {
        // Zeros come in runs, as where a filter finds nothing.
        if (random.uniform(0, 100) < static_cast<float>(options.zero_percent)) continue;
        const std::size_t end = std::min(i + 16, values.size());
        for (std::size_t j = i; j < end; ++j) values[j] = random.uniform(0, 4);
      }
      outputs_.push_back(cnn::Tensor::floats(output.shape, std::move(values)));
    }
  }
  Result<std::vector<cnn::Tensor>> run(const std::vector<cnn::Tensor>& /*inputs*/) override {
    if (takes_large_) arrived_.mark();
    if (makes_large_) made_.mark();
    return outputs_;
  }
  [[nodiscard]] engine::Footprint footprint() const override { return real_->footprint(); }

 private:
  static bool is_large(const cnn::Value& value) { return value.bytes() >= kLargeBytes; }

  std::unique_ptr<engine::Executable> real_;
  Moments made_;
  Moments arrived_;
  bool takes_large_ = false;
  bool makes_large_ = false;
  std::vector<cnn::Tensor> outputs_;
};

class StandInEngine : public engine::Engine {
 public:
  explicit StandInEngine(StandInOptions options) : options_(std::move(options)) {}
  Result<std::unique_ptr<engine::Executable>> compile(const cnn::Graph& graph,
                                                      const engine::Packing& packing) override {
    HYPS_TRY(auto real, real_->compile(graph, packing));
    return std::unique_ptr<engine::Executable>(
        std::make_unique<StandIn>(std::move(real), graph, options_));
  }
  [[nodiscard]] std::string isa() const override { return real_->isa(); }
  [[nodiscard]] std::string packer() const override { return real_->packer(); }

 private:
  std::unique_ptr<engine::Engine> real_ = engine::make_onednn_engine(1);
  StandInOptions options_;
};

struct WorkerOptions {
  std::string id;
  std::string host = "127.0.0.1";
  int port = 0;
  std::uint64_t memory = 0;
  std::filesystem::path folder;
  std::string compression;
  StandInOptions stand_in;
};

// Until it is terminated. The exit status of its process.
inline int serve_as_worker(const WorkerOptions& options) {
  service::prepare_process("worker " + options.id, "warn");
  worker::keep_heap_small();
  worker::ShellOptions shell;
  shell.core.info.id = WorkerId(options.id);
  shell.core.info.incarnation = static_cast<std::uint64_t>(::getpid());
  shell.core.info.memory_bytes = options.memory;
  shell.core.info.safe_zone = true;
  shell.core.limits.bytes = 32U << 20U;
  shell.cache_folder = options.folder / options.id;
  shell.cache_bytes = 1U << 30U;
  shell.compression = options.compression;
  runtime::BrokerConfig broker;
  broker.host = options.host;
  broker.port = options.port;
  worker::Shell service(std::move(shell),
                        bus::make_mqtt_bus(service::mqtt_options("worker", options.id, broker)),
                        bus::make_mqtt_pulse(service::pulse_options("worker", options.id, broker)),
                        std::make_unique<StandInEngine>(options.stand_in));
  return service.run(runtime::stop_requested()).ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace hyps::bench
