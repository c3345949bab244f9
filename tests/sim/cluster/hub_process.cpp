#include "hub_process.hpp"

#include <utility>
#include <variant>

#include "common/protocol/codec.hpp"
#include "common/protocol/parcel.hpp"
#include "common/protocol/topics.hpp"
#include "describe.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/lines.hpp"
#include "services/hub/records.hpp"

namespace hyps::sim {

using protocol::Peer;
using protocol::Role;

namespace {

// As in the hub's shell.
constexpr Milliseconds kTick{50};
constexpr int kTicksPerSecond = 20;
constexpr Milliseconds kStreamSilence{20'000};
constexpr int kLongestRound = 2;  // ms

Result<Blob> read_verified(const store::Store& store, const JobId& job,
                           const protocol::TensorRef& tensor) {
  HYPS_TRY(Blob data, store.get(hub::feature_map_key(job, tensor.tensor)));
  if (data.size() == tensor.bytes && digest_of(data.bytes()) == tensor.digest) return data;
  return Error{ErrorKind::corrupt, "the stored " + tensor.tensor + " is not what was stored"};
}

hub::InputNotSent not_sent(const hub::SendCheckpoint& send, const Error& error) {
  return {send.to, send.task, send.epoch, send.tensor.tensor, error};
}

}  // namespace

HubProcess::Life::Life(const hub::Config& config, hub::Restored restored, std::uint64_t seed,
                       Now now)
    : core(config, std::move(restored), seed, now),
      streams(static_cast<std::size_t>(config.max_tensor_bytes),
              static_cast<std::size_t>(config.max_assembly_bytes)),
      next_stream(seed) {}

// Carries out one effect.
struct HubProcess::Act {
  HubProcess& hub;
  Life& life;

