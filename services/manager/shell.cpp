#include "services/manager/shell.hpp"

#include <utility>

#include "common/protocol/codec.hpp"

namespace hyps::manager {

namespace {

constexpr const char* kHubStatus = "hyps/hub/+/status";
constexpr const char* kWorkFolder = "work";
constexpr int kGoodbyeMs = 1000;

bool is_about_files(const protocol::Message& message) {
  return std::holds_alternative<protocol::Part>(message) ||
         std::holds_alternative<protocol::PartStored>(message) ||
         std::holds_alternative<protocol::Refused>(message);
}

}  // namespace

Shell::Shell(ShellOptions options, std::unique_ptr<bus::Bus> bus)
    : options_(std::move(options)),
      self_{protocol::Role::manager, options_.core.id},
      core_(options_.core),
      bus_(std::move(bus)) {}

void Shell::run(const std::atomic<bool>& stopped) {
  std::error_code ignored;  // what a killed process left behind; there is rarely anything
  std::filesystem::remove_all(options_.cache_folder / kWorkFolder, ignored);
  connect();
  const auto handle = [this](const Input& input) {
    input();
    check_preparation();
  };
  loop_.run(
      handle, [this] { tick(); }, kTick, stopped);
  loop_.stop();
  publish_status(protocol::kOffline);
  bus_->stop(kGoodbyeMs);
  preparation_.reset();
}

void Shell::connect() {
  bus_->subscribe(protocol::inbox(self_));
  bus_->subscribe(kHubStatus);
  bus::Handlers handlers;
  handlers.message = [this](bus::Message message) {
    loop_.post([this, message = std::move(message)] { handle_message(message); });
  };
  handlers.connected = [this] { loop_.post([this] { on_connected(); }); };
  handlers.disconnected = [this](const std::string&) {
    loop_.post([this] { step(Disconnected{}); });
  };
  bus_->start(std::move(handlers));
}

// ---- in ---------------------------------------------------------------------------------------

void Shell::on_connected() {
  publish_status(protocol::kOnline);
  step(Connected{});
}

void Shell::handle_message(const bus::Message& message) {
  if (message.topic == protocol::inbox(self_)) return handle_frame(message.payload);
  // A retained status was there before us: Connected has said all already.
  const bool came_up = !message.retained && message.payload.text() == protocol::kOnline;
  if (came_up && protocol::parse_status_topic(message.topic)) step(HubOnline{});
}

void Shell::on_built(const BuildDone& done) {
  if (preparation_) publish_all(preparation_->on_built(done, runtime::now().steady));
}

void Shell::handle_frame(const Blob& frame) {
  auto message = protocol::decode(frame);
  if (!message) {
    runtime::log_warn("frame.malformed", {{"reason", message.error().message}});
    return;
  }
  if (const auto* refused = std::get_if<protocol::Refused>(&*message)) {
    runtime::log_warn("hub.refused", {{"error", refused->message}});
  }
  if (!is_about_files(*message)) return step(Received{std::move(*message)});
  if (preparation_) publish_all(preparation_->on_message(*message, runtime::now().steady));
}

void Shell::tick() {
  if (preparation_) publish_all(preparation_->on_tick(runtime::now().steady));
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

void Shell::publish(const protocol::Message& message) {
  bus::Message out;
  out.topic = protocol::outbox(self_);
  out.payload = protocol::encode(message);
  if (const Status status = bus_->publish(std::move(out)); !status) {
    runtime::log_warn("publish.refused", {{"error", status.error().message}});
  }
}

void Shell::publish_all(const std::vector<protocol::Message>& messages) {
  for (const protocol::Message& message : messages) publish(message);
}

void Shell::publish_status(const char* status) {
  bus::Message out;
  out.topic = protocol::status_topic("manager", self_.id);
  out.payload = Blob::copy_of(std::string_view(status));
  out.retained = true;
  if (const Status sent = bus_->publish(std::move(out)); !sent) {
    runtime::log_warn("publish.refused", {{"error", sent.error().message}});
  }
}

void Shell::perform(const Publish& effect) { publish(effect.message); }

void Shell::perform(const PrepareModel& effect) {
  preparation_ = std::make_unique<Preparation>(
      effect, options_.cache_folder / kWorkFolder, options_.cache_bytes,
      [this](BuildDone done) { loop_.post([this, done = std::move(done)] { on_built(done); }); });
  publish_all(preparation_->begin(runtime::now().steady));
}

void Shell::perform(const Log& effect) {
  if (effect.level == Log::Level::warning) {
    runtime::log_warn(effect.event, effect.fields);
  } else {
    runtime::log_info(effect.event, effect.fields);
  }
}

}  // namespace hyps::manager
