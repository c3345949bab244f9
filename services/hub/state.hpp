// State: everything the hub's core knows, and the few ways in which it speaks. The rules are free
// functions over it, one file a subject: accept, dispatch, results, recovery, workers, models,
// files, queries, retention.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/digest.hpp"
#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/partition/plan.hpp"
#include "common/voting/reputation.hpp"
#include "services/hub/ballot.hpp"
#include "services/hub/config.hpp"
#include "services/hub/credits.hpp"
#include "services/hub/detector.hpp"
#include "services/hub/events.hpp"
#include "services/hub/job.hpp"
#include "services/hub/records.hpp"
#include "services/hub/traffic.hpp"

namespace hyps::hub {

// A plan in use: of a model, or of a job that began with it.
struct PlanState {
  PlanId id;
  ModelName model;
  std::string json;
  partition::Plan plan;
  std::vector<protocol::BundleRef> bundles;
  std::map<PartitionName, std::vector<protocol::Route>> routes;  // the first is asked first
  std::map<std::string, std::size_t> producer;                   // tensor → partition
  std::vector<std::int64_t> runs;  // by partition, since the hub started
  std::vector<double> paces;       // ms from given to here, lately; negative: not known yet
  std::vector<double> compute_ms;  // of that a worker computed; likewise
  TrafficBook traffic;
  // An old plan's: since when a partition has no worker that is there (migration.hpp).
  std::optional<Milliseconds> stands_since;
};

struct Worker {
  protocol::WorkerInfo info;
  bool online = false;
  bool known = false;  // heard since this hub came up, or told to be gone
  Detector detector;
  std::vector<PartitionName> loaded;  // "<plan>/<partition>"
  std::uint64_t resident_bytes = 0;
  std::string problem;
  std::uint64_t replaced = 0;              // the incarnation before
  std::optional<Milliseconds> twin_heard;  // when that one was heard all the same
  std::uint64_t arriving_rate = 0;         // bytes/s that its link brings; 0: not known
  Credits credits;                         // taken by tasks that are dispatched, voting or storing
  std::set<protocol::TaskKey> late;        // votes it owes that can no longer matter
  std::optional<protocol::TaskKey> straggles_with;  // given to another too; it may still have it
  std::map<std::pair<PlanId, PartitionName>, Milliseconds> failed_at;  // when last (failures.hpp)
  std::set<Digest> lacks;                    // missing files of bundles that it has asked for
  std::optional<protocol::Assign> assigned;  // as last sent to this incarnation
  std::int64_t done = 0;
  std::int64_t compute_us = 0;
};

// A result that is forwarded while it arrives (relays.hpp).
struct Relay {
  WorkerId sender;
  std::uint64_t stream = 0;  // the sender's number
  protocol::TaskKey from;    // whose result it is
  Epoch from_epoch = 0;
  std::string tensor;
  std::uint64_t bytes = 0;  // announced
  WorkerId to;
  std::uint64_t incarnation = 0;  // of that worker
  protocol::TaskKey task;         // whose input it is to be
  Epoch epoch = 0;
  std::optional<Milliseconds> arrived;  // here, and whole
  Digest digest;                        // from then on
};

// A model's file, while it is uploaded and after.
struct File;

struct Scrub {  // scrub.hpp
  Digest file;
  std::uint64_t offset = 0;  // 0: the next file begins
  Digester digester;
  bool reading = false;
  Milliseconds last{0};
};

struct Retry {                                         // a write that has to succeed some time
  std::function<std::optional<store::Batch>()> build;  // anew each time; nullopt: not needed now
  std::function<void()> then;
  Milliseconds due{0};
  Milliseconds delay{0};
};

struct Finished {
  JobSummary summary;
  bool has_feature_maps = true;  // of a failed job: its input
  std::int64_t feature_map_bytes = 0;
  // Until the broker has the answer (State::unannounced):
  std::vector<Asker> askers;
  std::string answer;
  bool published = false;
  int under_way = 0;  // messages with it that the broker has not acknowledged
};

// Finished jobs of one outcome, by time of finishing: what goes first is in front, so that a look
// at what may be kept costs as much as what goes.
struct Kept {
  using Place = std::pair<std::int64_t, JobId>;
  std::set<Place> jobs;
  std::set<Place> with_feature_maps;
};

// The latest one; its outcome is told again to who asks again.
struct BackupState {
  Peer peer;
  std::uint64_t request = 0;
  std::string name;
  bool running = false;
  Result<std::string> folder = std::string();
};

struct State {
  State(Config configuration, std::uint64_t seed);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Config config;
  Random random;
  Now now;
  std::vector<Effect> effects;

