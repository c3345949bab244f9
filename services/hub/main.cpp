// hyps-hub: wiring only.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "common/runtime/log.hpp"
#include "services/hub/shell.hpp"

namespace {

using namespace hyps;

std::unique_ptr<bus::Bus> make_bus(const hub::Config& config) {
  bus::MqttOptions options;
  options.host = config.broker.host;
  options.port = static_cast<int>(config.broker.port);
  options.client_id = "hyps-hub-" + config.id;
  options.username = config.broker.username;
  options.password = config.broker.password;
  options.will_topic = hub::will_topic(config);
  options.will_payload = protocol::kOffline;
  options.report = runtime::log_warn;
  return bus::make_mqtt_bus(std::move(options));
}

Status run(const hub::Config& config) {
  if (!is_valid_name(config.id)) {
    return Error{ErrorKind::invalid, "id: '" + config.id + "' is no name"};
  }
  HYPS_TRY(std::shared_ptr<store::Store> store, store::open_rocksdb(config.data_folder));
  if (!store->warning().empty()) {
    runtime::log_error("store.damaged", {{"warning", store->warning()}});
  }
  HYPS_TRY(auto shell, hub::Shell::make(config, make_bus(config), store));
  runtime::log_info("hub.started", {{"id", config.id}, {"data_folder", config.data_folder}});
  shell->run(runtime::stop_requested());
  runtime::log_info("hub.stopped");
  return {};
}

Result<bool> configure(int argc, char** argv, hub::Config& config) {
  runtime::Schema schema;
  hub::declare(schema, config);
  return runtime::parse_service_arguments(argc, argv, "hyps-hub", schema);
}

}  // namespace

int main(int argc, char** argv) {
  hub::Config config;
  const auto go_on = configure(argc, argv, config);
  if (!go_on.ok()) {
    fmt::print(stderr, "hyps-hub: {}\n", go_on.error().message);
    return 2;
  }
  if (!*go_on) return 0;
  runtime::set_log_service("hub");
  runtime::set_log_level(config.log_level);
  runtime::install_signal_handlers();
  if (const Status status = run(config); !status.ok()) {
    fmt::print(stderr, "hyps-hub: {}\n", status.error().message);
    return 1;
  }
  return 0;
}
