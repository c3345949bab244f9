#include "world.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "services/hub/invariants.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/reputations.hpp"

namespace hyps::hub {

using nlohmann::json;

namespace {

cnn::Value floats(const std::string& name, std::int64_t n) {
  return {name, cnn::DType::f32, {1, n}};
}

partition::Partition part(const std::string& name, partition::Kind kind,
                          std::vector<cnn::Value> inputs, std::vector<cnn::Value> outputs) {
  partition::Partition p;
  p.name = PartitionName(name);
  p.kind = kind;
  p.inputs = std::move(inputs);
  p.outputs = std::move(outputs);
  p.safe_zone = kind == partition::Kind::ingest || kind == partition::Kind::report;
  return p;
}

partition::Partition slice(int index) {
  const std::string n = std::to_string(index);
  auto p =
      part("h02." + n, partition::Kind::horizontal, {floats("t", 8)}, {floats("u#" + n + ".2", 4)});
  p.nodes = {1, 2};
  p.slice_axis = 1;
  p.slice_index = index;
  p.slice_count = 2;
  p.slice = {index * 4, index * 4 + 4};
  return p;
}

const Peer kClient{protocol::Role::client, "c1"};
const Peer kManager{protocol::Role::manager, "m1"};
const Peer kVoter{protocol::Role::voter, "v1"};

// A plain count of equal digests; right as long as all workers have the same arithmetic.
protocol::Verdict count_votes(const protocol::Ballot& ballot) {
  protocol::Verdict verdict{ballot.task, ballot.number, 0, {}, {}, {}};
  using Outcome = protocol::Verdict::Outcome;
  for (const auto& candidate : ballot.votes) {
    std::uint32_t agree = 0;
    for (const auto& vote : ballot.votes) {
      agree += vote.counts && vote.outputs == candidate.outputs ? 1 : 0;
    }
    if (agree < ballot.quorum) continue;
    verdict.outcome = static_cast<std::uint32_t>(Outcome::agreed);
    for (const auto& vote : ballot.votes) {
      (vote.outputs == candidate.outputs ? verdict.members : verdict.liars).push_back(vote.worker);
    }
    return verdict;
  }
  const bool all = ballot.outstanding == 0;
  verdict.outcome = static_cast<std::uint32_t>(all ? Outcome::split : Outcome::open);
  return verdict;
}

}  // namespace

partition::Plan diamond_plan(const std::string& model) {
  using partition::Kind;
  const cnn::Value image{partition::kImageTensor, cnn::DType::u8, {}};
  const cnn::Value answer{partition::kAnswerTensor, cnn::DType::u8, {}};
  partition::Plan plan;
  plan.model = model;
  plan.partitions = {
      part("ingest", Kind::ingest, {image}, {floats("x", 4)}),
      part("v01", Kind::vertical, {floats("x", 4)}, {floats("t", 8)}),
      slice(0),
      slice(1),
      part("v03", Kind::vertical, {floats("u#0.2", 4), floats("u#1.2", 4)}, {floats("y", 3)}),
      part("report", Kind::report, {floats("y", 3)}, {answer})};
  plan.partitions[1].safe_zone = plan.partitions[4].safe_zone = true;
  return plan;
}

World::World(Config configuration) : config(std::move(configuration)) { start_hub(); }
World::World() { start_hub(); }
World::~World() {
  for (const auto& violation : violations) ADD_FAILURE() << violation;
}

struct Perform {
  World& w;

