#include "services/hub/relays.hpp"

#include <algorithm>

#include "services/hub/ballots.hpp"
#include "services/hub/dispatch.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/reputations.hpp"
#include "services/hub/suspects.hpp"

namespace hyps::hub {

namespace {

// What has arrived whole should be stored, and its Run sent, by then: later the worker may have
// dropped it (services/worker: 5 s).
constexpr Milliseconds kKept{2000};

bool has(const std::vector<cnn::Value>& values, const std::string& tensor) {
  return std::any_of(values.begin(), values.end(),
                     [&](const auto& value) { return value.name == tensor; });
}

template <typename Predicate>
void break_off(State& s, Predicate is_vain) {
  std::erase_if(s.relays, [&](const auto& entry) {
    if (!is_vain(entry.second)) return false;
    s.effects.emplace_back(StopRelay{entry.first});
    s.schedule_due = true;  // a credit is free
    return true;
  });
}

const Relay* relay_for(const State& s, const protocol::TaskKey& key, const std::string& tensor) {
  for (const auto& [id, relay] : s.relays) {
    if (relay.task == key && (tensor.empty() || relay.tensor == tensor)) return &relay;
  }
  return nullptr;
}

// Its other inputs are there, or on their way to the same worker: it will not wait for long.
bool lacks_nothing_else(const State& s, const Job& job, const partition::Partition& partition,
                        const std::string& tensor) {
  const protocol::TaskKey key = key_of(job, partition);
  return std::all_of(partition.inputs.begin(), partition.inputs.end(), [&](const auto& input) {
    return input.name == tensor || job.stored.contains(input.name) ||
           relay_for(s, key, input.name) != nullptr;
  });
}

bool is_good_at_taker(State& s, const Relay& relay) {
  const Worker* worker = s.find_worker(relay.to);
  if (worker == nullptr || !worker->online || !worker->assigned ||
      worker->info.incarnation != relay.incarnation || is_quarantined(s, relay.to)) {
    return false;
  }
  const auto at = find_task(s, relay.task);
  if (!at || at->job->tasks[at->index].state != Task::State::idle) return false;
  const auto* route = route_to(*s.find_plan(relay.task.plan), relay.task.partition, relay.to);
  return route != nullptr && route->epoch == relay.epoch;
}

// For another task, which this one can share it with (sharing.hpp).
bool is_relayed_to(const State& s, const StreamBegan& event, const WorkerId& worker) {
  const bool is_large = event.bytes > static_cast<std::uint64_t>(s.config.share_inputs_above);
  return is_large && std::any_of(s.relays.begin(), s.relays.end(), [&](const auto& entry) {
           const Relay& relay = entry.second;
           return relay.to == worker && relay.from == event.task && relay.tensor == event.tensor;
         });
}

// Who would be given the task if its inputs were stored; nullptr: nobody, or that is not so clear.
const Worker* next_worker(State& s, const Job& job, const PlanState& plan, std::size_t index,
                          Epoch& epoch) {
  const auto& partition = plan.plan.partitions[index];
  const protocol::TaskKey key = key_of(job, partition);
  if (const Relay* other = relay_for(s, key, {})) {
    epoch = other->epoch;
    return is_good_at_taker(s, *other) ? s.find_worker(other->to) : nullptr;
  }
  const Worker* worker = free_worker(s, plan, job, index, epoch);
  const bool is_clear =
      worker != nullptr && may_be_given(s, *worker, key) &&
      owed_votes_on_inputs(s, key.job, plan, partition, worker->info.id) == OwedVotes::none;
  return is_clear ? worker : nullptr;
}

bool has_memory_for(const State& s, std::uint64_t bytes) {
  std::uint64_t held = 0;
  for (const auto& [id, size] : s.relayed_bytes) held += size;
  const auto most = static_cast<std::uint64_t>(s.config.max_relay_bytes);
  return bytes <= most && held <= most - bytes;
}

void relay_to(State& s, const StreamBegan& event, Job& job, const PlanState& plan,
              std::size_t consumer) {
  const auto& partition = plan.plan.partitions[consumer];
  const Task& task = job.tasks[consumer];
  const bool will_be_given = task.state == Task::State::idle && task.not_before <= s.now.steady &&
                             !partition.replication.votes() && !has_unconfirmed(s, job.summary.id);
  if (!will_be_given || !lacks_nothing_else(s, job, partition, event.tensor)) return;
  Epoch epoch = 0;
  const Worker* worker = next_worker(s, job, plan, consumer, epoch);
  if (worker == nullptr || is_relayed_to(s, event, worker->info.id)) return;
  if (!has_memory_for(s, event.bytes)) return;
  const std::uint64_t id = s.next_relay++;
  const protocol::TaskKey key = key_of(job, partition);
  const WorkerId sender(event.peer.id);
  s.relays[id] = {sender,
                  event.stream,
                  event.task,
                  event.epoch,
                  event.tensor,
                  event.bytes,
                  worker->info.id,
                  worker->info.incarnation,
                  key,
                  epoch,
                  {},
                  {}};
  s.relayed_bytes[id] = event.bytes;
  s.effects.emplace_back(
      StartRelay{id, event.peer, event.stream, worker->info.id, key, epoch, event.tensor});
}

// It is still being sent, stored, or just was, and is what is relayed.
bool is_good_at_sender(State& s, const Relay& relay) {
  const auto at = find_task(s, relay.from);
  if (!at || at->job->summary.state != JobState::running) return false;
  const Task& task = at->job->tasks[at->index];
  if (task.state == Task::State::stored) {
    const auto stored = at->job->stored.find(relay.tensor);
    return relay.arrived && stored != at->job->stored.end() &&
           stored->second.digest == relay.digest;
  }
  const bool going_on = task.state == Task::State::dispatched || task.state == Task::State::storing;
  const Dispatch* given = task.with(relay.sender);
  return going_on && given != nullptr && given->epoch == relay.from_epoch &&
         !is_quarantined(s, relay.sender);
}

}  // namespace

void on_stream_began(State& s, const StreamBegan& event) {
  const WorkerId sender(event.peer.id);
  const auto is_same = [&](const Relay& relay) {
    return relay.from == event.task && relay.from_epoch == event.epoch &&
           relay.tensor == event.tensor && relay.bytes == event.bytes;
  };
  const auto is_of_stream = [&](const Relay& relay) {
    return relay.sender == sender && relay.stream == event.stream;
  };
  const bool known = std::any_of(s.relays.begin(), s.relays.end(), [&](const auto& entry) {
    return is_of_stream(entry.second) && is_same(entry.second);
  });
  if (known) return;
  // It begins again, or the number stands for something else now.
  break_off(s, [&](const Relay& relay) {
    const bool again =
        relay.sender == sender && relay.from == event.task && relay.tensor == event.tensor;
    return again || is_of_stream(relay);
  });
  const auto at = find_task(s, event.task);
  if (!s.connected || !at || is_quarantined(s, sender)) return;
  Job& job = *at->job;
  const PlanState& plan = *s.find_plan(event.task.plan);
  const auto& partition = plan.plan.partitions[at->index];
  const Task& task = job.tasks[at->index];
  const Dispatch* given = task.with(sender);
  const bool is_result = job.summary.state == JobState::running &&
                         task.state == Task::State::dispatched && given != nullptr &&
                         given->epoch == event.epoch && has(partition.outputs, event.tensor);
  if (!is_result || partition.replication.votes()) return;
  for (std::size_t i = 0; i < job.tasks.size(); ++i) {
    const auto& consumer = plan.plan.partitions[i];
    if (!has(consumer.inputs, event.tensor)) continue;
    if (relay_for(s, key_of(job, consumer), event.tensor) != nullptr) continue;
    relay_to(s, event, job, plan, i);
  }
}

void on_relayed_arrival(State& s, const WorkerId& sender, const protocol::Arrival& arrival) {
  break_off(s, [&](const Relay& relay) {
    const bool is_it = relay.from == arrival.task && relay.from_epoch == arrival.epoch &&
                       relay.tensor == arrival.tensor && relay.bytes == arrival.data.size();
    return relay.sender == sender && relay.stream == arrival.stream && !is_it;
  });
  for (auto& [id, relay] : s.relays) {
    if (relay.sender != sender || relay.stream != arrival.stream) continue;
    relay.arrived = s.now.steady;
    relay.digest = arrival.digest;
  }
}

void on_relay_ended(State& s, const RelayEnded& event) {
  s.relayed_bytes.erase(event.id);
  if (event.whole || s.relays.erase(event.id) == 0) return;
  s.schedule_due = true;
}

void forget_relays(State& s) {
  if (!s.relays.empty()) s.schedule_due = true;
  s.relays.clear();
  s.relayed_bytes.clear();
}

void end_relays_of(State& s, const protocol::TaskKey& task) {
  break_off(s, [&](const Relay& relay) { return relay.from == task && !relay.arrived; });
}

void end_relays_to(State& s, const WorkerId& worker) {
  break_off(s, [&](const Relay& relay) { return relay.to == worker; });
}

void drop_vain_relays(State& s) {
  break_off(s, [&](const Relay& relay) {
    const bool is_late = relay.arrived && s.now.steady - *relay.arrived > kKept;
    return is_late || !is_good_at_sender(s, relay) || !is_good_at_taker(s, relay);
  });
}

std::set<protocol::TaskKey> expected_tasks(const State& s, const WorkerId& worker,
                                           const protocol::TaskKey& but_for) {
  std::set<protocol::TaskKey> tasks;
  for (const auto& [id, relay] : s.relays) {
    if (relay.to == worker && relay.task != but_for) tasks.insert(relay.task);
  }
  return tasks;
}

std::set<std::string> use_relays(State& s, const Job& job, const protocol::TaskKey& key,
                                 const WorkerId& worker, Epoch epoch) {
  std::set<std::string> sent;
  std::erase_if(s.relays, [&](const auto& entry) {
    const Relay& relay = entry.second;
    if (relay.task != key) return false;
    const auto stored = job.stored.find(relay.tensor);
    if (relay.to == worker && relay.epoch == epoch && relay.arrived && stored != job.stored.end() &&
        stored->second.digest == relay.digest) {
      sent.insert(relay.tensor);
    } else {
      s.effects.emplace_back(StopRelay{entry.first});
    }
    return true;
  });
  return sent;
}

}  // namespace hyps::hub
