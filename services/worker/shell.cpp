#include "services/worker/shell.hpp"

#include <algorithm>
#include <utility>

#include "common/protocol/codec.hpp"
#include "common/protocol/stream.hpp"

namespace hyps::worker {

Shell::Shell(ShellOptions options, std::unique_ptr<bus::Bus> bus, std::unique_ptr<bus::Pulse> pulse,
             std::unique_ptr<engine::Engine> engine)
    : options_(std::move(options)),
      core_(options_.core),
      cache_(options_.cache_folder, options_.cache_bytes),
      fetcher_(cache_.files_folder()),
      link_({protocol::Role::worker, options_.core.info.id.text}, std::move(bus)),
      compressor_(options_.compression, [this] { return link_.link_rates().sending; }),
      pulse_(std::move(pulse)),
      engine_(std::move(engine)) {}

Status Shell::run(const std::atomic<bool>& stopped) {
  HYPS_CHECK(cache_.open());
  compute_ = std::make_unique<ComputeThread>(std::move(engine_), cache_, [this](Event event) {
    link_.post([this, event = std::move(event)] { step(event); });
  });
  pulse_->start({}, {});
  link_.run(handlers(), stopped);
  compute_.reset();
  return {};
}

service::HubLink::Handlers Shell::handlers() {
  service::HubLink::Handlers handlers;
  handlers.message = [this](Result<protocol::Message> message) { handle(std::move(message)); };
  handlers.connected = [this] { step(Connected{}); };
  handlers.disconnected = [this] { step(Disconnected{}); };
  handlers.hub_online = [this] { step(HubOnline{}); };
  handlers.tick = [this] { tick(); };
  handlers.end_round = [this] { check_ended(); };
  return handlers;
}

// ---- in ---------------------------------------------------------------------------------------

void Shell::handle(Result<protocol::Message> message) {
  if (!message) return step(Malformed{message.error().message});
  if (const auto* part = std::get_if<protocol::Part>(&*message)) {
    link_.publish_all(fetcher_.on_part(*part, runtime::now().steady));
    check_fetches();
  } else if (const auto* refused = std::get_if<protocol::Refused>(&*message)) {
    on_refused(*refused);
  } else {
    step(Received{std::move(*message)});
  }
}

void Shell::on_refused(const protocol::Refused& refused) {
  const auto error = fetcher_.on_refused(refused);
  if (!error) return;
  std::vector<Serial> failed;
  for (const auto& [serial, files] : fetches_) {
    const bool needs = std::any_of(files.begin(), files.end(),
                                   [&](const auto& file) { return file.digest == refused.file; });
    if (needs) failed.push_back(serial);
  }
  for (const Serial serial : failed) {
    fetches_.erase(serial);
    step(FetchFailed{serial, error->message});
  }
}

void Shell::tick() {
  link_.publish_all(fetcher_.on_tick(runtime::now().steady));
  check_fetches();
  check_ended();
  step(Tick{});
}

void Shell::check_fetches() {
  std::vector<std::pair<Serial, bool>> ended;
  for (const auto& [serial, files] : fetches_) {
    const bool all = std::all_of(files.begin(), files.end(),
                                 [&](const auto& file) { return fetcher_.has(file); });
    if (all || fetcher_.idle()) ended.emplace_back(serial, all);
  }
  for (const auto& [serial, all] : ended) {
    fetches_.erase(serial);
    if (all) {
      step(Fetched{serial});
    } else {
      step(FetchFailed{serial, fetcher_.problem()});
    }
  }
}

void Shell::check_ended() {
  std::vector<std::uint64_t> streams;
  {
    const std::lock_guard lock(ended_->mutex);
    streams.swap(ended_->streams);
  }
  for (const std::uint64_t stream : streams) {
    sending_.erase(stream);
    step(Sent{stream});
  }
}

void Shell::step(const Event& event) {
  const Effects effects = core_.step(event, runtime::now());
  for (const Effect& effect : effects) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

// ---- out --------------------------------------------------------------------------------------

void Shell::perform(const Publish& effect) { link_.publish(effect.message); }

void Shell::perform(const Pulse& effect) {
  const auto& id = options_.core.info.id;
  protocol::Heartbeat heartbeat = effect.heartbeat;
  heartbeat.arriving_rate = static_cast<std::uint64_t>(link_.link_rates().arriving);
  (void)pulse_->send(protocol::beat_topic(id), protocol::encode(heartbeat));
}

void Shell::perform(const SendTensor& effect) {
  if (effect.data.size() <= protocol::kSmallTensorBytes) return send_small(effect);
  auto writer = std::make_shared<protocol::StreamWriter>(effect.stream, effect.task, effect.epoch,
                                                         effect.tensor, effect.data);
  auto stop = std::make_shared<std::atomic<bool>>(false);
  sending_[effect.stream] = stop;
  const auto encode = compressor_.encoder(effect.task, effect.tensor);
  const auto source = [writer, stop, ended = ended_, encode,
                       stream = effect.stream](std::size_t bytes) -> std::optional<Blob> {
    auto chunk = stop->load() ? std::nullopt : writer->next(bytes);
    if (chunk) return encode(std::move(*chunk));
    const std::lock_guard lock(ended->mutex);
    ended->streams.push_back(stream);
    return std::nullopt;
  };
  if (const Status status = link_.send(source); !status.ok()) {
    runtime::log_warn("send.refused", {{"error", status.error().message}});
    const std::lock_guard lock(ended_->mutex);
    ended_->streams.push_back(effect.stream);
  }
}

void Shell::send_small(const SendTensor& effect) {
  protocol::StreamWriter writer(effect.stream, effect.task, effect.epoch, effect.tensor,
                                effect.data);
  link_.publish(*writer.next(protocol::kSmallTensorBytes));
  const std::lock_guard lock(ended_->mutex);
  ended_->streams.push_back(effect.stream);
}

void Shell::perform(const StopSending& effect) {
  const auto stream = sending_.find(effect.stream);
  if (stream == sending_.end()) return;
  stream->second->store(true);
  sending_.erase(stream);
}

void Shell::perform(const Fetch& effect) {
  for (const protocol::FileRef& file : effect.files) fetcher_.want(file);
  fetches_[effect.serial] = effect.files;
}

void Shell::perform(const Keep& effect) {
  if (cache_.keep(effect.files)) return;
  runtime::log_warn("cache.full", {{"limit_bytes", std::to_string(options_.cache_bytes)},
                                   {"why", "the assigned bundles alone are larger"}});
}

void Shell::perform(const Load& effect) { compute_->add(effect); }
void Shell::perform(const Unload& effect) { compute_->add(effect); }
void Shell::perform(const Retain& effect) { compute_->add(effect); }
void Shell::perform(const Compute& effect) { compute_->add(effect); }
void Shell::perform(const Wait& effect) { compute_->add(effect); }

}  // namespace hyps::worker
