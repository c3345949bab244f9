#include "services/voter/shell.hpp"

#include <utility>

namespace hyps::voter {

Shell::Shell(CoreConfig config, std::unique_ptr<bus::Bus> bus)
    : core_(config), link_({protocol::Role::voter, config.id}, std::move(bus)) {}

void Shell::run(const std::atomic<bool>& stopped) {
  service::HubLink::Handlers handlers;
  handlers.message = [this](Result<protocol::Message> message) { handle(std::move(message)); };
  handlers.connected = [this] { step(Connected{}); };
  handlers.disconnected = [this] { step(Disconnected{}); };
  handlers.hub_online = [this] { step(HubOnline{}); };
  handlers.tick = [this] { step(Tick{}); };
  link_.run(std::move(handlers), stopped);
}

void Shell::handle(Result<protocol::Message> message) {
  if (!message) return step(Malformed{message.error().message});
  step(Received{std::move(*message)});
}

void Shell::step(const Event& event) {
  for (const Effect& effect : core_.step(event, runtime::now())) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

}  // namespace hyps::voter
