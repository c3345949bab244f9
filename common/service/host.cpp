#include "common/service/host.hpp"

#include <utility>

#include "common/protocol/topics.hpp"
#include "common/runtime/log.hpp"

namespace hyps::service {

Host::Host(HostOptions options, std::unique_ptr<bus::Bus> bus)
    : options_(std::move(options)), loop_(options_.max_waiting), bus_(std::move(bus)) {}

void Host::run(Handlers handlers, const std::atomic<bool>& stopped) {
  handlers_ = std::move(handlers);
  connect();
  loop_.run({[](const Work& work) { work(); }, handlers_.end_round, handlers_.tick}, options_.tick,
            stopped);
  loop_.stop();
  publish_status(protocol::kOffline);
  bus_->stop(options_.goodbye_ms);
}

void Host::connect() {
  bus::Handlers from_bus;
  from_bus.message = [this](bus::Message message) {
    post([this, message = std::move(message)]() mutable { handlers_.message(std::move(message)); });
  };
  from_bus.connected = [this] {
    post([this] {
      publish_status(protocol::kOnline);
      handlers_.connected();
    });
  };
  from_bus.disconnected = [this](const std::string&) {
    post([this] { handlers_.disconnected(); });
  };
  bus_->start(std::move(from_bus));
}

void Host::publish_status(const char* status) {
  bus::Message message;
  message.topic = options_.status_topic;
  message.payload = Blob::copy_of(std::string_view(status));
  message.retained = true;
  (void)publish(std::move(message));
}

Status Host::publish(bus::Message message) {
  Status status = bus_->publish(std::move(message));
  if (!status.ok()) {
    runtime::log_warn("publish.refused", {{"error", status.error().message}});
  }
  return status;
}

}  // namespace hyps::service
