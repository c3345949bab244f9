#include "services/hub/core.hpp"

#include <cassert>

#include "services/hub/accept.hpp"
#include "services/hub/backup.hpp"
#include "services/hub/ballots.hpp"
#include "services/hub/begin.hpp"
#include "services/hub/dead_letters.hpp"
#include "services/hub/dispatch.hpp"
#include "services/hub/files.hpp"
#include "services/hub/invariants.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/migration.hpp"
#include "services/hub/models.hpp"
#include "services/hub/outputs.hpp"
#include "services/hub/queries.hpp"
#include "services/hub/recovery.hpp"
#include "services/hub/redo.hpp"
#include "services/hub/relays.hpp"
#include "services/hub/results.hpp"
#include "services/hub/retention.hpp"
#include "services/hub/rot.hpp"
#include "services/hub/scrub.hpp"
#include "services/hub/sharing.hpp"
#include "services/hub/stragglers.hpp"
#include "services/hub/workers.hpp"

namespace hyps::hub {

namespace {

using protocol::Role;

// A message nobody of this role has to send.
void drop(State& s, const Peer& peer) {
  ++s.dropped_frames;
  s.status_due = true;
  s.log(Log::Level::warn, "message.dropped",
        {{"peer", protocol::to_string(peer)}, {"why", "not for this role to say"}});
}

struct FromWorker {
  State& s;
  const Peer& peer;
  WorkerId id{peer.id};
  void operator()(const protocol::Hello& m) const { on_hello(s, id, m); }
  void operator()(const protocol::Heartbeat& m) const { on_heartbeat(s, id, m); }
  void operator()(const protocol::TaskDone& m) const { on_task_done(s, id, m); }
  void operator()(const protocol::TaskFailed& m) const { on_task_failed(s, id, m); }
  void operator()(const protocol::Lacking& m) const { on_lacking(s, id, m); }
  void operator()(const protocol::PartGet& m) const { on_part_get(s, peer, m); }
  template <typename Other>
  void operator()(const Other&) const {
    drop(s, peer);
  }
};

// Clients, and managers, who may do all that clients may.
struct FromClient {
  State& s;
  const Peer& peer;
  void operator()(const protocol::Deploy& m) const { on_deploy(s, peer, m); }
  void operator()(const protocol::Remove& m) const { on_remove(s, peer, m); }
  void operator()(const protocol::Query& m) const { on_query(s, peer, m); }
  void operator()(const protocol::Replay& m) const { on_replay(s, peer, m); }
  void operator()(const protocol::OutputGet& m) const { on_output_get(s, peer, m); }
  void operator()(const protocol::Backup& m) const { on_backup(s, peer, m); }
  void operator()(const protocol::PartPut& m) const { on_part_put(s, peer, m); }
  void operator()(const protocol::PartGet& m) const { on_part_get(s, peer, m); }
  void operator()(const protocol::ManagerHello&) const {
    if (!is_manager()) return drop(s, peer);
    on_manager_hello(s, peer);
  }
  void operator()(const protocol::SetPlan& m) const {
    if (!is_manager()) return drop(s, peer);
    on_set_plan(s, peer, m);
  }
  void operator()(const protocol::SetRoutes& m) const {
    if (!is_manager()) return drop(s, peer);
    on_set_routes(s, peer, m);
  }
  void operator()(const protocol::ModelFailed& m) const {
    if (!is_manager()) return drop(s, peer);
    on_model_failed(s, peer, m);
  }
  template <typename Other>
  void operator()(const Other&) const {
    drop(s, peer);
  }
  [[nodiscard]] bool is_manager() const { return peer.role == Role::manager; }
};

struct FromVoter {
  State& s;
  const Peer& peer;
  void operator()(const protocol::VoterHello& m) const { on_voter_hello(s, peer, m.again); }
  void operator()(const protocol::Verdict& m) const { on_verdict(s, m); }
  template <typename Other>
  void operator()(const Other&) const {
    drop(s, peer);
  }
};

struct Handle {
  State& s;

