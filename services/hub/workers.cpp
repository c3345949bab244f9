#include "services/hub/workers.hpp"

#include <algorithm>
#include <utility>

#include "services/hub/ballots.hpp"
#include "services/hub/dispatch.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/recovery.hpp"
#include "services/hub/relays.hpp"
#include "services/hub/suspects.hpp"

namespace hyps::hub {

namespace {

constexpr Milliseconds kLateTick{300};
constexpr Milliseconds kLately{600};  // three heartbeats
constexpr std::size_t kMaxText = 200;
constexpr std::size_t kMaxListed = 10'000;

void save(State& s, const protocol::WorkerInfo& info) {
  store::Batch batch;
  batch.puts.emplace_back(worker_key(info.id), encode_worker(info));
  // Should this be lost, the next Hello brings it again.
  s.persist(std::move(batch), [](const Status&) {});
}

protocol::Assign work_of(const State& s, const Worker& worker) {
  protocol::Assign assign{worker.info.incarnation, {}};
  for (const auto& [id, plan] : s.plans) {
    for (const auto& partition : plan.plan.partitions) {
      const auto* route = route_to(plan, partition.name, worker.info.id);
      if (route == nullptr) continue;
      if (!may_run(worker.info, partition)) continue;
      protocol::AssignedPartition assigned{id,
                                           partition.name,
                                           partition::to_string(partition.kind),
                                           static_cast<std::uint64_t>(partition.memory_bytes()),
                                           {},
                                           route->epoch};
      for (const auto& bundle : plan.bundles) {
        if (bundle.partition == partition.name) assigned.files = bundle.files;
      }
      assign.partitions.push_back(std::move(assigned));
    }
  }
  return assign;
}

bool same_work(const protocol::Assign& a, const protocol::Assign& b) {
  return a.incarnation == b.incarnation &&
         std::equal(a.partitions.begin(), a.partitions.end(), b.partitions.begin(),
                    b.partitions.end(), [](const auto& x, const auto& y) {
                      return x.plan == y.plan && x.partition == y.partition && x.epoch == y.epoch &&
                             x.files == y.files;
                    });
}

void assign(State& s, Worker& worker) {
  worker.assigned = work_of(s, worker);
  s.send_worker(worker.info.id, *worker.assigned);
}

// Another process, or one that had gone: it is told its work, and what it has not finished.
void greet(State& s, Worker& worker) {
  if (!worker.online) s.snapshot_due = s.status_due = true;
  worker.online = worker.known = true;
  end_relays_to(s, worker.info.id);  // it has dropped what was on its way
  assign(s, worker);
  resend_tasks(s, worker.info.id);
  s.schedule_due = true;
}

void begin_incarnation(State& s, Worker& worker, std::uint64_t incarnation) {
  lose_tasks(s, worker.info.id, "the worker was started anew");
  const bool is_twin = incarnation == worker.replaced;
  worker.replaced = std::exchange(worker.info.incarnation, incarnation);
  if (is_twin) {
    worker.twin_heard = s.now.steady;
    s.log(Log::Level::warn, "worker.twins",
          {{"worker", worker.info.id.text}, {"why", "two processes have this name"}});
  }
  worker.failed_at.clear();
  worker.assigned.reset();
  worker.loaded.clear();
  s.snapshot_due = true;
}

void set_offline(State& s, Worker& worker, const std::string& why) {
  if (!worker.online) return;
  worker.online = false;
  worker.assigned.reset();
  worker.loaded.clear();
  worker.resident_bytes = 0;
  worker.straggles_with.reset();
  lose_tasks(s, worker.info.id, why);
  end_relays_to(s, worker.info.id);
  s.snapshot_due = s.status_due = s.schedule_due = true;
  s.log(Log::Level::warn, "worker.offline", {{"worker", worker.info.id.text}, {"why", why}});
}

Milliseconds last_heard(const Worker& worker) { return worker.detector.last_heard(); }

// Room for one more: the one that has been away for longest and has no routes is forgotten.
bool make_room(State& s) {
  if (static_cast<std::int64_t>(s.workers.size()) < s.config.max_workers) return true;
  auto oldest = s.workers.end();
  for (auto at = s.workers.begin(); at != s.workers.end(); ++at) {
    if (at->second.online || !work_of(s, at->second).partitions.empty()) continue;
    if (oldest == s.workers.end() || last_heard(at->second) < last_heard(oldest->second))
      oldest = at;
  }
  if (oldest == s.workers.end()) return false;
  store::Batch batch;
  batch.deletes = {worker_key(oldest->first)};
  s.persist(std::move(batch), [](const Status&) {});
  s.workers.erase(oldest);
  return true;
}

bool same_info(const protocol::WorkerInfo& a, const protocol::WorkerInfo& b) {
  return a.incarnation == b.incarnation && a.memory_bytes == b.memory_bytes && a.cores == b.cores &&
         a.safe_zone == b.safe_zone && a.isa == b.isa && a.version == b.version &&
         a.max_batch == b.max_batch;
}

}  // namespace

void on_hello(State& s, const WorkerId& id, const protocol::Hello& hello) {
  if (hello.info.id != id || !is_valid_name(id.text)) {
    ++s.dropped_frames;
    return s.log(Log::Level::warn, "worker.wrong_name", {{"worker", id.text}});
  }
  if (s.find_worker(id) == nullptr && !make_room(s)) {
    return s.log(Log::Level::error, "worker.no_room", {{"worker", id.text}});
  }
  Worker& worker = s.workers[id];
  const bool unknown = worker.info.id.empty();
  if (unknown) worker.info.id = id;
  if (worker.info.incarnation != hello.info.incarnation) {
    begin_incarnation(s, worker, hello.info.incarnation);
  } else {
    absolve(s, id);
  }
  protocol::WorkerInfo info = hello.info;
  info.isa = info.isa.substr(0, kMaxText);
  info.version = info.version.substr(0, kMaxText);
  if (unknown || !same_info(worker.info, info)) {
    s.snapshot_due = true;
    save(s, info);
  }
  worker.info = std::move(info);
  worker.detector.begin(s.now.steady);
  s.log(Log::Level::info, "worker.hello", {{"worker", id.text}});
  greet(s, worker);
}

namespace {

// nullptr: this worker need not have the task now.
Lease* lease_of(State& s, const WorkerId& worker, const protocol::TaskKey& key) {
  const auto at = find_task(s, key);
  if (!at) return nullptr;
  Task& task = at->job->tasks[at->index];
  if (Dispatch* given = task.with(worker); given != nullptr) {
    return task.state == Task::State::dispatched ? &given->lease : nullptr;
  }
  Copy* copy = find_copy(s, key, worker);
  return copy != nullptr && copy->is_awaited() ? &copy->lease : nullptr;
}

void renew_leases(State& s, Worker& worker, const std::set<protocol::TaskKey>& listed) {
  const WorkerId& id = worker.info.id;
  std::vector<protocol::TaskKey> lapsed;
  for (const auto& key : worker.credits.all()) {
    Lease* lease = lease_of(s, id, key);
    if (lease == nullptr) continue;
    if (listed.contains(key)) {
      lease->renew(s.now.steady);
    } else if (lease->has_lapsed(s.now.steady, Milliseconds(s.config.lease_ms))) {
      lease->lapse(s.now.steady);
      lapsed.push_back(key);
    }
  }
  // It may have dropped them because its assignment was lost on the way.
  if (!lapsed.empty()) assign(s, worker);
  for (const auto& key : lapsed) {
    if (find_copy(s, key, id) != nullptr) resend_copy(s, key, id);
    if (const auto at = find_task(s, key)) send_task(s, *at, id);
  }
}

void compare_tasks(State& s, Worker& worker, const protocol::Heartbeat& heartbeat) {
  std::set<protocol::TaskKey> listed;
  for (const auto& key : heartbeat.tasks) {
    if (listed.size() < kMaxListed) listed.insert(key);
  }
  if (worker.straggles_with && !listed.contains(*worker.straggles_with)) {
    worker.straggles_with.reset();
  }
  for (const auto& key : listed) {
    if (!is_awaited(s, worker.info.id, key)) {
      s.send_worker(worker.info.id, protocol::Stored{key});
    }
  }
  renew_leases(s, worker, listed);
}

}  // namespace

void on_heartbeat(State& s, const WorkerId& id, const protocol::Heartbeat& heartbeat) {
  Worker* const worker = s.find_worker(id);
  // What comes on another connection may be the last words of a process that is gone.
  const bool known =
      worker != nullptr && worker->online && worker->info.incarnation == heartbeat.incarnation;
  if (!known) return s.send_worker(id, protocol::SayHello{});
  worker->detector.heard(s.now.steady);
  worker->loaded = heartbeat.loaded;
  if (worker->loaded.size() > kMaxListed) worker->loaded.resize(kMaxListed);
  worker->resident_bytes = heartbeat.resident_bytes;
  if (heartbeat.arriving_rate > 0) worker->arriving_rate = heartbeat.arriving_rate;
  if (worker->problem != heartbeat.problem.substr(0, kMaxText)) s.status_due = true;
  worker->problem = heartbeat.problem.substr(0, kMaxText);
  compare_tasks(s, *worker, heartbeat);
}

void on_beat(State& s, const Beat& beat) {
  on_heartbeat(s, beat.worker, beat.heartbeat);
  Worker* const worker = s.find_worker(beat.worker);
  // The time it was given up is no part of its rhythm.
  if (worker == nullptr || !worker->online) return;
  if (worker->info.incarnation != beat.heartbeat.incarnation) return;
  for (const Milliseconds at : beat.at) worker->detector.beat(at);
}

void on_worker_status(State& s, const WorkerId& id, bool online) {
  // "online" says little: whether it is the process we know its next heartbeat tells.
  Worker* const worker = s.find_worker(id);
  if (worker == nullptr || online) return;
  if (!worker->known) worker->known = s.snapshot_due = true;  // it may be replaced at once
  set_offline(s, *worker, "the worker is gone");
}

void on_bus_connected_again(State& s) {
  restart_timeouts(s);
  for (auto& [id, worker] : s.workers) {
    worker.detector.begin(s.now.steady);
    if (!worker.online) continue;
    assign(s, worker);
    resend_tasks(s, id);
  }
}

namespace {

// Where all are silent at once it is more likely we who hear nothing.
bool is_anyone_else_heard(const State& s, const WorkerId& id) {
  return std::any_of(s.workers.begin(), s.workers.end(), [&](const auto& entry) {
    return entry.first != id && entry.second.online &&
           s.now.steady - last_heard(entry.second) <= kLately;
  });
}

}  // namespace

void lose_silent_workers(State& s) {
  // What we did not run, or were not connected, is nobody's silence.
  const Milliseconds gap = s.now.steady - s.last_tick;
  if (gap > kLateTick) {
    for (auto& [id, worker] : s.workers) worker.detector.forgive(gap);
  }
  const DetectorOptions options{.phi = static_cast<double>(s.config.worker_silence_phi),
                                .longest = Milliseconds(s.config.worker_silence_ms)};
  for (auto& [id, worker] : s.workers) {
    if (!worker.online || !s.connected) continue;
    if (is_anyone_else_heard(s, id)
            ? worker.detector.is_silent(s.now.steady, options)
            : worker.detector.is_silent_for(s.now.steady, options.longest)) {
      set_offline(s, worker, "the worker is silent");
    }
  }
}

void assign_all(State& s) {
  for (auto& [id, worker] : s.workers) {
    if (!worker.online) continue;
    if (worker.assigned && same_work(*worker.assigned, work_of(s, worker))) continue;
    assign(s, worker);
  }
}

bool may_read(const State& s, const WorkerId& id, const Digest& file) {
  const auto worker = s.workers.find(id);
  if (worker == s.workers.end() || !worker->second.assigned) return false;
  const auto& partitions = worker->second.assigned->partitions;
  return std::any_of(partitions.begin(), partitions.end(), [&](const auto& partition) {
    return std::any_of(partition.files.begin(), partition.files.end(),
                       [&](const auto& ref) { return ref.digest == file; });
  });
}

}  // namespace hyps::hub
