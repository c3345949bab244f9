#include "services/hub/shell.hpp"

#include <filesystem>
#include <random>

#include "common/protocol/codec.hpp"
#include "common/protocol/parcel.hpp"
#include "common/runtime/log.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/lines.hpp"

namespace hyps::hub {

namespace {

constexpr std::size_t kQueuedEvents = 128;  // a chunk each, at most
// Of one round, what waits to be written, and what waits to be said.
constexpr std::size_t kMostHeldBytes = std::size_t{16} << 20U;
constexpr Milliseconds kTickPeriod{50};
constexpr int kTicksPerSecond = 20;
constexpr Milliseconds kStreamSilence{20'000};
constexpr int kStopMs = 2000;

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32U) | device();
}

// Reads the stored feature map, when its turn has come, and checks its bytes.
Result<Blob> read_verified(const store::Store& store, const JobId& job,
                           const protocol::TensorRef& tensor) {
  HYPS_TRY(Blob data, store.get(feature_map_key(job, tensor.tensor)));
  if (data.size() == tensor.bytes && digest_of(data.bytes()) == tensor.digest) return data;
  return Error{ErrorKind::corrupt, "the stored " + tensor.tensor + " is not what was stored"};
}

std::filesystem::path backup_folder(const Config& config) {
  if (!config.backup_folder.empty()) return std::filesystem::absolute(config.backup_folder);
  return std::filesystem::absolute(config.data_folder) / "backups";
}

InputNotSent not_sent(const SendCheckpoint& send, const Error& error) {
  return {send.to, send.task, send.epoch, send.tensor.tensor, error};
}

// Clients are given one message a packet.
std::vector<Blob> packets_of(const Peer& peer, std::vector<Blob> frames) {
  if (peer.role == protocol::Role::client) return frames;
  return protocol::pack(std::move(frames));
}

service::HostOptions host_options(const Config& config) {
  service::HostOptions options;
  options.status_topic = protocol::status_topic("hub", config.id);
  options.max_waiting = kQueuedEvents;
  options.tick = kTickPeriod;
  options.goodbye_ms = kStopMs;
  return options;
}

}  // namespace

// Carries out one effect.
struct Act {
  Shell& shell;

  void operator()(const Send& e) const { say(e.to, protocol::encode(e.message)); }

  // What is to be said takes no more memory than this; beyond it the bus has it, which has a bound.
  void say(const Peer& to, Blob frame) const {
    shell.frame_bytes_ += frame.size();
    shell.frames_[to].push_back(std::move(frame));
    if (shell.frame_bytes_ > kMostHeldBytes) shell.say_frames();
  }

  // For one input on its way to a worker.
  [[nodiscard]] service::Compressor::Encoder encoder(const WorkerId& to,
                                                     const protocol::TaskKey& task,
                                                     const std::string& tensor) const {
    const auto worker = shell.core_.state().workers.find(to);
    const bool known = worker != shell.core_.state().workers.end();
    const double rate = known ? static_cast<double>(worker->second.arriving_rate) : 0;
    return shell.compressor_.encoder(
        task, tensor, to.text, rate, [=, mailbox = shell.mailbox_](service::Sent sent) {
          mailbox->put(InputSent{to, task, tensor, sent.bytes, sent.wire_bytes});
        });
  }

  void operator()(const SendCheckpoint& e) const {
    if (e.tensor.bytes <= protocol::kSmallTensorBytes) return send_small(e);
    // Read when its turn has come: what waits for the line is not in memory.
    auto writer = std::make_shared<std::optional<protocol::StreamWriter>>();
    const auto source = [e, writer, store = shell.store_, mailbox = shell.mailbox_,
                         encode = encoder(e.to, e.task, e.tensor.tensor),
                         stream = shell.next_stream_++](std::size_t bytes) -> std::optional<Blob> {
      if (!*writer) {
        auto data = read_verified(*store, e.task.job, e.tensor);
        if (!data.ok()) {
          mailbox->put(not_sent(e, data.error()));
          return std::nullopt;
        }
        writer->emplace(stream, e.task, e.epoch, e.tensor.tensor, std::move(data).value());
      }
      auto chunk = (*writer)->next(bytes);
      if (!chunk) return std::nullopt;
      return encode(std::move(*chunk));
    };
    const auto refused = [&s = shell, e](const Error& error) {
      s.failures_.emplace_back(not_sent(e, error));
    };
    shell.feature_maps_.emplace_back(Peer{protocol::Role::worker, e.to.text}, source, refused);
  }

