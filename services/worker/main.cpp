// hyps-worker: wiring only.
#include <fmt/format.h>

#include <random>

#include "common/bus/bus.hpp"
#include "common/bus/pulse.hpp"
#include "common/engine/engine.hpp"
#include "common/runtime/event_loop.hpp"
#include "common/runtime/log.hpp"
#include "common/service/program.hpp"
#include "services/worker/options.hpp"
#include "services/worker/process_memory.hpp"
#include "services/worker/shell.hpp"

namespace {

using namespace hyps;

std::uint64_t random_number() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

worker::ShellOptions shell_options(const worker::Options& options, const engine::Engine& engine) {
  worker::ShellOptions shell;
  protocol::WorkerInfo& info = shell.core.info;
  info.id = WorkerId(options.id);
  info.incarnation = random_number();
  info.memory_bytes = static_cast<std::uint64_t>(options.memory);
  info.cores =
      static_cast<std::uint32_t>(options.threads > 0 ? options.threads : engine::usable_cpus());
  info.max_batch = static_cast<std::uint32_t>(options.max_batch);
  shell.core.batch_wait = Milliseconds(options.batch_wait_ms);
  shell.core.batch_latency = Milliseconds(options.batch_latency_ms);
  info.safe_zone = options.zone == "safe";
  info.isa = engine.isa();
  info.version = HYPS_VERSION;
  shell.core.limits.bytes = static_cast<std::size_t>(options.buffers);
  shell.core.limits.alone = static_cast<std::size_t>(options.memory);
  shell.core.process_bytes = worker::process_bytes_beyond(options.memory);
  shell.cache_folder = options.cache_dir;
  shell.compression = options.compression;
  shell.cache_bytes = static_cast<std::uint64_t>(options.cache_bytes);
  return shell;
}

Status serve(const worker::Options& options) {
  service::prepare_process("worker " + options.id, options.log_level);
  worker::keep_heap_small();
  auto engine = engine::make_onednn_engine(static_cast<int>(options.threads));
  worker::ShellOptions shell_config = shell_options(options, *engine);
  runtime::log_info("started",
                    {{"memory", std::to_string(options.memory)},
                     {"zone", options.zone},
                     {"isa", shell_config.core.info.isa},
                     {"broker", fmt::format("{}:{}", options.broker.host, options.broker.port)}});
  worker::Shell shell(
      std::move(shell_config),
      bus::make_mqtt_bus(service::mqtt_options("worker", options.id, options.broker)),
      bus::make_mqtt_pulse(service::pulse_options("worker", options.id, options.broker)),
      std::move(engine));
  return shell.run(runtime::stop_requested());
}

}  // namespace

int main(int argc, char** argv) {
  worker::Options options;
  return service::run_program(
      argc, argv,
      {"hyps-worker", [&](runtime::Schema& schema) { worker::declare(schema, options); },
       [&] { return worker::complete(options); }, [&] { return serve(options); }});
}
