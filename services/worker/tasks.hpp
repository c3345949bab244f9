// Tasks: what was accepted and is not finished. Assembles and verifies inputs. Pure.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.hpp"
#include "common/protocol/messages.hpp"
#include "common/protocol/stream.hpp"
#include "services/worker/events.hpp"

namespace hyps::worker {

struct Counters {
  std::uint64_t malformed = 0;   // no message, or one a hub does not send
  std::uint64_t stale = 0;       // of an older epoch or another incarnation
  std::uint64_t mismatched = 0;  // an input that is not what its Run says, or a broken stream
  std::uint64_t refused = 0;     // beyond a bound
  std::uint64_t expired = 0;     // dropped for want of progress
  std::uint64_t repeated = 0;    // known already

  bool operator==(const Counters&) const = default;
};

enum class TaskState { receiving, ready, computing, sending };

// A feature map and its digest, taken while it arrived.
struct Input {
  Blob data;
  Digest digest;
};

struct Task {
  TaskId id = 0;  // rises with each accepted task
  Epoch epoch = 0;
  TaskState state = TaskState::receiving;
  bool announced = false;                   // its Run is here
  bool digests_only = false;                // as its last Run says: the outputs are not wanted yet
  std::vector<protocol::TensorRef> wanted;  // as the Run says
  std::map<std::string, Input> inputs;      // verified once announced
  std::set<std::string> shared;             // come with another task of the job, as its Run says
  Milliseconds progress{0};                 // the last time something came
  bool assigned_once = false;               // its partition was here while the task was
  int overtaken = 0;                        // by tasks whose partition was loaded
  std::vector<Output> outputs;
  std::uint64_t compute_us = 0;
  std::uint64_t load_us = 0;
  std::set<std::uint64_t> streams;  // results on their way out
  Milliseconds sent{0};             // when the last of them was out
  int sends = 0;

  [[nodiscard]] std::size_t input_bytes() const;
  // Without what is lent while it is computed.
  [[nodiscard]] std::size_t held_bytes() const;
  [[nodiscard]] std::size_t own_bytes() const;  // but for what it shares
};

struct TaskLimits {
  std::size_t tasks = 256;
  std::size_t bytes = 256U << 20U;  // inputs and results held, unfinished streams included
  Milliseconds stall{5000};
  std::size_t alone = 0;  // the same where no other task holds any; 0: `bytes`

  [[nodiscard]] std::size_t most() const { return alone > bytes ? alone : bytes; }
};

class Tasks {
 public:
  explicit Tasks(TaskLimits limits) : limits_(limits), streams_(limits.most(), limits.most()) {}

  // known: the same Run again; ready: all inputs are here now; too_large: never to be accepted.
  enum class Outcome { waiting, ready, known, dropped, too_large };
  Outcome on_run(const protocol::Run& run, Milliseconds now);
  Outcome on_chunk(const protocol::Chunk& chunk, Milliseconds now);

  [[nodiscard]] Task* find(const protocol::TaskKey& key);
  [[nodiscard]] Task* find(TaskId id);
  void erase(const protocol::TaskKey& key);
  // Results of tasks that were erased or begun anew, still being sent: to be stopped.
  std::vector<std::uint64_t> take_abandoned() { return std::exchange(abandoned_, {}); }
  [[nodiscard]] std::map<protocol::TaskKey, Task>& all() { return tasks_; }
  [[nodiscard]] const std::map<protocol::TaskKey, Task>& all() const { return tasks_; }
  [[nodiscard]] std::vector<protocol::TaskKey> keys() const;

  // Those that wait for a shared input which no task has or is about to get. Said once: they wait
  // for all of their inputs from then on.
  std::vector<protocol::TaskKey> take_lacking();

  // Unfinished streams of a connection that broke are lost; the hub sends them again.
  void drop_streams() {
    streams_.drop_sender(kHub);
    arriving_.clear();
  }
  // Forgets tasks that saw nothing new for limits.stall and wait for the hub: for inputs, or for
  // the partition to be assigned.
  std::vector<protocol::TaskKey> expire(
      Milliseconds now, const std::function<bool(const protocol::TaskKey&)>& is_assigned);

  [[nodiscard]] std::size_t held_bytes() const;
  // What is being computed, until it ends: so many bytes of inputs are held until then, whatever
  // becomes of their tasks, and as much room as the results take is nobody else's.
  void begin_computing(std::size_t input_bytes, std::size_t result_bytes) {
    lent_ = input_bytes;
    reserved_ = result_bytes;
  }
  void end_computing() { lent_ = reserved_ = 0; }
  // Of what all tasks together may hold, what is neither held nor reserved.
  [[nodiscard]] std::size_t free_bytes() const;
  Counters& counters() { return counters_; }
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  static constexpr const char* kHub = "hub";
  static constexpr std::size_t kMaxInputs = 1024;  // of a task not announced yet

  Task* open(const protocol::TaskKey& key, Epoch epoch, Milliseconds now);
  Outcome announce(Task& task, const protocol::Run& run, Milliseconds now);
  // What other tasks of the job have of its shared inputs.
  void take_shared(const protocol::TaskKey& key, Task& task);
  // A task's input has arrived: others share it.
  void give_shared(const protocol::TaskKey& key, const std::string& tensor, const Input& input);
  // Whether this task, or another, is about to get what it shares.
  [[nodiscard]] bool will_get(const protocol::TaskKey& key, const protocol::TensorRef& ref) const;
  // Who waits for what arrives for another task is not silent.
  void note_progress(const protocol::Chunk& chunk, Milliseconds now);
  [[nodiscard]] bool wants(const Task& task, const protocol::Chunk& chunk) const;
  [[nodiscard]] bool has_room_for(const protocol::Chunk& chunk) const;
  Outcome arrived(protocol::Arrival arrival);
  static Outcome check_complete(Task& task);
  [[nodiscard]] std::size_t shared_bytes() const;

  // What began before as the same input has come to nothing.
  void drop_older(const protocol::Chunk& chunk);
  // What other tasks hold, or is on its way to them.
  [[nodiscard]] std::size_t held_by_others(const protocol::TaskKey& key) const;

  struct Arriving {
    protocol::TaskKey task;
    std::string tensor;
    std::size_t bytes = 0;
  };

  TaskLimits limits_;
  protocol::StreamReader streams_;
  std::map<std::uint64_t, Arriving> arriving_;  // by stream
  std::map<protocol::TaskKey, Task> tasks_;
  TaskId last_id_ = 0;
  std::vector<std::uint64_t> abandoned_;
  std::size_t lent_ = 0;
  std::size_t reserved_ = 0;
  Counters counters_;
};

}  // namespace hyps::worker
