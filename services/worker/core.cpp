#include "services/worker/core.hpp"

#include <algorithm>
#include <utility>

namespace hyps::worker {

using protocol::TaskKey;

namespace {

constexpr Milliseconds kHelloAgain{500};
constexpr int kMaxSendsUnassigned = 4;

}  // namespace

Core::Core(CoreConfig config)
    : config_(std::move(config)),
      tasks_(config_.limits),
      partitions_({config_.info.memory_bytes, config_.limits.bytes, config_.process_bytes},
                  config_.retry),
      // Numbers of a former life of this worker may still be on their way.
      next_stream_(config_.info.incarnation) {}

Effects Core::step(const Event& event, Now now) {
  now_ = now;
  effects_.clear();
  std::visit([this](const auto& e) { on(e); }, event);
  for (const std::uint64_t stream : tasks_.take_abandoned()) {
    effects_.emplace_back(StopSending{stream});
  }
  ask_for_shared();
  schedule();
  return std::exchange(effects_, {});
}

// ---- connection -------------------------------------------------------------------------------

void Core::on(const Connected&) {
  connected_ = true;
  say_hello();
  resend_all();
}

void Core::on(const Disconnected&) {
  connected_ = false;
  tasks_.drop_streams();
  for (auto& [key, task] : tasks_.all()) stop_sending(task);
}

void Core::on(const HubOnline&) {
  if (!connected_) return;
  tasks_.drop_streams();
  say_hello();
  resend_all();
}

void Core::say_hello() {
  last_hello_ = now_.steady;
  publish(protocol::Hello{config_.info});
  beat();
}

protocol::Heartbeat Core::heartbeat() const {
  protocol::Heartbeat heartbeat;
  heartbeat.incarnation = config_.info.incarnation;
  heartbeat.tasks = tasks_.keys();
  heartbeat.loaded = partitions_.loaded_names();
  heartbeat.resident_bytes = partitions_.resident_bytes();
  heartbeat.problem = partitions_.problem();
  return heartbeat;
}

void Core::beat() {
  last_beat_ = now_.steady;
  publish(heartbeat());
}

void Core::pulse() {
  last_pulse_ = now_.steady;
  effects_.emplace_back(Pulse{heartbeat()});
}

// ---- messages ---------------------------------------------------------------------------------

void Core::on(const Received& event) {
  std::visit([this](const auto& message) { on_message(message); }, event.message);
}

void Core::on(const Malformed& event) {
  ++tasks_.counters().malformed;
  log(Log::Level::warn, "frame.malformed", {{"reason", event.reason}});
}

template <typename Other>
void Core::on_message(const Other&) {
  on(Malformed{"a message that no hub sends to a worker"});
}

void Core::on_message(const protocol::Assign& assign) {
  if (assign.incarnation != config_.info.incarnation) {
    ++tasks_.counters().stale;
    return;
  }
  add(partitions_.assign(assign.partitions));
  drop_unassigned();
  log(Log::Level::info, "assigned", {{"partitions", std::to_string(assign.partitions.size())}});
  beat();
}

// What was assigned and is so no more, the hub gives to somebody else.
void Core::drop_unassigned() {
  std::vector<TaskKey> gone;
  for (const auto& [key, task] : tasks_.all()) {
    if (task.state != TaskState::ready && task.state != TaskState::receiving) continue;
    if (task.assigned_once && partitions_.find(key_of(key)) == nullptr) gone.push_back(key);
  }
  for (const TaskKey& key : gone) tasks_.erase(key);
  for (auto& [key, task] : tasks_.all()) {
    if (partitions_.find(key_of(key)) != nullptr) task.assigned_once = true;
  }
}

void Core::on_message(const protocol::Run& run) {
  const Partition* partition = partitions_.find(key_of(run.task));
  const Task* known = tasks_.find(run.task);
  const Epoch old_epoch = known == nullptr ? run.epoch : known->epoch;
  const Tasks::Outcome outcome = tasks_.on_run(run, now_.steady);
  Task* task = tasks_.find(run.task);
  if (outcome == Tasks::Outcome::too_large) {
    fail(run.task, run.epoch, false, "its inputs are larger than this worker's memory");
    return;
  }
  if (task == nullptr) return;
  if (partition != nullptr) task->assigned_once = true;
  if (partition != nullptr && partition->state == PartitionState::refused) {
    fail(run.task, run.epoch, false, run.task.partition.text + " " + partition->problem);
    return;
  }
  const bool unanswered = task->streams.empty() || run.epoch > old_epoch;
  if (outcome == Tasks::Outcome::known && task->state == TaskState::sending && unanswered) {
    send_results(run.task, *task);
  }
}

void Core::ask_for_shared() {
  if (!connected_) return;  // after Hello all inputs are sent again
  for (const TaskKey& key : tasks_.take_lacking()) {
    publish(protocol::Lacking{key, tasks_.find(key)->epoch});
  }
}

void Core::on_message(const protocol::Chunk& chunk) { tasks_.on_chunk(chunk, now_.steady); }

void Core::on_message(const protocol::Stored& stored) { tasks_.erase(stored.task); }

void Core::on_message(const protocol::SayHello&) {
  if (now_.steady - last_hello_ >= kHelloAgain) say_hello();
}

// ---- bundles ----------------------------------------------------------------------------------

void Core::on(const Fetched& event) { partitions_.on_fetched(event.serial); }

void Core::on(const FetchFailed& event) {
  if (!partitions_.on_fetch_failed(event.serial, event.message, now_.steady)) return;
  const Partition* partition = partitions_.find(event.serial);
  log(Log::Level::warn, "fetch.failed",
      {{"partition", to_string(partition->key())}, {"error", event.message}});
  fail_tasks_of(partition->key(), partition->problem);
  beat();
}

void Core::on(const Loaded& event) {
  answered();
  if (!partitions_.on_loaded(event)) {
    effects_.emplace_back(Unload{event.serial});  // no longer assigned
    return;
  }
  add(partitions_.retain());
  const PartitionKey partition = partitions_.find(event.serial)->key();
  for (auto& [key, task] : tasks_.all()) {
    if (task.state == TaskState::ready && key_of(key) == partition) task.load_us += event.load_us;
  }
  log(Log::Level::info, "loaded",
      {{"partition", to_string(partition)},
       {"bytes", std::to_string(event.resident_bytes)},
       {"ms", std::to_string(event.load_us / 1000)}});
  beat();
}

void Core::on(const LoadFailed& event) {
  answered();
  if (!partitions_.on_load_failed(event.serial, event.message, now_.steady)) return;
  add(partitions_.retain());
  const Partition* partition = partitions_.find(event.serial);
  log(Log::Level::warn, "load.failed",
      {{"partition", to_string(partition->key())}, {"error", event.message}});
  fail_tasks_of(partition->key(), partition->problem);
  beat();
}

// ---- computing --------------------------------------------------------------------------------

std::optional<TaskKey> Core::key_of_task(TaskId id) {
  for (const auto& [key, task] : tasks_.all()) {
    if (task.id == id) return key;
  }
  return std::nullopt;
}

void Core::on(const Computed& event) {
  answered();
  learn(event);
  const auto key = key_of_task(event.task);
  if (!key) return;  // nobody wants it any more
  Task& task = *tasks_.find(*key);
  task.state = TaskState::sending;
  task.inputs.clear();
  task.outputs = event.outputs;
  task.compute_us = event.compute_us;
  log(Log::Level::info, "computed",
      {{"job", key->job.text},
       {"partition", to_string(key_of(*key))},
       {"epoch", std::to_string(task.epoch)},
       {"ms", std::to_string(event.compute_us / 1000)}});
  send_results(*key, task);
}

void Core::on(const ComputeFailed& event) {
  answered();
  const auto key = key_of_task(event.task);
  if (key) fail(*key, tasks_.find(*key)->epoch, event.permanent, event.message);
}

// ---- results ----------------------------------------------------------------------------------

void Core::send_results(const TaskKey& key, Task& task) {
  stop_sending(task);
  task.sent = now_.steady;
  ++task.sends;
  if (!connected_) return;  // Connected sends them
  protocol::TaskDone done{
      key, task.epoch, {}, task.compute_us, task.load_us, protocol::digest_of_inputs(task.wanted)};
  for (const Output& output : task.outputs) done.outputs.push_back(output.ref);
  publish(std::move(done));
  if (task.digests_only) return;
  for (const Output& output : task.outputs) {
    const std::uint64_t stream = ++next_stream_;
    task.streams.insert(stream);
    effects_.emplace_back(SendTensor{stream, key, task.epoch, output.ref.tensor, output.data});
  }
}

void Core::stop_sending(Task& task) {
  for (const std::uint64_t stream : task.streams) effects_.emplace_back(StopSending{stream});
  task.streams.clear();
}

void Core::on(const Sent& event) {
  for (auto& [key, task] : tasks_.all()) {
    if (task.streams.erase(event.stream) > 0) task.sent = now_.steady;
  }
}

void Core::resend_all() {
  for (auto& [key, task] : tasks_.all()) {
    if (task.state == TaskState::sending) send_results(key, task);
  }
}

void Core::resend_due() {
  std::vector<TaskKey> given_up;
  for (auto& [key, task] : tasks_.all()) {
    const bool due = task.state == TaskState::sending && task.streams.empty() &&
                     now_.steady - task.sent >= config_.resend;
    if (!due) continue;
    // Whoever has the partition now computes it; nobody needs to answer us.
    if (task.sends >= kMaxSendsUnassigned && partitions_.find(key_of(key)) == nullptr) {
      given_up.push_back(key);
    } else {
      send_results(key, task);
    }
  }
  for (const TaskKey& key : given_up) tasks_.erase(key);
  tasks_.counters().expired += given_up.size();
}

void Core::fail(const TaskKey& key, Epoch epoch, bool permanent, const std::string& message) {
  log(Log::Level::warn, "task.failed",
      {{"job", key.job.text}, {"partition", to_string(key_of(key))}, {"error", message}});
  publish(protocol::TaskFailed{key, epoch, permanent, message});
  tasks_.erase(key);
}

void Core::fail_tasks_of(const PartitionKey& partition, const std::string& message) {
  std::vector<std::pair<TaskKey, Epoch>> failed;
  for (const auto& [key, task] : tasks_.all()) {
    if (task.state == TaskState::ready && key_of(key) == partition) {
      failed.emplace_back(key, task.epoch);
    }
  }
  for (const auto& [key, epoch] : failed) {
    fail(key, epoch, false, key.partition.text + " " + message);
  }
}

// ---- time -------------------------------------------------------------------------------------

void Core::on(const Tick&) {
  const auto expired = tasks_.expire(
      now_.steady, [this](const TaskKey& key) { return partitions_.find(key_of(key)) != nullptr; });
  for (const TaskKey& key : expired) {
    log(Log::Level::warn, "task.expired",
        {{"job", key.job.text}, {"partition", to_string(key_of(key))}});
  }
  add(partitions_.retry(now_.steady));
  report_drops();
  if (connected_) resend_due();
  if (connected_ && now_.steady - last_beat_ >= config_.heartbeat) beat();
  if (connected_ && now_.steady - last_pulse_ >= config_.pulse) pulse();
}

// What was dropped since the last report, once a heartbeat at most.
void Core::report_drops() {
  const Counters& now = tasks_.counters();
  if (now == reported_ || now_.steady - last_report_ < config_.heartbeat) return;
  last_report_ = now_.steady;
  reported_ = now;
  log(Log::Level::warn, "dropped",
      {{"malformed", std::to_string(now.malformed)},
       {"stale", std::to_string(now.stale)},
       {"mismatched", std::to_string(now.mismatched)},
       {"refused", std::to_string(now.refused)},
       {"expired", std::to_string(now.expired)},
       {"repeated", std::to_string(now.repeated)}});
}

// A message for nobody would only queue up; what it says is said again when the hub is there.
void Core::publish(protocol::Message message) {
  if (connected_) effects_.emplace_back(Publish{std::move(message)});
}

void Core::add(Effects effects) {
  effects_.insert(effects_.end(), std::make_move_iterator(effects.begin()),
                  std::make_move_iterator(effects.end()));
}

void Core::log(Log::Level level, std::string_view event, runtime::Fields fields) {
  effects_.emplace_back(Log{level, std::string(event), std::move(fields)});
}

}  // namespace hyps::worker