  void operator()(const hub::Send& e) const {
    hub.say([&] { return "→ " + protocol::to_string(e.to) + ": " + describe(e.message); });
    life.frames[e.to].push_back(protocol::encode(e.message));
  }
  void send_small(const hub::SendCheckpoint& e) const {
    auto data = read_verified(hub.world_.disk.now(), e.task.job, e.tensor);
    if (!data.ok()) {
      life.failures.emplace_back(not_sent(e, data.error()));
      return;
    }
    hub.say([&] { return "→ worker " + e.to.text + ": feature map " + e.tensor.tensor; });
    protocol::StreamWriter writer(life.next_stream++, e.task, e.epoch, e.tensor.tensor,
                                  flipped(hub.world_, *data));
    life.frames[{Role::worker, e.to.text}].push_back(
        protocol::encode(*writer.next(protocol::kSmallTensorBytes)));
  }
  void operator()(const hub::SendCheckpoint& e) const {
    // Those of a simulated network are all small: whether they travel as such is drawn.
    if (e.tensor.bytes <= hub.small_tensor_bytes_) return send_small(e);
    auto writer = std::make_shared<std::optional<protocol::StreamWriter>>();
    const auto source = [e, writer, &world = hub.world_, &here = life,
                         stream = life.next_stream++](std::size_t bytes) -> std::optional<Blob> {
      if (!*writer) {
        auto data = read_verified(world.disk.now(), e.task.job, e.tensor);
        if (!data.ok()) {
          here.told.push_back(not_sent(e, data.error()));
          return std::nullopt;
        }
        writer->emplace(stream, e.task, e.epoch, e.tensor.tensor, flipped(world, *data));
      }
      auto chunk = (*writer)->next(bytes);
      if (!chunk) return std::nullopt;
      return encode_somehow(world, std::move(*chunk));
    };
    hub.say([&] { return "→ worker " + e.to.text + ": feature map " + e.tensor.tensor; });
    const Status status = life.bus->send(protocol::inbox({Role::worker, e.to.text}), source);
    if (!status.ok()) life.failures.emplace_back(not_sent(e, status.error()));
  }
  void operator()(const hub::StartRelay& e) const {
    hub.say([&] { return "relays " + e.tensor + " of " + e.from.id + " to worker " + e.to.text; });
    auto arriving = life.streams.find(protocol::to_string(e.from), e.stream);
    if (!arriving) {
      life.failures.emplace_back(hub::RelayEnded{e.id, false});
      return;
    }
    const auto source = life.relays.add(
        e, std::move(arriving), life.next_stream++,
        [&world = hub.world_](protocol::Chunk chunk) {
          return encode_somehow(world, std::move(chunk));
        },
        [&told = life.told](hub::RelayEnded ended) { told.push_back(ended); });
    const Status status = life.bus->send(protocol::inbox({Role::worker, e.to.text}), source);
    if (!status.ok()) life.failures.emplace_back(hub::RelayEnded{e.id, false});
  }
  void operator()(const hub::StopRelay& e) const {
    life.relays.stop(e.id);
    life.bus->wake();
  }
  void operator()(const hub::SendValue& e) const {
    const auto& value = e.value;
    auto writer = std::make_shared<protocol::StreamWriter>(life.next_stream++, value.task,
                                                           value.epoch, value.tensor, value.data);
    const auto source = [writer](std::size_t bytes) -> std::optional<Blob> {
      auto chunk = writer->next(bytes);
      if (!chunk) return std::nullopt;
      return protocol::encode(protocol::Message(std::move(*chunk)));
    };
    hub.say([&] { return "→ " + protocol::to_string(e.to) + ": output " + value.tensor; });
    (void)life.bus->send(protocol::inbox(e.to), source);
  }
  void operator()(const hub::SendStoredValue& e) const {
    hub.write_all(life);
    auto data = read_verified(hub.world_.disk.now(), e.task.job, e.tensor);
    if (!data.ok()) return;
    (*this)(hub::SendValue{e.to, {e.task, e.epoch, e.tensor.tensor, std::move(data).value()}});
  }
  void operator()(const hub::SendPart& e) const {
    hub.write_all(life);
    auto part = hub.world_.disk.now().get(hub::file_part_key(e.file, e.offset));
    if (part.ok()) return (*this)(hub::Send{e.to, protocol::Part{e.file, e.offset, *part}});
    life.failures.emplace_back(hub::PartNotSent{e.to, e.file, e.offset, part.error()});
  }
  void operator()(const hub::Publish& e) const {
    hub.say([&] { return "publishes on " + e.topic + ": " + e.payload; });
    life.publications.push_back(e);
  }
  void operator()(const hub::Persist& e) const { life.writes.push_back(e); }
  void operator()(const hub::ReadRecord& e) const {
    hub.write_all(life);
    life.answers.emplace_back(hub::RecordRead{e.token, hub.world_.disk.now().get(e.key)});
  }
  void operator()(const hub::WriteBackup&) const {}  // nobody asks for one
  void operator()(const hub::Log& e) const {
    hub.say([&] { return describe(e.event, e.fields); });
  }
};

HubProcess::HubProcess(World& world, Network& network, Ledger& ledger, hub::Config config)
    : Process(world, network, "hub", kTick),
      ledger_(ledger),
      config_(std::move(config)),
      small_tensor_bytes_(world.random.below(2) == 0 ? 0 : protocol::kSmallTensorBytes) {}

void HubProcess::on_start() {
  auto restored = hub::read_records(world_.disk.now());
  if (!restored.ok()) return world_.violate("the store cannot be read");
  life_ = std::make_shared<Life>(config_, std::move(restored).value(), world_.random.next(), now());
  ledger_.on_start(state());
  connect();
}

void HubProcess::connect() {
  std::vector<std::string> filters;
  for (const auto role : {Role::worker, Role::manager, Role::client, Role::voter}) {
    filters.push_back(protocol::all_outboxes(role));
  }
  filters.emplace_back(protocol::kAllStatus);
  filters.emplace_back(protocol::kAllBeats);
  filters.emplace_back(protocol::kAllInputs);
  life_->bus = make_bus(std::move(filters), status_message("hub", config_.id, protocol::kOffline),
                        {[this](bus::Message message) { take_message(std::move(message)); },
                         [this] { on_connected(); }, [this] { on_disconnected(); }});
  life_->bus->start();
}

void HubProcess::on_crash() {
  effects_to_live_.reset();
  life_->bus->stop();
  bury(std::exchange(life_, nullptr));
  // A process that dies leaves its writes to the kernel; a machine that does loses some.
  const std::size_t unsynced = world_.disk.unsynced();
  const bool power_cut = world_.random.below(2) == 0;
  world_.disk.crash(power_cut ? world_.random.below(unsynced + 1) : unsynced);
}

void HubProcess::on_connected() {
  say([] { return "is connected"; });
  (void)life_->bus->publish(status_message("hub", config_.id, protocol::kOnline));
  take(hub::BusConnected{});
}

void HubProcess::on_disconnected() {
  say([] { return "has lost its connection"; });
  life_->streams = protocol::StreamReader(static_cast<std::size_t>(config_.max_tensor_bytes),
                                          static_cast<std::size_t>(config_.max_assembly_bytes));
  life_->relays.stop_all();
  life_->bus->wake();
  take(hub::BusDisconnected{});
}

void HubProcess::take_message(bus::Message message) {
  if (const auto peer = protocol::peer_of_outbox(message.topic)) {
    return take_packet(*peer, message.payload);
  }
  if (protocol::parse_status_topic(message.topic)) return take_status(message);
  if (protocol::worker_of_beat(message.topic)) {
    return life_->pulses.arrived(message.topic, message.payload, now().steady);
  }
  if (const auto model = protocol::model_of_input(message.topic)) {
    return take_input(*model, std::move(message));
  }
  take(hub::FrameDropped{message.topic, "a topic that means nothing"});
}

void HubProcess::take_status(const bus::Message& message) {
  const auto status = protocol::parse_status_topic(message.topic);
  const bool online = message.payload.text() == protocol::kOnline;
  if (status->service == "worker") {
    const Peer peer{Role::worker, status->id};
    if (!online) life_->streams.drop_sender(protocol::to_string(peer));
    if (!online) life_->bus->wake();
    take(hub::PeerStatus{peer, online});
  }
  if (status->service == "manager") take(hub::PeerStatus{{Role::manager, status->id}, online});
  if (status->service == "voter") take(hub::PeerStatus{{Role::voter, status->id}, online});
}

void HubProcess::take_packet(const Peer& peer, const Blob& packet) {
  protocol::unpack(packet, [&](Result<protocol::Message> message) {
    if (!alive()) return;
    if (!message.ok()) {
      return take(hub::FrameDropped{protocol::to_string(peer), message.error().message});
    }
    if (const auto* chunk = std::get_if<protocol::Chunk>(&*message)) {
      return take_chunk(peer, *chunk);
    }
    say([&] { return "← " + protocol::to_string(peer) + ": " + describe(*message); });
    take(hub::FromPeer{peer, std::move(message).value()});
  });
}

void HubProcess::take_chunk(const Peer& peer, const protocol::Chunk& chunk) {
  if (peer.role != Role::worker) {
    return take(hub::FrameDropped{protocol::to_string(peer), "only workers send feature maps"});
  }
  auto arrival = life_->streams.accept(protocol::to_string(peer), chunk, now().steady);
  if (!arrival.ok()) {
    life_->bus->wake();
    return take(hub::TensorLost{chunk.task, chunk.epoch, arrival.error().message});
  }
  if (chunk.offset == 0 && !*arrival) {
    take(hub::StreamBegan{peer, chunk.stream, chunk.task, chunk.epoch, chunk.tensor, chunk.total});
    if (!alive()) return;
  }
  if (!life_->relays.empty()) life_->bus->wake();
  if (!*arrival) return;
  say([&] { return "← " + protocol::to_string(peer) + ": feature map " + chunk.tensor; });
  take(hub::TensorArrived{peer, std::move(**arrival)});
}

void HubProcess::take_input(const ModelName& model, bus::Message message) {
  if (message.retained) {
    return take(hub::FrameDropped{message.topic, "inputs must not be retained"});
  }
  hub::UserInput input;
  input.model = model;
  input.job_id = message.property("job-id");
  input.payload = std::move(message.payload);
  input.response_topic = std::move(message.response_topic);
  input.correlation = std::move(message.correlation);
  take(std::move(input));
}

void HubProcess::on_tick() {
  for (auto& event : std::exchange(life_->told, {})) {
    if (alive()) take(std::move(event));
  }
  if (alive() && life_->ticks++ % kTicksPerSecond == 0) take(hub::DiskFree{world_.disk_free});
  if (!alive()) return;
  for (const auto& lost : life_->streams.expire(now().steady, kStreamSilence)) {
    if (alive()) take(hub::TensorLost{lost.task, lost.epoch, "its stream fell silent"});
  }
  if (!alive()) return;
  for (hub::Event& event : life_->pulses.take()) {
    if (alive()) take(std::move(event));
  }
  if (alive()) take(hub::Tick{});
  if (alive()) end_round();
}

bool HubProcess::dies_now() { return effects_to_live_ && (*effects_to_live_)-- <= 0; }

// ---- rounds, as in the hub's shell --------------------------------------------------------------

void HubProcess::take(hub::Event event) {
  const bool overlaps = hub::Core::overlaps(event);
  if (!overlaps) answer_all();
  if (!alive()) return;
  step(event);
  if (alive() && !overlaps) answer_all();
  if (!alive() || life_->round_is_open) return;
  // What comes meanwhile is of the same round.
  life_->round_is_open = true;
  later(world_.random_ms(0, kLongestRound), [this] { end_round(); });
}

void HubProcess::end_round() {
  const std::shared_ptr<Life> life = life_;
  life->round_is_open = false;
  do {
    answer_all();
    if (!alive()) return;
    perform(life->core.settle(now()));
    if (alive()) say_all(*life);
    if (!alive()) return;
  } while (!life->writes.empty() || !life->answers.empty() || !life->failures.empty());
}

void HubProcess::answer_all() {
  const std::shared_ptr<Life> life = life_;
  while (alive()) {
    auto& next = life->answers.empty() ? life->failures : life->answers;
    if (!life->writes.empty() && life->answers.empty()) {
      if (dies_now()) return crash();
      write_all(*life);
    } else if (next.empty()) {
      return;
    } else {
      const hub::Event event = std::move(next.front());
      next.pop_front();
      step(event);
    }
  }
}

void HubProcess::step(const hub::Event& event) {
  const std::shared_ptr<Life> life = life_;
  if (const auto* ended = std::get_if<hub::RelayEnded>(&event)) life->relays.forget(ended->id);
  ledger_.before(state(), event);
  const std::vector<hub::Effect> effects = life->core.step(event, now());
  ledger_.after(state(), event, !effects.empty());
  perform(effects);
}

void HubProcess::perform(const std::vector<hub::Effect>& effects) {
  const std::shared_ptr<Life> life = life_;
  for (const hub::Effect& effect : effects) {
    if (dies_now()) return crash();
    ledger_.on_effect(state(), effect);
    std::visit(Act{*this, *life}, effect);
  }
}

void HubProcess::write_all(Life& life) {
  if (life.writes.empty()) return;
  std::vector<store::Batch> batches;
  for (const hub::Persist& write : life.writes) batches.push_back(write.batch);
  const Status together = world_.disk.write(batches);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const bool again = !together.ok() && batches.size() > 1;
    const Status status = again ? world_.disk.write(batches[i]) : together;
    say([&] { return "writes " + describe(batches[i]) + (status.ok() ? "" : ": fails"); });
    life.answers.emplace_back(hub::Persisted{life.writes[i].token, status});
  }
  life.writes.clear();
}

void HubProcess::say_all(Life& life) {
  for (auto& [peer, frames] : std::exchange(life.frames, {})) {
    const bool one_by_one = peer.role == Role::client;
    for (Blob& packet : one_by_one ? frames : protocol::pack(frames)) {
      if (dies_now()) return crash();
      (void)life.bus->publish({.topic = protocol::inbox(peer), .payload = std::move(packet)});
    }
  }
  for (const hub::Publish& e : hub::join_lines(std::exchange(life.publications, {}))) {
    if (dies_now()) return crash();
    bus::Message message{e.topic, Blob::copy_of(e.payload), e.retained, {}, e.correlation};
    if (!e.answer_of.empty()) {
      message.settled = [&told = life.told, job = e.answer_of] {
        told.emplace_back(hub::AnswerSent{job});
      };
    }
    const Status status = life.bus->publish(std::move(message));
    if (!status.ok() && !e.answer_of.empty()) {
      life.failures.emplace_back(hub::AnswerNotSent{e.answer_of});
    }
  }
}

}  // namespace hyps::sim
