// Messages between the hub and its peers. FORMAT.md is the wire format; codec.hpp encodes. Decoding
// checks the checksum and bounds, so a decoded message is well-formed, but not trustworthy: cores
// check names and epochs.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/digest.hpp"
#include "common/base/ids.hpp"

namespace hyps::protocol {

struct TaskKey {
  JobId job;
  PlanId plan;
  PartitionName partition;
  auto operator<=>(const TaskKey&) const = default;
  template <typename A>
  void serialize(A& a) {
    a(job, plan, partition);
  }
};

struct TensorRef {
  std::string tensor;
  std::uint64_t bytes = 0;
  Digest digest;
  bool operator==(const TensorRef&) const = default;
  template <typename A>
  void serialize(A& a) {
    a(tensor, bytes, digest.high, digest.low);
  }
};

// What a task is made of: one digest of all its inputs, in the order of its Run.
Digest digest_of_inputs(const std::vector<TensorRef>& inputs);

// A named file by content: part of a model or of a partition's bundle.
struct FileRef {
  std::string name;  // "model.onnx", "weights.bin", "labels.txt", "preprocess.yaml"
  std::uint64_t bytes = 0;
  Digest digest;
  bool operator==(const FileRef&) const = default;
  template <typename A>
  void serialize(A& a) {
    a(name, bytes, digest.high, digest.low);
  }
};

// ---- worker → hub -------------------------------------------------------------------------

struct WorkerInfo {
  WorkerId id;
  std::uint64_t incarnation = 0;  // random at each start of the process
  std::uint64_t memory_bytes = 0;
  std::uint32_t cores = 1;
  bool safe_zone = false;
  std::string isa;
  std::string version;
  std::uint32_t max_batch = 1;  // tasks of one partition that it computes in one go
  template <typename A>
  void serialize(A& a) {
    a(id, incarnation, memory_bytes, cores, safe_zone, isa, version, max_batch);
  }
};

// At each connect. The answer is Assign, and the unfinished tasks are sent again.
struct Hello {
  WorkerInfo info;
  template <typename A>
  void serialize(A& a) {
    a(info);
  }
};

// Every second and whenever a partition was loaded or dropped; and every 200 ms on a connection of
// its own, at most once (bus::Pulse). It renews the leases of the tasks it lists.
struct Heartbeat {
  std::uint64_t incarnation = 0;
  std::vector<TaskKey> tasks;         // accepted and unfinished: receiving, waiting, computing,
                                      // or done and not yet acknowledged by Stored
  std::vector<PartitionName> loaded;  // "<plan>/<partition>", resident now
  std::uint64_t resident_bytes = 0;   // of loaded partitions
  std::string problem;                // why it cannot do its work; empty: all is well
  std::uint64_t arriving_rate = 0;    // bytes/s that its link brings; 0: not told
  template <typename A>
  void serialize(A& a) {
    a(incarnation, tasks, loaded, resident_bytes, problem, arriving_rate);
  }
};

// The outputs travel as Chunk streams of the same task; order between them and this is free.
struct TaskDone {
  TaskKey task;
  Epoch epoch = 0;
  std::vector<TensorRef> outputs;
  std::uint64_t compute_us = 0;
  std::uint64_t load_us = 0;  // 0: the partition was resident
  Digest made_of;  // digest_of_inputs(Run::inputs); a task may be given again with others
  template <typename A>
  void serialize(A& a) {
    a(task, epoch, outputs, compute_us, load_us, made_of.high, made_of.low);
  }
};

struct TaskFailed {
  TaskKey task;
  Epoch epoch = 0;
  bool permanent = false;  // the input's fault (no image, wrong shape): doing it again is no use
  std::string message;
  template <typename A>
  void serialize(A& a) {
    a(task, epoch, permanent, message);
  }
};

// An input that the Run of this task calls shared is not here, and no task is about to get it: send
// the inputs.
struct Lacking {
  TaskKey task;
  Epoch epoch = 0;
  template <typename A>
  void serialize(A& a) {
    a(task, epoch);
  }
};

// ---- hub → worker -------------------------------------------------------------------------

struct AssignedPartition {
  PlanId plan;
  PartitionName partition;
  std::string kind;  // partition::to_string(Kind)
  std::uint64_t memory_bytes = 0;
  std::vector<FileRef> files;  // its bundle
  Epoch epoch = 0;             // of this route
  template <typename A>
  void serialize(A& a) {
    a(plan, partition, kind, memory_bytes, files, epoch);
  }
};

// The whole of a worker's work; replaces what it had.
struct Assign {
  std::uint64_t incarnation = 0;  // meant for this one
  std::vector<AssignedPartition> partitions;
  template <typename A>
  void serialize(A& a) {
    a(incarnation, partitions);
  }
};

// Compute this. The inputs travel as Chunk streams of the same task.
struct Run {
  TaskKey task;
  Epoch epoch = 0;
  std::vector<TensorRef> inputs;
  // Say TaskDone only, and keep the outputs until the same Run comes again without this.
  bool announce = false;
  // Of `inputs`, by tensor: not sent, because another task of this job at this worker has it, or is
  // about to.
  std::vector<std::string> shared = {};
  template <typename A>
  void serialize(A& a) {
    a(task, epoch, inputs, announce, shared);
  }
};

// The hub has the results (or wants them no more): forget the task.
struct Stored {
  TaskKey task;
  template <typename A>
  void serialize(A& a) {
    a(task);
  }
};

// Answered by Hello: a heartbeat came from a process that is not known to be there.
struct SayHello {
  template <typename A>
  void serialize(A& /*a*/) {}
};

// ---- both ways: feature maps ----------------------------------------------------------------

struct Chunk {
  std::uint64_t stream = 0;  // chosen by the sender, new for every sending
  TaskKey task;
  Epoch epoch = 0;
  std::string tensor;
  std::uint64_t offset = 0;
  std::uint64_t total = 0;
  Blob data;
  std::uint64_t raw_bytes = 0;  // 0: data is as it is; else compressed from so many
  // Of the tensor. size() + offset <= total.
  [[nodiscard]] std::uint64_t size() const { return raw_bytes != 0 ? raw_bytes : data.size(); }
  template <typename A>
  void serialize(A& a) {
    a(stream, task, epoch, tensor, offset, total, data, raw_bytes);
  }
};

// ---- files, in parts of kPartBytes (the last one shorter) -------------------------------------

inline constexpr std::uint64_t kPartBytes = 256 * 1024;

struct PartPut {  // peer → hub; answered by PartStored or Refused
  Digest file;
  std::uint64_t bytes = 0;  // of the whole file
  std::uint64_t offset = 0;
  Blob data;
  template <typename A>
  void serialize(A& a) {
    a(file.high, file.low, bytes, offset, data);
  }
};
struct PartStored {
  Digest file;
  std::uint64_t offset = 0;
  template <typename A>
  void serialize(A& a) {
    a(file.high, file.low, offset);
  }
};
struct PartGet {  // peer → hub; answered by Part or Refused
  Digest file;
  std::uint64_t offset = 0;
  template <typename A>
  void serialize(A& a) {
    a(file.high, file.low, offset);
  }
};
struct Part {
  Digest file;
  std::uint64_t offset = 0;
  Blob data;
  template <typename A>
  void serialize(A& a) {
    a(file.high, file.low, offset, data);
  }
};
struct Refused {              // the answer to a Part*, Deploy, Query that cannot be done
  std::uint64_t request = 0;  // of Deploy, Remove or Query
  Digest file;                // of a Part*
  std::uint64_t offset = 0;
  std::string kind;  // to_string(ErrorKind)
  std::string message;
  template <typename A>
  void serialize(A& a) {
    a(request, file.high, file.low, offset, kind, message);
  }
};

// ---- client → hub -----------------------------------------------------------------------------

// The model's files are in the store (PartPut) before this is sent. Answered by Reply when the hub
// has synced the record; planning follows, `hyps get models` tells how it goes.
struct Deploy {
  std::uint64_t request = 0;
  ModelName model;
  std::vector<FileRef> files;    // "model.onnx", external weights, "labels.txt", "preprocess.yaml"
  std::string plan_json;         // a plan made by hand; empty: the manager plans
  std::string replication = {};  // JSON (common/partition), for the manager's plan; empty: none
  std::string objective = {};    // of the manager's plan: "latency" (or empty), "throughput"
  template <typename A>
  void serialize(A& a) {
    a(request, model, files, plan_json, replication, objective);
  }
};

struct Remove {  // a model, its plan and files; refused while it has unfinished jobs
  std::uint64_t request = 0;
  ModelName model;
  template <typename A>
  void serialize(A& a) {
    a(request, model);
  }
};

// A copy of all that the hub has stored, made while it runs, on the hub's machine: in the folder
// `name` below its backup_folder. Answered by Reply when it is written.
struct Backup {
  std::uint64_t request = 0;
  std::string name;
  template <typename A>
  void serialize(A& a) {
    a(request, name);
  }
};

// The input of a finished job once more, as a new job of the sender's naming, for the job's model.
// Answered by Reply when the new job is accepted.
struct Replay {
  std::uint64_t request = 0;
  JobId job;
  JobId as;
  template <typename A>
  void serialize(A& a) {
    a(request, job, as);
  }
};

// An output of a finished job, while its feature maps are kept. Answered by a Chunk stream of the
// task that made the answer (epoch 0), or Refused.
struct OutputGet {
  std::uint64_t request = 0;
  JobId job;
  std::string tensor;
  template <typename A>
  void serialize(A& a) {
    a(request, job, tensor);
  }
};

// what: "workers" | "models" | "jobs" | "failed_jobs" | "partitions" | "worker" | "model" | "job" |
// "status"
struct Query {
  std::uint64_t request = 0;
  std::string what;
  std::string name;
  template <typename A>
  void serialize(A& a) {
    a(request, what, name);
  }
};
struct Reply {
  std::uint64_t request = 0;
  std::string json;
  template <typename A>
  void serialize(A& a) {
    a(request, json);
  }
};

// ---- manager ↔ hub ------------------------------------------------------------------------------

// A replicated partition has several, on different workers, each with an epoch of its own.
struct Route {
  PartitionName partition;
  WorkerId worker;
  Epoch epoch = 0;
  bool operator==(const Route&) const = default;
  template <typename A>
  void serialize(A& a) {
    a(partition, worker, epoch);
  }
};

struct BundleRef {
  PartitionName partition;
  std::vector<FileRef> files;
  template <typename A>
  void serialize(A& a) {
    a(partition, files);
  }
};

struct ModelRecord {
  ModelName name;
  std::vector<FileRef> files;
  std::string wanted_plan_json;  // from Deploy, as the next: empty: the manager plans
  std::string wanted_replication;
  std::string wanted_objective;
  std::string state;    // "waiting" (for a plan), "ready", "failed"
  std::string problem;  // why it waits or failed; what is missing
  PlanId plan;          // empty until there is one
  std::string plan_json;
  std::vector<BundleRef> bundles;
  std::vector<Route> routes;
  template <typename A>
  void serialize(A& a) {
    a(name, files, wanted_plan_json, wanted_replication, wanted_objective, state, problem, plan,
      plan_json, bundles, routes);
  }
};

struct WorkerState {
  WorkerInfo info;
  bool online = false;
  bool known = true;  // false: the hub has come up and heard neither it nor its last will since
  bool quarantined = false;  // proven to lie: it may compute in the shadow of others only
  template <typename A>
  void serialize(A& a) {
    a(info, online, known, quarantined);
  }
};

// A partition whose tasks take much longer than they did: a second worker would be of use.
struct LatePartition {
  PlanId plan;
  PartitionName partition;
  bool operator==(const LatePartition&) const = default;
  template <typename A>
  void serialize(A& a) {
    a(plan, partition);
  }
};

struct ManagerHello {  // at each connect; answered by Snapshot
  std::string id;
  template <typename A>
  void serialize(A& a) {
    a(id);
  }
};
// Everything a manager has to know; sent at ManagerHello and, whole again, after each change of a
// worker or model. Its version rises.
struct Snapshot {
  std::uint64_t version = 0;
  std::vector<WorkerState> workers;
  std::vector<ModelRecord> models;
  std::vector<LatePartition> late = {};
  template <typename A>
  void serialize(A& a) {
    a(version, workers, models, late);
  }
};
// Before each Snapshot: plans whose bundles' files are gone from the store; to be made again as
// they were, from the model's files.
struct Damaged {
  std::vector<PlanId> plans;
  template <typename A>
  void serialize(A& a) {
    a(plans);
  }
};
// A plan with its bundles (whose files are in the store already). The hub refuses it if the model's
// files are not `model_files` any more.
struct SetPlan {
  ModelName model;
  std::vector<FileRef> model_files;
  std::string plan_json;
  std::vector<BundleRef> bundles;
  template <typename A>
  void serialize(A& a) {
    a(model, model_files, plan_json, bundles);
  }
};
// All routes of a plan; each carries its epoch, which must rise where the worker changes.
struct SetRoutes {
  PlanId plan;
  std::vector<Route> routes;
  std::string problem;  // what is missing for the rest; empty: complete
  template <typename A>
  void serialize(A& a) {
    a(plan, routes, problem);
  }
};
struct ModelFailed {  // it cannot be planned: why (state "failed"), or what it waits for
                      // ("waiting")
  ModelName model;
  std::vector<FileRef> model_files;
  bool permanent = true;
  std::string problem;
  template <typename A>
  void serialize(A& a) {
    a(model, model_files, permanent, problem);
  }
};

// ---- voter ↔ hub --------------------------------------------------------------------------------

// At each connect, answered by every Ballot that is open; and now and then, in case that was lost.
struct VoterHello {
  std::string id;
  bool again = false;
  template <typename A>
  void serialize(A& a) {
    a(id, again);
  }
};

struct Vote {
  WorkerId worker;
  Epoch epoch = 0;         // names this replica in Chunk streams of its outputs
  std::string arithmetic;  // ISA and version: replicas that share it must agree in every bit
  bool counts = true;      // false: compared only, not part of the quorum (a worker in quarantine)
  std::vector<TensorRef> outputs;
  template <typename A>
  void serialize(A& a) {
    a(worker, epoch, arithmetic, counts, outputs);
  }
};

// What the replicas of a partition have announced so far. The outputs of some, if a Verdict asked
// for them, follow as Chunk streams of the same task and the vote's epoch.
struct Ballot {
  TaskKey task;
  std::uint64_t number = 0;  // of this ballot; a Verdict repeats it
  std::uint32_t quorum = 1;
  std::uint32_t outstanding = 0;  // replicas that may still vote
  double atol = 0;                // among different arithmetic: |a - b| <= atol + rtol * |b|
  double rtol = 0;
  std::vector<Vote> votes;
  template <typename A>
  void serialize(A& a) {
    a(task, number, quorum, outstanding, atol, rtol, votes);
  }
};

struct Verdict {
  // open: more votes are needed. agreed: `members` agree, and `liars` differ from them.
  // values: the outputs of `members` are needed to tell. split: all have voted, no quorum agrees.
  enum class Outcome : std::uint32_t { open, agreed, values, split };
  TaskKey task;
  std::uint64_t number = 0;
  std::uint32_t outcome = 0;  // Outcome
  std::vector<WorkerId> members;
  std::vector<WorkerId> liars;
  std::string reason;  // for people: what differs, and by how much
  template <typename A>
  void serialize(A& a) {
    a(task, number, outcome, members, liars, reason);
  }
};

// The index in this list is the type number on the wire: append only.
// Copied, moved and destroyed in one object file: a variant of so many types is slow to compile.
struct Message
    : std::variant<Hello, Heartbeat, TaskDone, TaskFailed, Assign, Run, Stored, Chunk, PartPut,
                   PartStored, PartGet, Part, Refused, Deploy, Remove, Query, Reply, ManagerHello,
                   Snapshot, SetPlan, SetRoutes, ModelFailed, VoterHello, Ballot, Verdict, Backup,
                   Replay, SayHello, Damaged, OutputGet, Lacking> {
  using variant::variant;
  Message(const Message& other);
  Message(Message&& other) noexcept;
  Message& operator=(const Message& other);
  Message& operator=(Message&& other) noexcept;
  ~Message();
};

}  // namespace hyps::protocol