  void send_small(const SendCheckpoint& e) const {
    auto data = read_verified(*shell.store_, e.task.job, e.tensor);
    if (!data.ok()) {
      shell.failures_.emplace_back(not_sent(e, data.error()));
      return;
    }
    protocol::StreamWriter writer(shell.next_stream_++, e.task, e.epoch, e.tensor.tensor,
                                  std::move(data).value());
    say({protocol::Role::worker, e.to.text},
        protocol::encode(*writer.next(protocol::kSmallTensorBytes)));
  }

  void operator()(const StartRelay& e) const {
    auto arriving = shell.streams_.find(protocol::to_string(e.from), e.stream);
    if (!arriving) {
      shell.failures_.emplace_back(RelayEnded{e.id, false});
      return;
    }
    auto source = shell.relays_.add(
        e, std::move(arriving), shell.next_stream_++, encoder(e.to, e.task, e.tensor),
        [mailbox = shell.mailbox_](RelayEnded ended) { mailbox->put(ended); });
    const auto refused = [&s = shell, id = e.id](const Error&) {
      s.failures_.emplace_back(RelayEnded{id, false});
    };
    // After the words that give back the room it takes there.
    shell.feature_maps_.emplace_back(Peer{protocol::Role::worker, e.to.text}, std::move(source),
                                     refused);
  }

  void operator()(const StopRelay& e) const {
    shell.relays_.stop(e.id);
    shell.host_.wake();  // to find that out
  }

  void operator()(const SendValue& e) const {
    const auto& value = e.value;
    auto writer = std::make_shared<protocol::StreamWriter>(shell.next_stream_++, value.task,
                                                           value.epoch, value.tensor, value.data);
    const auto source = [writer](std::size_t bytes) -> std::optional<Blob> {
      auto chunk = writer->next(bytes);
      if (!chunk) return std::nullopt;
      return protocol::encode(protocol::Message(std::move(*chunk)));
    };
    const auto refused = [](const Error& error) {
      runtime::log_warn("send.refused", {{"error", error.message}});
    };
    shell.feature_maps_.emplace_back(e.to, source, refused);
  }

  void operator()(const SendStoredValue& e) const {
    shell.write_all();
    auto data = read_verified(*shell.store_, e.task.job, e.tensor);
    if (data.ok()) {
      return (*this)(SendValue{e.to, {e.task, e.epoch, e.tensor.tensor, std::move(data).value()}});
    }
    runtime::log_warn("value.unreadable", {{"error", data.error().message}});
  }

  void operator()(const SendPart& e) const {
    shell.write_all();
    auto part = shell.store_->get(file_part_key(e.file, e.offset));
    if (part.ok()) {
      return (*this)(Send{e.to, protocol::Part{e.file, e.offset, std::move(part).value()}});
    }
    shell.failures_.emplace_back(PartNotSent{e.to, e.file, e.offset, part.error()});
  }

  void operator()(Publish& e) const { shell.publications_.push_back(std::move(e)); }

  void operator()(Persist& e) const {
    for (const auto& [key, value] : e.batch.puts) shell.write_bytes_ += value.size();
    shell.writes_.push_back(std::move(e));
    if (shell.write_bytes_ > kMostHeldBytes) shell.write_all();
  }

  void operator()(const ReadRecord& e) const {
    shell.write_all();
    shell.answers_.emplace_back(RecordRead{e.token, shell.store_->get(e.key)});
  }

  // On a thread of its own: on another file system it copies gigabytes.
  void operator()(const WriteBackup& e) const {
    const auto folder = backup_folder(shell.config_) / e.name;
    shell.backup_ = std::jthread([&s = shell, store = shell.store_, folder] {
      const Status written = store->backup(folder);
      const BackupWritten news{written.ok() ? Result<std::string>(folder.string())
                                            : Result<std::string>(written.error())};
      s.host_.post([&s, news] { s.take(news); });
    });
  }

  void operator()(const Log& e) const { runtime::log(e); }
};

