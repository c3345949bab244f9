// hyps-manager: wiring only.
#include <fmt/format.h>

#include <cstdio>

#include "common/bus/bus.hpp"
#include "common/protocol/topics.hpp"
#include "common/runtime/config.hpp"
#include "common/runtime/event_loop.hpp"
#include "common/runtime/log.hpp"
#include "services/manager/options.hpp"
#include "services/manager/shell.hpp"

namespace {

using namespace hyps;

bus::MqttOptions mqtt_options(const manager::Options& options) {
  bus::MqttOptions mqtt;
  mqtt.host = options.broker.host;
  mqtt.port = static_cast<int>(options.broker.port);
  mqtt.client_id = fmt::format("hyps-manager-{}", options.id);
  mqtt.username = options.broker.username;
  mqtt.password = options.broker.password;
  mqtt.will_topic = protocol::status_topic("manager", options.id);
  mqtt.will_payload = protocol::kOffline;
  mqtt.report = runtime::log_warn;
  return mqtt;
}

Status serve(const manager::Options& options) {
  runtime::set_log_service("manager " + options.id);
  runtime::set_log_level(options.log_level);
  runtime::install_signal_handlers();
  runtime::log_info("started",
                    {{"broker", fmt::format("{}:{}", options.broker.host, options.broker.port)}});
  manager::ShellOptions shell_options;
  shell_options.core.id = options.id;
  shell_options.core.settle = Milliseconds(options.settle_ms);
  shell_options.cache_folder = options.cache_dir;
  shell_options.cache_bytes = static_cast<std::uint64_t>(options.cache_bytes);
  manager::Shell shell(std::move(shell_options), bus::make_mqtt_bus(mqtt_options(options)));
  shell.run(runtime::stop_requested());
  return {};
}

Result<bool> configure(int argc, char** argv, manager::Options& options) {
  runtime::Schema schema;
  manager::declare(schema, options);
  HYPS_TRY(const bool go_on, runtime::parse_service_arguments(argc, argv, "hyps-manager", schema));
  if (go_on) HYPS_CHECK(manager::complete(options));
  return go_on;
}

}  // namespace

int main(int argc, char** argv) {
  manager::Options options;
  const auto go_on = configure(argc, argv, options);
  if (!go_on.ok()) {
    fmt::print(stderr, "hyps-manager: {}\n", go_on.error().message);
    return 2;
  }
  if (!*go_on) return 0;
  if (const Status status = serve(options); !status.ok()) {
    fmt::print(stderr, "hyps-manager: {}\n", status.error().message);
    return 1;
  }
  return 0;
}
