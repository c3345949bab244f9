#include "voter_process.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/protocol/codec.hpp"
#include "common/protocol/parcel.hpp"
#include "common/protocol/topics.hpp"
#include "describe.hpp"

namespace hyps::sim {

using protocol::Role;

namespace {

constexpr Milliseconds kTick{200};
constexpr const char* kHubStatus = "hyps/hub/+/status";

}  // namespace

VoterProcess::VoterProcess(World& world, Network& network, const std::string& id)
    : Process(world, network, id, kTick) {}

void VoterProcess::on_start() {
  voter::CoreConfig config;
  config.id = name();
  life_ = std::make_shared<Life>(config);
  connect();
}

void VoterProcess::on_crash() {
  life_->bus->stop();
  bury(std::exchange(life_, nullptr));
}

void VoterProcess::on_tick() { step(voter::Tick{}); }

void VoterProcess::connect() {
  ClientBus::Handlers handlers;
  handlers.message = [this](const bus::Message& message) { take_message(message); };
  handlers.connected = [this] {
    say([] { return "is connected"; });
    (void)life_->bus->publish(status_message("voter", name(), protocol::kOnline));
    step(voter::Connected{});
  };
  handlers.disconnected = [this] {
    say([] { return "has lost its connection"; });
    step(voter::Disconnected{});
  };
  life_->bus = make_bus({protocol::inbox({Role::voter, name()}), kHubStatus},
                        status_message("voter", name(), protocol::kOffline), std::move(handlers));
  life_->bus->start();
}

void VoterProcess::take_message(const bus::Message& message) {
  const bool ours = message.topic == protocol::inbox({Role::voter, name()});
  const bool came_up = !ours && !message.retained && message.payload.text() == protocol::kOnline;
  if (came_up && protocol::parse_status_topic(message.topic)) return step(voter::HubOnline{});
  if (!ours) return;
  if (slowness_ == Milliseconds(0)) return take_packet(message.payload);
  life_->busy_until = std::max(life_->busy_until, world_.clock.now()) + slowness_;
  later(life_->busy_until - world_.clock.now(),
        [this, packet = message.payload] { take_packet(packet); });
}

void VoterProcess::take_packet(const Blob& packet) {
  protocol::unpack(packet, [this](Result<protocol::Message> message) {
    if (!message.ok()) return step(voter::Malformed{message.error().message});
    step(voter::Received{std::move(*message)});
  });
}

void VoterProcess::step(const voter::Event& event) {
  for (const voter::Effect& effect : life_->core.step(event, now())) {
    if (const auto* order = std::get_if<voter::Publish>(&effect)) publish(order->message);
    if (const auto* line = std::get_if<voter::Log>(&effect)) {
      say([&] { return describe(line->event, line->fields); });
    }
  }
}

void VoterProcess::publish(const protocol::Message& message) {
  say([&] { return "→ hub: " + describe(message); });
  (void)life_->bus->publish(
      {protocol::outbox({Role::voter, name()}), protocol::encode(message), false, {}, {}, {}});
}

}  // namespace hyps::sim