Result<std::unique_ptr<Shell>> Shell::make(Config config, std::unique_ptr<bus::Bus> bus,
                                           std::unique_ptr<bus::Pulse> pulse,
                                           std::shared_ptr<store::Store> store) {
  HYPS_TRY(Restored restored, read_records(*store));
  return std::unique_ptr<Shell>(new Shell(std::move(config), std::move(bus), std::move(pulse),
                                          std::move(store), std::move(restored)));
}

Shell::Shell(Config config, std::unique_ptr<bus::Bus> bus, std::unique_ptr<bus::Pulse> pulse,
             std::shared_ptr<store::Store> store, Restored restored)
    : config_(config),
      host_(host_options(config_), std::move(bus)),
      store_(std::move(store)),
      core_(std::move(config), std::move(restored), random_seed(), runtime::now()),
      streams_(static_cast<std::size_t>(config_.max_tensor_bytes),
               static_cast<std::size_t>(config_.max_assembly_bytes)),
      compressor_(config_.compression, [this] { return host_.link_rates().sending; }),
      next_stream_(random_seed()),
      pulse_(std::move(pulse)) {}

Shell::~Shell() = default;

void Shell::run(const std::atomic<bool>& stopped) {
  for (const auto role : {protocol::Role::worker, protocol::Role::manager, protocol::Role::client,
                          protocol::Role::voter}) {
    host_.subscribe(protocol::all_outboxes(role));
  }
  host_.subscribe(protocol::kAllStatus);
  host_.subscribe(protocol::kAllInputs);
  service::Host::Handlers handlers;
  handlers.message = [this](bus::Message message) { take_message(std::move(message)); };
  handlers.connected = [this] { on_connected(); };
  handlers.disconnected = [this] { on_disconnected(); };
  handlers.tick = [this] { tick(); };
  handlers.end_round = [this] { end_round(); };
  pulse_->start(protocol::kAllBeats, [this](const std::string& topic, Blob frame) {
    pulses_.arrived(topic, std::move(frame), runtime::now().steady);
  });
  host_.run(std::move(handlers), stopped);
  pulse_.reset();
}

void Shell::on_connected() {
  runtime::log_info("bus.connected");
  take(BusConnected{});
}

void Shell::on_disconnected() {
  // Streams that were arriving have lost chunks.
  streams_ = protocol::StreamReader(static_cast<std::size_t>(config_.max_tensor_bytes),
                                    static_cast<std::size_t>(config_.max_assembly_bytes));
  relays_.stop_all();
  host_.wake();
  runtime::log_warn("bus.disconnected");
  take(BusDisconnected{});
}

void Shell::take_message(bus::Message message) {
  if (const auto peer = protocol::peer_of_outbox(message.topic)) {
    return take_packet(*peer, message.payload);
  }
  if (const auto status = protocol::parse_status_topic(message.topic)) {
    const bool online = message.payload.text() == protocol::kOnline;
    if (status->service == "worker") {
      const Peer peer{protocol::Role::worker, status->id};
      if (!online) streams_.drop_sender(protocol::to_string(peer));
      if (!online && !relays_.empty()) host_.wake();
      take(PeerStatus{peer, online});
    }
    if (status->service == "manager") {
      take(PeerStatus{{protocol::Role::manager, status->id}, online});
    }
    if (status->service == "voter") take(PeerStatus{{protocol::Role::voter, status->id}, online});
    return;
  }
  if (const auto model = protocol::model_of_input(message.topic)) {
    return take_input(*model, std::move(message));
  }
  take(FrameDropped{message.topic, "a topic that means nothing"});
}

void Shell::take_packet(const Peer& peer, const Blob& packet) {
  protocol::unpack(packet, [&](Result<protocol::Message> message) {
    if (!message.ok()) {
      return take(FrameDropped{protocol::to_string(peer), message.error().message});
    }
    if (const auto* chunk = std::get_if<protocol::Chunk>(&*message))
      return take_chunk(peer, *chunk);
    take(FromPeer{peer, std::move(message).value()});
  });
}

