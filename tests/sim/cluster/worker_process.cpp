#include "worker_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/protocol/codec.hpp"
#include "common/protocol/parcel.hpp"
#include "common/protocol/topics.hpp"
#include "describe.hpp"
#include "model.hpp"

namespace hyps::sim {

using protocol::Peer;
using protocol::Role;

namespace {

constexpr Milliseconds kTick{100};
constexpr const char* kHubStatus = "hyps/hub/+/status";

const partition::Partition* find_partition(const protocol::AssignedPartition& assigned) {
  const partition::Plan* plan = find_plan(assigned.plan);
  return plan == nullptr ? nullptr : plan->find(assigned.partition);
}

bool is_secret(const std::string& tensor) {
  return tensor == partition::kImageTensor || tensor == partition::kAnswerTensor;
}

}  // namespace

WorkerProcess::WorkerProcess(World& world, Network& network, WorkerSetup setup)
    : Process(world, network, setup.id, kTick),
      setup_(std::move(setup)),
      small_tensor_bytes_(world.random.below(2) == 0 ? 0 : protocol::kSmallTensorBytes),
      liar_(setup_.lies) {}

// ---- life
// -----------------------------------------------------------------------------------------

void WorkerProcess::on_start() {
  worker::CoreConfig config;
  config.info.id = WorkerId(setup_.id);
  config.info.incarnation = world_.random.next();
  config.info.memory_bytes = setup_.memory_bytes;
  config.info.max_batch = static_cast<std::uint32_t>(world_.random.between(1, 4));
  config.batch_wait = Milliseconds(world_.random.below(2) == 0 ? 0 : 5);
  config.info.safe_zone = setup_.safe;
  config.info.isa = fmt::format("isa{}", setup_.arithmetic);
  config.limits.bytes = setup_.buffer_bytes;
  life_ = std::make_shared<Life>(std::move(config), cache_);
  connect();
}

void WorkerProcess::on_crash() {
  life_->bus->stop();
  bury(std::exchange(life_, nullptr));
}

void WorkerProcess::connect() {
  ClientBus::Handlers handlers;
  handlers.message = [this](const bus::Message& message) { take_message(message); };
  handlers.connected = [this] {
    say([] { return "is connected"; });
    (void)life_->bus->publish(status_message("worker", setup_.id, protocol::kOnline));
    step(worker::Connected{});
  };
  handlers.disconnected = [this] {
    say([] { return "has lost its connection"; });
    step(worker::Disconnected{});
  };
  life_->bus =
      make_bus({protocol::inbox({Role::worker, setup_.id}), kHubStatus},
               status_message("worker", setup_.id, protocol::kOffline), std::move(handlers));
  life_->bus->start();
}

void WorkerProcess::on_tick() {
  for (const auto& message : life_->download.on_tick(now().steady)) publish(message);
  check_fetches();
  step(worker::Tick{});
}

// ---- in
// -------------------------------------------------------------------------------------------

void WorkerProcess::take_message(const bus::Message& message) {
  if (message.topic == protocol::inbox({Role::worker, setup_.id})) {
    return take_packet(message.payload);
  }
  const bool came_up = !message.retained && message.payload.text() == protocol::kOnline;
  if (came_up && protocol::parse_status_topic(message.topic)) step(worker::HubOnline{});
}

void WorkerProcess::take_packet(const Blob& packet) {
  protocol::unpack(packet, [this](Result<protocol::Message> message) { take(std::move(message)); });
}

void WorkerProcess::take(Result<protocol::Message> message) {
  if (!message.ok()) return step(worker::Malformed{message.error().message});
  check_secrets(*message);
  if (const auto* part = std::get_if<protocol::Part>(&*message)) {
    life_->download.on_part(*part);
    check_fetches();
  } else if (const auto* refused = std::get_if<protocol::Refused>(&*message)) {
    take_refused(*refused);
  } else {
    step(worker::Received{std::move(*message)});
  }
}

void WorkerProcess::check_secrets(const protocol::Message& message) {
  const auto* chunk = std::get_if<protocol::Chunk>(&message);
  if (setup_.safe || chunk == nullptr || !is_secret(chunk->tensor)) return;
  world_.violate(setup_.id + ", outside the safe zone, is sent " + chunk->tensor);
}

void WorkerProcess::take_refused(const protocol::Refused& refused) {
  if (!life_->download.on_refused(refused)) return;
  std::vector<worker::Serial> failed;
  for (const auto& [serial, files] : life_->fetches) {
    const bool needs = std::any_of(files.begin(), files.end(),
                                   [&](const auto& file) { return file.digest == refused.file; });
    if (needs) failed.push_back(serial);
  }
  for (const auto serial : failed) {
    life_->fetches.erase(serial);
    step(worker::FetchFailed{serial, refused.message});
  }
}

void WorkerProcess::check_fetches() {
  std::vector<std::pair<worker::Serial, bool>> ended;
  for (const auto& [serial, files] : life_->fetches) {
    const bool all = std::all_of(files.begin(), files.end(),
                                 [&](const auto& file) { return life_->download.has(file); });
    if (all || life_->download.idle()) ended.emplace_back(serial, all);
  }
  for (const auto& [serial, all] : ended) {
    life_->fetches.erase(serial);
    if (all) {
      step(worker::Fetched{serial});
    } else {
      step(worker::FetchFailed{serial, "a file arrived damaged again and again"});
    }
  }
}

// ---- out
// ------------------------------------------------------------------------------------------

struct Perform {
  WorkerProcess& process;
  void operator()(const worker::Publish& e) const { process.publish(e.message); }
  void operator()(const worker::Pulse& e) const { process.pulse(e.heartbeat); }
  void operator()(const worker::SendTensor& e) const { process.send_tensor(e); }
  void operator()(const worker::StopSending& e) const { process.life_->sending.erase(e.stream); }
  void operator()(const worker::Fetch& e) const {
    for (const auto& file : e.files) process.life_->download.want(file);
    process.life_->fetches[e.serial] = e.files;
  }
  void operator()(const worker::Keep&) const {}
  void operator()(const worker::Load& e) const { process.add_work(e); }
  void operator()(const worker::Unload& e) const { process.add_work(e); }
  void operator()(const worker::Retain&) const {}  // here nothing streams
  void operator()(const worker::Compute& e) const { process.add_work(e); }
  void operator()(const worker::Wait& e) const { process.add_work(e); }
  void operator()(const worker::Log& e) const {
    process.say([&] { return describe(e.event, e.fields); });
  }
};

void WorkerProcess::step(const worker::Event& event) {
  for (const worker::Effect& effect : life_->core.step(event, now())) {
    std::visit(Perform{*this}, effect);
  }
  const std::string broken = life_->core.broken_invariant();
  if (!broken.empty()) world_.violate("an invariant of worker " + setup_.id + ": " + broken);
}

void WorkerProcess::publish(const protocol::Message& message) {
  life_->frames.push_back(protocol::encode(message));
  if (life_->frames.size() > 1) return;
  // What else it says meanwhile is of the same round.
  later(world_.random_ms(0, 1), [this] {
    for (Blob& packet : protocol::pack(std::exchange(life_->frames, {}))) {
      (void)life_->bus->publish(
          {.topic = protocol::outbox({Role::worker, setup_.id}), .payload = std::move(packet)});
    }
  });
}

void WorkerProcess::pulse(const protocol::Heartbeat& heartbeat) {
  network_.pulse(
      name(),
      {protocol::beat_topic(WorkerId(setup_.id)), protocol::encode(heartbeat), false, {}, {}, {}});
}

void WorkerProcess::send_tensor(const worker::SendTensor& effect) {
  const Blob data = setup_.may_flip ? flipped(world_, effect.data) : effect.data;
  auto writer = std::make_shared<protocol::StreamWriter>(effect.stream, effect.task, effect.epoch,
                                                         effect.tensor, data);
  life_->sending.insert(effect.stream);
  const auto end = [this, stream = effect.stream] {
    later(Milliseconds(0), [this, stream] {
      life_->sending.erase(stream);
      step(worker::Sent{stream});
    });
  };
  if (data.size() <= small_tensor_bytes_) {
    publish(*writer->next(data.size()));
    return end();
  }
  const auto source = [this, writer, end, stream = effect.stream](std::size_t bytes) {
    std::optional<Blob> frame;
    if (life_->sending.contains(stream)) {
      if (auto chunk = writer->next(bytes)) frame = encode_somehow(world_, std::move(*chunk));
    }
    if (!frame) end();
    return frame;
  };
  if (!life_->bus->send(protocol::outbox({Role::worker, setup_.id}), source).ok()) end();
}

// ---- the compute thread
// -----------------------------------------------------------------------------

void WorkerProcess::add_work(Work work) {
  life_->work.push_back(std::move(work));
  if (life_->work.size() == 1) begin_work();
}

void WorkerProcess::begin_work() {
  const bool quick = std::holds_alternative<worker::Unload>(life_->work.front());
  const Milliseconds time = quick ? Milliseconds(0) : world_.random_ms(2, 60) * slowness_;
  later(time, [this] {
    const Work done = life_->work.front();
    std::visit([this](const auto& work) { do_work(work); }, done);
    life_->work.pop_front();
    if (!life_->work.empty()) begin_work();
  });
}

bool WorkerProcess::has_bundle(const worker::Load& load) const {
  const auto& files = load.partition.files;
  return std::all_of(files.begin(), files.end(),
                     [&](const auto& file) { return cache_.contains(file.digest); });
}

void WorkerProcess::do_work(const worker::Load& load) {
  const auto* part = find_partition(load.partition);
  if (!has_bundle(load) || part == nullptr || world_.happens(world_.rates.failing_work)) {
    return step(worker::LoadFailed{load.serial, "its bundle cannot be opened"});
  }
  if (part->safe_zone && !setup_.safe) {
    world_.violate(setup_.id + ", outside the safe zone, loads " + part->name.text);
  }
  life_->loaded[load.serial] = {part, load.partition.memory_bytes};
  std::uint64_t used = 0;
  for (const auto& [serial, other] : life_->loaded) used += other.memory_bytes;
  if (used > setup_.memory_bytes) world_.violate(setup_.id + " loads more than its memory");
  worker::Needs needs;
  needs.further_image = world_.random.below(1000);
  step(worker::Loaded{load.serial, load.partition.memory_bytes, 1000, needs,
                      world_.random.below(2) == 0});
}

void WorkerProcess::do_work(const worker::Unload& unload) { life_->loaded.erase(unload.serial); }

void WorkerProcess::do_work(const worker::Compute& batch) {
  for (const auto& item : batch.items) compute(batch, item);
}

void WorkerProcess::compute(const worker::Compute& batch, const worker::Compute::Item& item) {
  const auto at = life_->loaded.find(batch.serial);
  if (at == life_->loaded.end()) {
    return world_.violate(setup_.id + " computes with a partition that is not loaded");
  }
  if (world_.happens(world_.rates.failing_work)) {
    return step(worker::ComputeFailed{item.task, false, "the engine failed"});
  }
  std::map<std::string, Blob> inputs;
  for (const auto& input : item.inputs) inputs[input.name] = input.data;
  const auto together = static_cast<std::uint32_t>(batch.items.size());
  worker::Computed done{item.task, {}, 500 + 1000 / together, together};
  const partition::Partition& part = *at->second.partition;
  for (auto& [name, data] : sim::compute(part, inputs, setup_.arithmetic)) {
    done.outputs.push_back({{name, data.size(), digest_of(data.bytes())}, data});
  }
  if (setup_.lies > 0) liar_.distort(world_, part, done.outputs);
  step(done);
}

}  // namespace hyps::sim
