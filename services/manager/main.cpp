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
  return mqtt;
}

Status serve(manager::Options& options) {
  HYPS_CHECK(manager::complete(options));
  runtime::set_log_service("manager " + options.id);
  runtime::set_log_level(options.log_level);
  runtime::install_signal_handlers();
  runtime::log_info("started",
                    {{"broker", fmt::format("{}:{}", options.broker.host, options.broker.port)}});
  manager::ShellOptions shell_options;
  shell_options.core.id = options.id;
  shell_options.cache_folder = options.cache_dir;
  shell_options.cache_bytes = static_cast<std::uint64_t>(options.cache_bytes);
  manager::Shell shell(std::move(shell_options), bus::make_mqtt_bus(mqtt_options(options)));
  shell.run(runtime::stop_requested());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  manager::Options options;
  runtime::Schema schema;
  manager::declare(schema, options);
  const auto go = runtime::parse_service_arguments(argc, argv, "hyps-manager", schema);
  if (go && !*go) return 0;
  const Status status = go ? serve(options) : Status(go.error());
  if (status.ok()) return 0;
  fmt::print(stderr, "hyps-manager: {}\n", status.error().message);
  return 1;
}