void Shell::take_chunk(const Peer& peer, const protocol::Chunk& chunk) {
  if (peer.role != protocol::Role::worker) {
    return take(FrameDropped{protocol::to_string(peer), "only workers send feature maps"});
  }
  auto arrival = streams_.accept(protocol::to_string(peer), chunk, runtime::now().steady);
  if (!arrival.ok()) {
    if (!relays_.empty()) host_.wake();
    return take(TensorLost{chunk.task, chunk.epoch, arrival.error().message});
  }
  if (chunk.offset == 0 && !*arrival) {
    take(StreamBegan{peer, chunk.stream, chunk.task, chunk.epoch, chunk.tensor, chunk.total});
  }
  if (!relays_.empty()) host_.wake();
  if (*arrival) take(TensorArrived{peer, std::move(**arrival)});
}

void Shell::take_input(const ModelName& model, bus::Message message) {
  // It would come again at each connection.
  if (message.retained) return take(FrameDropped{message.topic, "inputs must not be retained"});
  UserInput input;
  input.model = model;
  input.job_id = message.property("job-id");
  input.payload = std::move(message.payload);
  input.response_topic = std::move(message.response_topic);
  input.correlation = std::move(message.correlation);
  take(std::move(input));
}

void Shell::tick() {
  for (Event& event : mailbox_->take()) take(std::move(event));
  if (ticks_++ % kTicksPerSecond == 0) take(DiskFree{store_->free_bytes(), store_->total_bytes()});
  for (const auto& lost : streams_.expire(runtime::now().steady, kStreamSilence)) {
    take(TensorLost{lost.task, lost.epoch, "its stream fell silent"});
    if (!relays_.empty()) host_.wake();
  }
  for (Event& event : pulses_.take()) take(std::move(event));
  take(Tick{});
}

// ---- rounds -------------------------------------------------------------------------------------

void Shell::take(Event event) {
  const bool overlaps = Core::overlaps(event);
  if (!overlaps) answer_all();
  step(event);
  if (!overlaps) answer_all();
}

void Shell::end_round() {
  do {
    answer_all();
    perform(core_.settle(runtime::now()));
    say_all();
  } while (!writes_.empty() || !answers_.empty() || !failures_.empty());
}

void Shell::answer_all() {
  for (;;) {
    std::deque<Event>& next = answers_.empty() ? failures_ : answers_;
    if (!writes_.empty() && answers_.empty()) {
      write_all();
    } else if (next.empty()) {
      return;
    } else {
      const Event event = std::move(next.front());
      next.pop_front();
      step(event);
    }
  }
}

void Shell::step(const Event& event) {
  if (const auto* ended = std::get_if<RelayEnded>(&event)) relays_.forget(ended->id);
  perform(core_.step(event, runtime::now()));
}

void Shell::perform(std::vector<Effect> effects) {
  for (Effect& effect : effects) std::visit(Act{*this}, effect);
}

// One write for all; where that fails each for itself, for a disk may have room for some.
void Shell::write_all() {
  if (writes_.empty()) return;
  std::vector<store::Batch> batches;
  for (Persist& write : writes_) batches.push_back(std::move(write.batch));
  const Status together = store_->write(batches);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const bool again = !together.ok() && batches.size() > 1;
    answers_.emplace_back(
        Persisted{writes_[i].token, again ? store_->write(batches[i]) : together});
  }
  writes_.clear();
  write_bytes_ = 0;
}

void Shell::say_frames() {
  for (auto& [peer, frames] : std::exchange(frames_, {})) {
    for (Blob& packet : packets_of(peer, std::move(frames))) {
      (void)host_.publish({.topic = protocol::inbox(peer), .payload = std::move(packet)});
    }
  }
  frame_bytes_ = 0;
}

void Shell::say_all() {
  say_frames();
  for (Stream& stream : std::exchange(feature_maps_, {})) {
    const Status status = host_.send(protocol::inbox(stream.to), std::move(stream.source));
    if (!status.ok()) stream.refused(status.error());
  }
  for (Publish& e : join_lines(std::exchange(publications_, {}))) {
    bus::Message message{e.topic, Blob::of(std::move(e.payload)), e.retained, {}, e.correlation};
    if (!e.answer_of.empty()) {
      message.settled = [mailbox = mailbox_, job = e.answer_of] { mailbox->put(AnswerSent{job}); };
    }
    const Status status = host_.publish(std::move(message));
    if (!status.ok() && !e.answer_of.empty()) failures_.emplace_back(AnswerNotSent{e.answer_of});
  }
}

}  // namespace hyps::hub