  void operator()(const Send& e) const {
    if (e.to.role == protocol::Role::client) return w.to_client.push_back(e.message);
    if (e.to.role == protocol::Role::manager) return w.to_manager.push_back(e.message);
    if (e.to.role == protocol::Role::voter) return vote(e.to, e.message);
    if (const auto* run = std::get_if<protocol::Run>(&e.message)) w.check_run(*run);
    w.network.push_back({false, Tick{}, e.to.id, e.message, {}});
  }
  void operator()(const StartRelay& e) const {
    w.relays_begun.push_back(e);
    w.relays[e.id] = e;
  }
  void operator()(const StopRelay& e) const { w.relays.erase(e.id); }
  void operator()(const SendCheckpoint& e) const {
    w.checkpoints.push_back(e);
    w.network.push_back({false, Tick{}, e.to.text, {}, e});
  }
  void operator()(const SendValue& e) const { w.values.push_back(e.value); }
  void operator()(const SendStoredValue& e) const {
    auto data = w.disk.now().get(feature_map_key(e.task.job, e.tensor.tensor));
    ASSERT_TRUE(data.ok());
    w.values.push_back({e.task, e.epoch, e.tensor.tensor, *data});
  }
  void vote(const Peer& voter, const protocol::Message& message) const {
    w.asked_voters.push_back(voter.id);
    w.ballots.push_back(std::get<protocol::Ballot>(message));
    if (!w.voter_alive) return;
    const Event verdict = FromPeer{kVoter, count_votes(std::get<protocol::Ballot>(message))};
    w.network.push_back({true, verdict, "the voter", {}, {}});
  }
  void operator()(const SendPart& e) const {
    auto data = w.disk.now().get(file_part_key(e.file, e.offset));
    if (data.ok()) return (*this)(Send{e.to, protocol::Part{e.file, e.offset, *data}});
    w.inside_.emplace_back(PartNotSent{e.to, e.file, e.offset, data.error()});
  }
  void operator()(const Publish& e) const {
    w.published.push_back(e);
    if (e.answer_of.empty() || !w.broker_acknowledges) return;
    w.network.push_back({true, AnswerSent{e.answer_of}, "the broker", {}, {}});
  }
  void operator()(const Persist& e) const {
    w.inside_.emplace_back(Persisted{e.token, w.disk.write(e.batch)});
  }
  void operator()(const ReadRecord& e) const {
    w.inside_.emplace_back(RecordRead{e.token, w.disk.now().get(e.key)});
  }
  void operator()(const WriteBackup& e) const { w.backups.push_back(e.name); }
  void operator()(const Log& e) const { w.logs.push_back(e); }
};

void World::perform(const Effect& effect) { std::visit(Perform{*this}, effect); }

// What is stored, and is still what was stored.
bool World::is_stored(const JobId& job, const std::string& tensor) {
  const auto record = disk.now().get(feature_map_ref_key(job, tensor));
  const auto data = disk.now().get(feature_map_key(job, tensor));
  if (!record.ok() || !data.ok()) return false;
  const auto ref = decode_ref(tensor, *record);
  return ref.ok() && ref->digest == digest_of(data->bytes());
}

// Promise: what is stored is never computed again, unless it was forwarded before the vote.
void World::check_run(const protocol::Run& run) {
  const auto* partition = plan.find(run.task.partition);
  if (partition == nullptr) return;
  if (disk.now().get(unconfirmed_key(run.task.job, run.task.partition)).ok()) return;
  const bool stored =
      std::all_of(partition->outputs.begin(), partition->outputs.end(),
                  [&](const auto& output) { return is_stored(run.task.job, output.name); });
  if (stored) violations.push_back("stored, but given again: " + run.task.partition.text);
}

// As the shell does it: what has arrived goes on before the core hears of it.
void World::relay(const TensorArrived& arrived) {
  std::erase_if(relays, [&](const auto& entry) {
    const StartRelay& relay = entry.second;
    if (relay.from != arrived.peer || relay.stream != arrived.arrival.stream) return false;
    network.push_back(
        {false, Tick{}, relay.to.text, {}, {}, std::pair(relay, arrived.arrival.data)});
    inside_.push_back(RelayEnded{relay.id, true});
    return true;
  });
}

void World::step(const Event& event) {
  if (!core_) return;
  if (const auto* arrived = std::get_if<TensorArrived>(&event)) relay(*arrived);
  if (std::holds_alternative<BusDisconnected>(event)) relays.clear();
  inside_.push_back(event);
  run_core();
}

void World::step_unsettled(const Event& event) {
  if (std::holds_alternative<BusDisconnected>(event)) relays.clear();
  for (const Effect& effect : core_->step(event, now)) perform(effect);
}

void World::step_together(const std::vector<Event>& events) {
  std::vector<store::Batch> batches;
  std::vector<std::uint64_t> tokens;
  for (const Event& event : events) {
    ASSERT_TRUE(Core::overlaps(event));
    if (const auto* arrived = std::get_if<TensorArrived>(&event)) relay(*arrived);
    for (const Effect& effect : core_->step(event, now)) {
      if (const auto* write = std::get_if<Persist>(&effect)) {
        batches.push_back(write->batch);
        tokens.push_back(write->token);
      } else {
        perform(effect);
      }
    }
  }
  const Status written = disk.write(batches);
  for (const auto token : tokens) inside_.emplace_back(Persisted{token, written});
  run_core();
}

void World::run_core() {
  while (!inside_.empty()) {
    const Event next = std::move(inside_.front());
    inside_.pop_front();
    for (const Effect& effect : core_->step(next, now)) perform(effect);
    if (inside_.empty()) {
      for (const Effect& effect : core_->settle(now)) perform(effect);
    }
    const std::string broken = broken_invariant(core_->state());
    if (!broken.empty()) violations.push_back(broken);
  }
}

void World::advance(int ms) {
  now.steady += Milliseconds(ms);
  now.unix_ms += ms;
  step(Tick{});
}

void World::crash_hub(std::size_t unsynced_kept) {
  core_.reset();
  inside_.clear();
  relays.clear();
  disk.crash(unsynced_kept);
  std::erase_if(network, [](const Packet& packet) { return packet.to_hub; });
}

void World::start_hub() {
  auto restored = read_records(disk.now());
  ASSERT_TRUE(restored.ok());
  core_ = std::make_unique<Core>(config, std::move(restored).value(), seed_++, now);
  step(BusConnected{});
  // Workers and managers see the hub's status and say who they are.
  for (const auto& id : alive) send_to_hub(id, workers.at(id).hello());
  from_manager(protocol::ManagerHello{"m1"});
  if (voter_alive) start_voter();
}

void World::start_voter() {
  voter_alive = true;
  step(FromPeer{kVoter, protocol::VoterHello{"v1"}});
}

void World::add_worker(const std::string& id, bool safe) {
  zones[id] = safe;
  start_worker(id);
}

void World::start_worker(const std::string& id) {
  workers.erase(id);
  workers.emplace(id, FakeWorker(&plan, id, zones.at(id), 1000 + seed_++));
  alive.insert(id);
  send_to_hub(id, workers.at(id).hello());
}

void World::kill_worker(const std::string& id) {
  alive.erase(id);
  for (const auto& [key, times] : workers.at(id).computed) {
    computed_before[{key.job.text, key.partition.text}] += times;
  }
  workers.at(id).computed.clear();
  std::erase_if(network, [&](const Packet& packet) { return packet.worker == id; });
  step(PeerStatus{{protocol::Role::worker, id}, false});
}

void World::send_to_hub(const std::string& worker, std::vector<Event> events) {
  for (auto& event : events) network.push_back({true, std::move(event), worker, {}, {}});
}

void World::deploy() {
  const std::string onnx = "the model";
  const protocol::FileRef file{"model.onnx", onnx.size(), digest_of(std::string_view(onnx))};
  request(protocol::PartPut{file.digest, file.bytes, 0, Blob::copy_of(onnx)});
  request(protocol::Deploy{1, ModelName("net"), {file}, ""});
  from_manager(protocol::SetPlan{ModelName("net"), {file}, partition::to_json(plan), {}});
  run_dry();
  route_all();
  run_dry();
}

void World::route_all() {
  std::vector<std::string> safe;
  std::vector<std::string> all(alive.begin(), alive.end());
  std::erase_if(all, [&](const auto& id) { return is_quarantined(state(), WorkerId(id)); });
  for (const auto& id : all) {
    if (zones.at(id)) safe.push_back(id);
  }
  const PlanState& current = state().plans.begin()->second;
  protocol::SetRoutes set{current.id, {}, ""};
  std::size_t turn = 0;
  for (const auto& partition : plan.partitions) {
    std::vector<protocol::Route> routes;
    if (const auto old = current.routes.find(partition.name); old != current.routes.end()) {
      for (const auto& route : old->second) {
        const bool trusted =
            !is_quarantined(state(), route.worker) || partition.replication.votes();
        if (alive.contains(route.worker.text) && trusted) routes.push_back(route);
      }
    }
    const auto& from = partition.safe_zone ? safe : all;
    const auto wanted = static_cast<std::size_t>(partition.replication.replicas);
    for (std::size_t i = 0; i < from.size() && routes.size() < wanted; ++i) {
      const WorkerId worker(from[turn++ % from.size()]);
      const bool taken = std::any_of(routes.begin(), routes.end(),
                                     [&](const auto& route) { return route.worker == worker; });
      if (!taken) routes.push_back({partition.name, worker, epoch_ + routes.size()});
    }
    if (routes.size() < wanted) set.problem = "no worker";
    set.routes.insert(set.routes.end(), routes.begin(), routes.end());
  }
  epoch_ += partition::kMaxReplicas;
  from_manager(set);
}

void World::infer(const std::string& job_id, const std::string& image,
                  const std::string& response_topic) {
  step(UserInput{ModelName("net"), Blob::copy_of(image), job_id, response_topic, "corr"});
}

void World::request(const protocol::Message& message) { step(FromPeer{kClient, message}); }
void World::from_worker(const std::string& id, const protocol::Message& message) {
  const Peer peer{protocol::Role::worker, id};
  step(FromPeer{peer, message});
}
void World::from_manager(const protocol::Message& message) { step(FromPeer{kManager, message}); }

json World::query(const std::string& what, const std::string& name) {
  to_client.clear();
  request(protocol::Query{7, what, name});
  if (to_client.empty()) return nullptr;
  if (const auto* reply = std::get_if<protocol::Reply>(&to_client.back())) {
    EXPECT_EQ(reply->request, 7U);
    return json::parse(reply->json);
  }
  return std::get<protocol::Refused>(to_client.back()).message;
}

bool World::deliver_next() {
  if (network.empty()) return false;
  Packet packet = std::move(network.front());
  network.pop_front();
  deliver(std::move(packet));
  return true;
}

void World::deliver(Packet packet) {
  if (packet.to_hub) return step(packet.event);
  if (!alive.contains(packet.worker)) return;
  FakeWorker& worker = workers.at(packet.worker);
  if (packet.message) {
    return send_to_hub(packet.worker, worker.on_message(*packet.message, now.steady));
  }
  if (packet.relayed) {
    const auto& [relay, data] = *packet.relayed;
    return send_to_hub(packet.worker,
                       worker.on_input(relay.task, relay.epoch, relay.tensor, data, now.steady));
  }
  const SendCheckpoint& send = *packet.checkpoint;
  auto data = disk.now().get(feature_map_key(send.task.job, send.tensor.tensor));
  if (data.ok() && digest_of(data->bytes()) != send.tensor.digest) {
    data = Error{ErrorKind::corrupt, "rotten"};
  }
  if (!data.ok()) {
    return step(InputNotSent{send.to, send.task, send.epoch, send.tensor.tensor, data.error()});
  }
  send_to_hub(packet.worker,
              worker.on_input(send.task, send.epoch, send.tensor.tensor, *data, now.steady));
}

void World::run_dry() {
  for (int i = 0; i < 100'000 && deliver_next(); ++i) {
  }
}

void World::beat() {
  for (const auto& id : alive) send_to_hub(id, workers.at(id).heartbeat(now.steady));
}

void World::settle(int max_ms) {
  for (int ms = 0; ms < max_ms; ms += 100) {
    run_dry();
    if (core_ && state().jobs.empty() && state().unannounced.empty()) return;
    advance(100);
    if (ms % 1000 == 0) beat();
  }
}

std::vector<json> World::answers(const std::string& job) const {
  std::vector<json> found;
  for (const auto& message : published) {
    if (message.topic != protocol::output_topic(ModelName("net"))) continue;
    json answer = json::parse(message.payload);
    if (answer["job"] == job) found.push_back(std::move(answer));
  }
  return found;
}

std::vector<json> World::events(const std::string& job, const std::string& event) const {
  std::vector<json> found;
  for (const auto& message : published) {
    if (message.topic != protocol::events_topic(ModelName("net"))) continue;
    json told = json::parse(message.payload);
    if (told["job"] == job && told["event"] == event) found.push_back(std::move(told));
  }
  return found;
}

std::string World::expected_top(const std::string& image) const {
  std::map<std::string, Blob> tensors{{partition::kImageTensor, Blob::copy_of(image)}};
  for (const auto& partition : plan.partitions) {
    for (auto& [name, data] : compute(partition, tensors)) tensors[name] = data;
  }
  return json::parse(tensors.at(partition::kAnswerTensor).text())["top"];
}

std::size_t World::times_sent(const std::string& tensor) const {
  return static_cast<std::size_t>(
      std::count_if(checkpoints.begin(), checkpoints.end(),
                    [&](const SendCheckpoint& sent) { return sent.tensor.tensor == tensor; }));
}

std::size_t World::times_relayed(const std::string& tensor) const {
  return static_cast<std::size_t>(
      std::count_if(relays_begun.begin(), relays_begun.end(),
                    [&](const StartRelay& relay) { return relay.tensor == tensor; }));
}

int World::computed(const std::string& job, const std::string& partition) const {
  const auto before = computed_before.find({job, partition});
  int times = before == computed_before.end() ? 0 : before->second;
  for (const auto& [id, worker] : workers) {
    for (const auto& [key, count] : worker.computed) {
      if (key.job.text == job && key.partition.text == partition) times += count;
    }
  }
  return times;
}

}  // namespace hyps::hub