  void operator()(const BusConnected&) const {
    s.connected = true;
    s.status_due = true;
    s.status_sent = Milliseconds(-1'000'000);
    if (!s.resumed_told) tell_resumed(s);
    s.resumed_told = true;
    on_bus_connected_again(s);
  }
  void operator()(const BusDisconnected&) const {
    s.connected = false;
    forget_relays(s);  // it may be there again before the round ends
  }
  void operator()(const FromPeer& e) const {
    if (e.peer.role == Role::worker) {
      std::visit(FromWorker{s, e.peer}, e.message);
    } else if (e.peer.role == Role::voter) {
      std::visit(FromVoter{s, e.peer}, e.message);
    } else {
      std::visit(FromClient{s, e.peer}, e.message);
    }
  }
  void operator()(const Beat& e) const { on_beat(s, e); }
  void operator()(const TensorArrived& e) const {
    if (e.peer.role != Role::worker) return drop(s, e.peer);
    on_tensor(s, WorkerId(e.peer.id), e.arrival);
  }
  void operator()(const InputSent& e) const { note_input(s, e); }
  void operator()(const StreamBegan& e) const { on_stream_began(s, e); }
  void operator()(const RelayEnded& e) const { on_relay_ended(s, e); }
  void operator()(const TensorLost& e) const {
    end_relays_of(s, e.task);
    on_tensor_lost(s, e);
  }
  void operator()(const UserInput& e) const { on_user_input(s, e); }
  void operator()(const PeerStatus& e) const {
    if (e.peer.role == Role::worker) on_worker_status(s, WorkerId(e.peer.id), e.online);
    if (e.peer.role == Role::manager) on_manager_status(s, e.peer, e.online);
    if (e.peer.role == Role::voter) on_voter_status(s, e.peer, e.online);
  }
  void operator()(const Persisted& e) const { on_persisted(s, e); }
  void operator()(const RecordRead& e) const { on_record_read(s, e); }
  void operator()(const InputNotSent& e) const { on_input_not_sent(s, e); }
  void operator()(const PartNotSent& e) const { on_part_not_sent(s, e); }
  void operator()(const AnswerNotSent& e) const { on_answer_sent(s, e.job, false); }
  void operator()(const AnswerSent& e) const { on_answer_sent(s, e.job, true); }
  void operator()(const BackupWritten& e) const { on_backup_written(s, e); }
  void operator()(const FrameDropped& e) const {
    ++s.dropped_frames;
    s.status_due = true;
    s.log(Log::Level::warn, "frame.dropped", {{"from", e.from}, {"why", e.reason}});
  }
  void operator()(const DiskFree& e) const {
    const bool was_accepting = refusing_because(s).empty();
    s.disk_free = e.bytes;
    s.disk_total = e.total;
    const bool accepting = refusing_because(s).empty();
    if (accepting != was_accepting) s.status_due = s.prune_due = true;
  }
  void operator()(const Tick&) const {
    lose_silent_workers(s);
    s.last_tick = s.now.steady;
    expire_tasks(s);
    double_stragglers(s);
    migrate_jobs(s);
    retry_writes(s);
    announce(s);
    expire_files(s);
    scrub(s);
    prune_now_and_then(s);
    s.schedule_due = true;  // a pause before another try may be over
  }
};

// What follows from a round of events, once for all its causes.
void settle_round(State& s) {
  redo_all_of_liars(s);
  if (s.plans_due) {
    s.plans_due = false;
    collect_plans(s);
    assign_all(s);  // before the tasks that need it
  }
  drop_vain_relays(s);  // they take credits
  if (s.schedule_due) {
    s.schedule_due = false;
    schedule(s);
  }
  prune(s);
  send_snapshots(s);
  publish_status(s);
}

}  // namespace

Core::Core(Config config, Restored restored, std::uint64_t seed, Now now)
    : state_(std::make_unique<State>(std::move(config), seed)) {
  state_->now = now;
  begin(*state_, std::move(restored));
}

Core::~Core() = default;

std::vector<Effect> Core::step(const Event& event, Now now) {
  State& s = *state_;
  s.now = now;
  std::visit(Handle{s}, event);
  assert(broken_invariant(s).empty());
  return std::exchange(s.effects, {});
}

std::vector<Effect> Core::settle(Now now) {
  State& s = *state_;
  s.now = now;
  settle_round(s);
  assert(broken_invariant(s).empty());
  return std::exchange(s.effects, {});
}

bool Core::overlaps(const Event& event) {
  if (const auto* message = std::get_if<FromPeer>(&event)) {
    return message->peer.role == Role::worker &&
           std::holds_alternative<protocol::TaskDone>(message->message);
  }
  return std::holds_alternative<UserInput>(event) || std::holds_alternative<TensorArrived>(event) ||
         std::holds_alternative<AnswerSent>(event) || std::holds_alternative<InputSent>(event);
}

}  // namespace hyps::hub
