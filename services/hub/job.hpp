// Job: one image's passage through one plan, as the ledger knows it. And its record in the store.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/protocol/messages.hpp"
#include "services/hub/lease.hpp"
#include "services/hub/spot_check.hpp"

namespace hyps::hub {

// One step in the life of a job (API.md, "Event").
struct TimelineEvent {
  std::uint64_t n = 0;
  std::int64_t unix_ms = 0;
  std::int64_t ms = 0;  // since acceptance
  std::string event;
  std::string partition;  // here and below: empty or nullopt means nothing for the event
  std::string worker;
  std::optional<double> compute_ms;
  std::optional<double> load_ms;
  std::string detail;
};

// Who asked, and where the answer goes.
struct Asker {
  std::string response_topic;  // empty: the model's output topic
  std::string correlation;
  bool operator==(const Asker&) const = default;
};
inline constexpr std::size_t kMaxAskers = 8;

enum class JobState {
  accepting,  // not on disk yet: nothing is promised
  waiting,    // for its turn, or for its model's plan
  running,    // bound to a plan
  closing,    // its outcome is decided and is being written
  done,
  failed,
};
const char* to_string(JobState state);  // as people see it

// What is kept in memory of every job, finished ones included.
struct JobSummary {
  JobId id;
  ModelName model;
  PlanId plan;  // empty until it runs
  JobState state = JobState::accepting;
  std::uint64_t sequence = 0;  // order of acceptance
  std::int64_t accepted_unix_ms = 0;
  std::int64_t finished_unix_ms = 0;
  std::int64_t latency_ms = 0;
  std::int64_t recoveries = 0;
  std::int64_t votes = 0;       // verdicts
  std::int64_t stored = 0;      // partitions whose outputs are stored
  std::int64_t partitions = 0;  // of the plan
  Digest image;
  std::string error;
  std::optional<std::size_t> known_image;  // a spot check: nobody has asked for it
};

// A task's being with one worker.
struct Dispatch {
  struct Received {
    Blob data;
    Digest digest;
  };
  WorkerId worker;
  Epoch epoch = 0;
  Digest made_of;  // of the inputs that its latest Run names: another result is not of this task
  Milliseconds given{0};
  bool as_suspect = false;  // when it was given (suspects.hpp)
  Lease lease;
  // Some of its inputs are not sent: another task there has them (sharing.hpp).
  bool shares = false;
  std::optional<protocol::TaskDone> done;
  Milliseconds done_at{0};
  std::map<std::string, Received> received;
};

// One partition of a running job.
struct Task {
  enum class State {
    idle,        // its inputs are not all stored, or it waits for its worker
    voting,      // given to its replicas; no verdict yet
    dispatched,  // given to a worker, or to two; or its outputs are asked of a replica
    storing,     // the outputs have arrived and are being written
    stored,
  };
  State state = State::idle;
  // dispatched: one, or two where the first is late. storing: the one whose outputs are written.
  std::vector<Dispatch> dispatches;

  Milliseconds not_before{0};
  std::int64_t attempts = 0;  // failures
  std::int64_t losses = 0;    // workers that vanished with it

  [[nodiscard]] Dispatch* with(const WorkerId& worker);  // nullptr: it has not been given it
  [[nodiscard]] const Dispatch* with(const WorkerId& worker) const;
};

struct Job {
  JobSummary summary;
  std::vector<Asker> askers;
  std::vector<TimelineEvent> timeline;
  std::uint64_t next_event = 1;
  Milliseconds accepted_at{0};                        // on this process's steady clock
  std::map<std::string, protocol::TensorRef> stored;  // by tensor
  std::vector<Task> tasks;                            // as the plan's partitions
  std::map<std::size_t, Maker> made_by;               // stored outputs, by partition
  bool remade = false;                                // a stored feature map was made once more
  std::string answer;                                 // JSON; when closing
};

nlohmann::json to_json(const JobSummary& job, const TimelineEvent& event);
nlohmann::json to_json(const JobSummary& job);  // as in the reply to `jobs`
// One line of JSON; bytes that are no UTF-8 are replaced.
std::string dump(const nlohmann::json& json);

// The record in the store.
Blob encode_job(const Job& job);
Result<Job> decode_job(const Blob& record);
// Of a finished one without its timeline, which is most of the record: thousands are read at start.
Result<Job> decode_job_at_start(
    const Blob& record);  // without stored tensors and tasks. Errors: corrupt

}  // namespace hyps::hub
