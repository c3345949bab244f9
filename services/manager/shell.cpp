#include "services/manager/shell.hpp"

#include <utility>

namespace hyps::manager {

namespace {

constexpr const char* kWorkFolder = "work";

bool is_about_files(const protocol::Message& message) {
  return std::holds_alternative<protocol::Part>(message) ||
         std::holds_alternative<protocol::PartStored>(message) ||
         std::holds_alternative<protocol::Refused>(message);
}

}  // namespace

Shell::Shell(ShellOptions options, std::unique_ptr<bus::Bus> bus)
    : options_(std::move(options)),
      core_(options_.core),
      link_({protocol::Role::manager, options_.core.id}, std::move(bus)) {}

void Shell::run(const std::atomic<bool>& stopped) {
  std::error_code ignored;  // what a killed process left behind; there is rarely anything
  std::filesystem::remove_all(options_.cache_folder / kWorkFolder, ignored);
  link_.run(handlers(), stopped);
  preparation_.reset();
}

service::HubLink::Handlers Shell::handlers() {
  service::HubLink::Handlers handlers;
  handlers.message = [this](Result<protocol::Message> message) { handle(std::move(message)); };
  handlers.connected = [this] { step(Connected{}); };
  handlers.disconnected = [this] { step(Disconnected{}); };
  handlers.hub_online = [this] { step(HubOnline{}); };
  handlers.tick = [this] { tick(); };
  handlers.end_round = [this] { check_preparation(); };
  return handlers;
}

// ---- in ---------------------------------------------------------------------------------------

void Shell::on_built(const BuildDone& done) {
  if (preparation_) link_.publish_all(preparation_->on_built(done, runtime::now().steady));
}

void Shell::handle(Result<protocol::Message> message) {
  if (!message) {
    runtime::log_warn("frame.malformed", {{"reason", message.error().message}});
    return;
  }
  if (const auto* refused = std::get_if<protocol::Refused>(&*message)) {
    runtime::log_warn("hub.refused", {{"error", refused->message}});
  }
  if (!is_about_files(*message)) return step(Received{std::move(*message)});
  if (preparation_) link_.publish_all(preparation_->on_message(*message, runtime::now().steady));
}

void Shell::tick() {
  if (preparation_) link_.publish_all(preparation_->on_tick(runtime::now().steady));
  check_preparation();
  step(Tick{});
}

void Shell::check_preparation() {
  if (!preparation_) return;
  const auto outcome = preparation_->take_outcome();
  if (!outcome) return;
  preparation_.reset();
  step(*outcome);
}

void Shell::step(const Event& event) {
  const Effects effects = core_.step(event, runtime::now());
  for (const Effect& effect : effects) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

// ---- out --------------------------------------------------------------------------------------

void Shell::perform(const Publish& effect) { link_.publish(effect.message); }

void Shell::perform(const PrepareModel& effect) {
  preparation_ = std::make_unique<Preparation>(
      effect, options_.cache_folder / kWorkFolder, options_.cache_bytes,
      [this](BuildDone done) { link_.post([this, done = std::move(done)] { on_built(done); }); });
  link_.publish_all(preparation_->begin(runtime::now().steady));
}

}  // namespace hyps::manager
