#include "common/service/hub_link.hpp"

#include <utility>

#include "common/protocol/codec.hpp"

namespace hyps::service {

namespace {

constexpr const char* kHubStatus = "hyps/hub/+/status";

HostOptions host_options(const protocol::Peer& self) {
  HostOptions options;
  options.status_topic = protocol::status_topic(protocol::service_of(self.role), self.id);
  return options;
}

}  // namespace

HubLink::HubLink(protocol::Peer self, std::unique_ptr<bus::Bus> bus)
    : self_(std::move(self)), host_(host_options(self_), std::move(bus)) {}

void HubLink::run(Handlers handlers, const std::atomic<bool>& stopped) {
  host_.subscribe(protocol::inbox(self_));
  host_.subscribe(kHubStatus);
  Host::Handlers from_host;
  from_host.message = [inbox = protocol::inbox(self_), take = handlers.message,
                       hub_online = handlers.hub_online](const bus::Message& message) {
    if (message.topic == inbox) return protocol::unpack(message.payload, take);
    // A retained status was there before us: `connected` has said all already.
    const bool came_up = !message.retained && message.payload.text() == protocol::kOnline;
    if (came_up && protocol::parse_status_topic(message.topic)) hub_online();
  };
  from_host.connected = std::move(handlers.connected);
  from_host.disconnected = std::move(handlers.disconnected);
  from_host.tick = std::move(handlers.tick);
  from_host.end_round = [this, end_round = std::move(handlers.end_round)] {
    end_round();
    send_frames();
  };
  host_.run(std::move(from_host), stopped);
}

void HubLink::publish(const protocol::Message& message) {
  frames_.push_back(protocol::encode(message));
}

void HubLink::send_frames() {
  for (Blob& packet : protocol::pack(std::exchange(frames_, {}))) {
    (void)host_.publish({.topic = protocol::outbox(self_), .payload = std::move(packet)});
  }
}

}  // namespace hyps::service
