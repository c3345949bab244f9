// hyps-hub: wiring only.
#include "common/bus/pulse.hpp"
#include "common/runtime/log.hpp"
#include "common/service/options.hpp"
#include "common/service/program.hpp"
#include "services/hub/heap.hpp"
#include "services/hub/shell.hpp"

namespace {

using namespace hyps;

Status serve(const hub::Config& config) {
  hub::keep_heap_warm();
  service::prepare_process("hub", config.log_level);
  HYPS_TRY(std::shared_ptr<store::Store> store, store::open_rocksdb(config.data_folder));
  if (!store->warning().empty()) {
    runtime::log_error("store.damaged", {{"warning", store->warning()}});
  }
  auto bus = bus::make_mqtt_bus(service::mqtt_options("hub", config.id, config.broker));
  auto pulse = bus::make_mqtt_pulse(service::pulse_options("hub", config.id, config.broker));
  HYPS_TRY(auto shell, hub::Shell::make(config, std::move(bus), std::move(pulse), store));
  runtime::log_info("hub.started", {{"id", config.id}, {"data_folder", config.data_folder}});
  shell->run(runtime::stop_requested());
  runtime::log_info("hub.stopped");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  hub::Config config;
  return service::run_program(
      argc, argv,
      {"hyps-hub", [&](runtime::Schema& schema) { hub::declare(schema, config); },
       [&] { return service::check_id(config.id); }, [&] { return serve(config); }});
}
