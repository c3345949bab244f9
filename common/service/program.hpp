// What the main of every service does.
#pragma once

#include <functional>
#include <string>

#include "common/base/result.hpp"
#include "common/bus/bus.hpp"
#include "common/runtime/config.hpp"

namespace hyps::service {

struct Program {
  const char* name;  // "hyps-worker"
  std::function<void(runtime::Schema&)> declare;
  std::function<Status()> complete;  // the configuration, once it is read
  std::function<Status()> serve;
};

// The exit code: 2 for a wrong configuration, 1 for a service that could not do its work.
int run_program(int argc, char** argv, const Program& program);

// How its lines begin in the log, and the signals that stop it.
void prepare_process(const std::string& log_name, const std::string& log_level);

// With the will that its status topic needs. `service`: as in that topic.
bus::MqttOptions mqtt_options(const std::string& service, const std::string& id,
                              const runtime::BrokerConfig& broker);
// Those of the same service's pulse.
bus::MqttOptions pulse_options(const std::string& service, const std::string& id,
                               const runtime::BrokerConfig& broker);

}  // namespace hyps::service
