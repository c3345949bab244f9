// hyps-manager: wiring only.
#include <fmt/format.h>

#include "common/bus/bus.hpp"
#include "common/runtime/event_loop.hpp"
#include "common/runtime/log.hpp"
#include "common/service/program.hpp"
#include "services/manager/options.hpp"
#include "services/manager/shell.hpp"

namespace {

using namespace hyps;

Status serve(const manager::Options& options) {
  service::prepare_process("manager " + options.id, options.log_level);
  runtime::log_info("started",
                    {{"broker", fmt::format("{}:{}", options.broker.host, options.broker.port)}});
  manager::ShellOptions shell_options;
  shell_options.core.id = options.id;
  shell_options.core.settle = Milliseconds(options.settle_ms);
  shell_options.cache_folder = options.cache_dir;
  shell_options.cache_bytes = static_cast<std::uint64_t>(options.cache_bytes);
  manager::Shell shell(std::move(shell_options), bus::make_mqtt_bus(service::mqtt_options(
                                                     "manager", options.id, options.broker)));
  shell.run(runtime::stop_requested());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  manager::Options options;
  return service::run_program(
      argc, argv,
      {"hyps-manager", [&](runtime::Schema& schema) { manager::declare(schema, options); },
       [&] { return manager::complete(options); }, [&] { return serve(options); }});
}
