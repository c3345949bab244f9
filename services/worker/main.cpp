// hyps-worker: wiring only.
#include <fmt/format.h>

#include <cstdio>
#include <random>

#include "common/bus/bus.hpp"
#include "common/engine/engine.hpp"
#include "common/protocol/topics.hpp"
#include "common/runtime/config.hpp"
#include "common/runtime/event_loop.hpp"
#include "common/runtime/log.hpp"
#include "services/worker/options.hpp"
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
  info.safe_zone = options.zone == "safe";
  info.isa = engine.isa();
  info.version = HYPS_VERSION;
  shell.core.limits.bytes = static_cast<std::size_t>(options.buffers);
  shell.cache_folder = options.cache_dir;
  shell.cache_bytes = static_cast<std::uint64_t>(options.cache_bytes);
  return shell;
}

bus::MqttOptions mqtt_options(const worker::Options& options) {
  bus::MqttOptions mqtt;
  mqtt.host = options.broker.host;
  mqtt.port = static_cast<int>(options.broker.port);
  mqtt.client_id = fmt::format("hyps-worker-{}", options.id);
  mqtt.username = options.broker.username;
  mqtt.password = options.broker.password;
  mqtt.will_topic = protocol::status_topic("worker", options.id);
  mqtt.will_payload = protocol::kOffline;
  mqtt.report = runtime::log_warn;
  return mqtt;
}

Status serve(const worker::Options& options) {
  runtime::set_log_service("worker " + options.id);
  runtime::set_log_level(options.log_level);
  runtime::install_signal_handlers();
  auto engine = engine::make_onednn_engine(static_cast<int>(options.threads));
  worker::ShellOptions shell_config = shell_options(options, *engine);
  runtime::log_info("started",
                    {{"memory", std::to_string(options.memory)},
                     {"zone", options.zone},
                     {"isa", shell_config.core.info.isa},
                     {"broker", fmt::format("{}:{}", options.broker.host, options.broker.port)}});
  worker::Shell shell(std::move(shell_config), bus::make_mqtt_bus(mqtt_options(options)),
                      std::move(engine));
  return shell.run(runtime::stop_requested());
}

Result<bool> configure(int argc, char** argv, worker::Options& options) {
  runtime::Schema schema;
  worker::declare(schema, options);
  HYPS_TRY(const bool go_on, runtime::parse_service_arguments(argc, argv, "hyps-worker", schema));
  if (go_on) HYPS_CHECK(worker::complete(options));
  return go_on;
}

}  // namespace

int main(int argc, char** argv) {
  worker::Options options;
  const auto go_on = configure(argc, argv, options);
  if (!go_on.ok()) {
    fmt::print(stderr, "hyps-worker: {}\n", go_on.error().message);
    return 2;
  }
  if (!*go_on) return 0;
  if (const Status status = serve(options); !status.ok()) {
    fmt::print(stderr, "hyps-worker: {}\n", status.error().message);
    return 1;
  }
  return 0;
}
