#include "common/service/program.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "common/protocol/topics.hpp"
#include "common/runtime/event_loop.hpp"
#include "common/runtime/log.hpp"

namespace hyps::service {

namespace {

constexpr int kFailed = 1;
constexpr int kMisconfigured = 2;

int complain(const char* program, const Error& error, int code) {
  fmt::print(stderr, "{}: {}\n", program, error.message);
  return code;
}

Result<bool> configure(int argc, char** argv, const Program& program) {
  runtime::Schema schema;
  program.declare(schema);
  HYPS_TRY(const bool go_on, runtime::parse_service_arguments(argc, argv, program.name, schema));
  if (go_on) HYPS_CHECK(program.complete());
  return go_on;
}

}  // namespace

int run_program(int argc, char** argv, const Program& program) {
  const auto go_on = configure(argc, argv, program);
  if (!go_on.ok()) return complain(program.name, go_on.error(), kMisconfigured);
  if (!*go_on) return 0;
  const Status served = program.serve();
  return served.ok() ? 0 : complain(program.name, served.error(), kFailed);
}

void prepare_process(const std::string& log_name, const std::string& log_level) {
  runtime::set_log_service(log_name);
  runtime::set_log_level(log_level);
  runtime::install_signal_handlers();
}

bus::MqttOptions mqtt_options(const std::string& service, const std::string& id,
                              const runtime::BrokerConfig& broker) {
  bus::MqttOptions mqtt;
  mqtt.host = broker.host;
  mqtt.port = static_cast<int>(broker.port);
  mqtt.client_id = fmt::format("hyps-{}-{}", service, id);
  mqtt.username = broker.username;
  mqtt.password = broker.password;
  mqtt.will_topic = protocol::status_topic(service, id);
  mqtt.will_payload = protocol::kOffline;
  mqtt.report = runtime::log_warn;
  return mqtt;
}

bus::MqttOptions pulse_options(const std::string& service, const std::string& id,
                               const runtime::BrokerConfig& broker) {
  bus::MqttOptions mqtt = mqtt_options(service, id, broker);
  mqtt.client_id = fmt::format("hyps-pulse-{}-{}", service, id);
  return mqtt;
}

}  // namespace hyps::service