  bool connected = false;
  bool resumed_told = false;
  std::map<ModelName, protocol::ModelRecord> models;  // routes, bundles, plan_json are in plans
  std::map<ModelName, Totals> totals;
  std::map<PlanId, PlanState> plans;
  std::map<WorkerId, Worker> workers;
  std::map<WorkerId, voting::Reputation> reputations;
  std::set<WorkerId> liars;  // found in this round (redo.hpp)
  std::set<std::string> managers;
  std::vector<std::string> voters;              // the last one is asked, the others stand by
  std::map<protocol::TaskKey, Ballot> ballots;  // of unfinished jobs; late votes may outlive them
  std::uint64_t last_ballot_number;             // begins anywhere: no verdict outlives its hub
  std::deque<VerdictNote> verdicts;             // the last kMaxVerdictNotes
  std::map<std::uint64_t, Job> jobs;            // unfinished, by order of acceptance
  std::map<JobId, std::uint64_t> unfinished;
  std::map<JobId, Finished> finished;  // retention.hpp
  Kept done;
  Kept failed;
  std::int64_t feature_map_bytes = 0;  // of the finished
  std::set<JobId> unannounced;         // of the finished
  std::uint64_t next_sequence = 1;
  std::map<Digest, std::unique_ptr<File>> files;
  BackupState backup;
  Milliseconds last_part{0};  // of any file, from anybody
  Scrub scrub;
  SpotChecks spot_checks;
  // Unfinished tasks that workers were lost with, and which workers.
  std::map<protocol::TaskKey, std::set<WorkerId>> suspects;

  // Partitions that were late, and when last; they want a second worker.
  std::map<std::pair<PlanId, PartitionName>, Milliseconds> late;

  std::uint64_t next_relay = 1;
  std::map<std::uint64_t, Relay> relays;                 // whose task is not dispatched yet
  std::map<std::uint64_t, std::uint64_t> relayed_bytes;  // of those the bus holds

  std::uint64_t next_token = 1;
  std::map<std::uint64_t, std::function<void(const Status&)>> writes;
  std::map<std::uint64_t, std::function<void(const Result<Blob>&)>> reads;
  std::vector<Retry> retries;
  std::string write_problem;  // of the last write that failed, until one succeeds
  Milliseconds write_failed_at{0};

  std::optional<std::int64_t> disk_free;
  std::int64_t disk_total = 0;  // 0: not known yet
  std::int64_t dropped_frames = 0;
  std::int64_t stale_results = 0;

  bool schedule_due = false;
  bool snapshot_due = false;
  bool status_due = true;
  bool plans_due = false;  // one may be out of use, or routed otherwise
  bool prune_due = true;
  std::uint64_t snapshot_version = 0;
  Milliseconds snapshot_sent{-1'000'000};
  Milliseconds status_sent{-1'000'000};
  Milliseconds last_tick{0};
  Milliseconds pruned_at{0};

  // ---- speaking ----
  void send(const Peer& to, protocol::Message message);
  void send_worker(const WorkerId& to, protocol::Message message);
  void publish_line(std::string topic, std::string line);  // Publish::is_line
  void log(Log::Level level, std::string event,
           std::vector<std::pair<std::string_view, std::string>> fields);
  void persist(store::Batch batch, std::function<void(const Status&)> then);
  // Writes, and after a failure again and again with longer pauses. `then` after success.
  void persist_until_done(std::function<std::optional<store::Batch>()> build,
                          std::function<void()> then);
  void read(std::string key, std::function<void(const Result<Blob>&)> then);

  // ---- looking up; nullptr: there is none ----
  Job* find_job(const JobId& id);  // unfinished
  PlanState* find_plan(const PlanId& id);
  Worker* find_worker(const WorkerId& id);
  protocol::ModelRecord* find_model(const ModelName& name);
  void attempt(Retry retry);
};

// The partition's index in the plan.
std::optional<std::size_t> index_of(const PlanState& plan, const PartitionName& partition);
// nullptr: none.
const protocol::Route* route_to(const PlanState& plan, const PartitionName& partition,
                                const WorkerId& worker);
// Only the safe zone sees images and answers.
bool may_see(const protocol::WorkerInfo& worker, const partition::Partition& partition);
// And it has the memory: it may have come back with less than when it was given the partition.
bool may_run(const protocol::WorkerInfo& worker, const partition::Partition& partition);
Result<PlanState> make_plan_state(const protocol::ModelRecord& record);
protocol::ModelRecord to_record(const PlanState& plan);

void on_persisted(State& s, const Persisted& event);
void on_record_read(State& s, const RecordRead& event);
void retry_writes(State& s);  // on tick

}  // namespace hyps::hub
