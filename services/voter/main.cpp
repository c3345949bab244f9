// hyps-voter: wiring only.
#include <fmt/format.h>

#include "common/runtime/log.hpp"
#include "common/service/options.hpp"
#include "common/service/program.hpp"
#include "services/voter/options.hpp"
#include "services/voter/shell.hpp"

namespace {

using namespace hyps;

Status serve(const voter::Options& options) {
  service::prepare_process("voter " + options.id, options.log_level);
  runtime::log_info("started",
                    {{"broker", fmt::format("{}:{}", options.broker.host, options.broker.port)}});
  voter::CoreConfig config;
  config.id = options.id;
  config.max_value_bytes = static_cast<std::uint64_t>(options.max_value_bytes);
  config.values_timeout = Milliseconds(options.values_timeout_ms);
  voter::Shell shell(
      config, bus::make_mqtt_bus(service::mqtt_options("voter", options.id, options.broker)));
  shell.run(runtime::stop_requested());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  voter::Options options;
  return service::run_program(
      argc, argv,
      {"hyps-voter", [&](runtime::Schema& schema) { voter::declare(schema, options); },
       [&] { return service::check_id(options.id); }, [&] { return serve(options); }});
}
