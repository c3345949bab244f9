// The worker as a pure state machine; README.md tells its states and rules.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/time.hpp"
#include "common/protocol/messages.hpp"
#include "services/worker/events.hpp"
#include "services/worker/partitions.hpp"
#include "services/worker/tasks.hpp"

namespace hyps::worker {

struct CoreConfig {
  protocol::WorkerInfo info;        // memory_bytes is the budget for all it holds
  TaskLimits limits;                // what of it is for inputs and results
  std::uint64_t process_bytes = 0;  // and for the process itself
  Milliseconds heartbeat{1000};
  Milliseconds pulse{200};     // between heartbeats on their own connection
  Milliseconds resend{3000};   // results that are out and not Stored
  Milliseconds retry{5000};    // a bundle that could not be fetched or loaded
  Milliseconds batch_wait{0};  // for more tasks of a partition, while there is nothing else to do
  Milliseconds batch_latency{1000};  // a task's time here, which none exceeds for others' sake
};

class Core {
 public:
  explicit Core(CoreConfig config);

  Effects step(const Event& event, Now now);

  [[nodiscard]] const Counters& counters() const { return tasks_.counters(); }
  [[nodiscard]] std::size_t held_bytes() const { return tasks_.held_bytes(); }
  // What must hold between steps and does not; empty: all does.
  [[nodiscard]] std::string broken_invariant() const;

 private:
  void on(const Connected& event);
  void on(const Disconnected& event);
  void on(const HubOnline& event);
  void on(const Received& event);
  void on(const Malformed& event);
  void on(const Fetched& event);
  void on(const FetchFailed& event);
  void on(const Loaded& event);
  void on(const LoadFailed& event);
  void on(const Computed& event);
  void on(const ComputeFailed& event);
  void on(const Waited& event);
  void on(const Sent& event);
  void on(const Tick& event);

  void on_message(const protocol::Assign& assign);
  void on_message(const protocol::Run& run);
  void on_message(const protocol::Chunk& chunk);
  void on_message(const protocol::Stored& stored);
  void on_message(const protocol::SayHello&);
  template <typename Other>
  void on_message(const Other& other);

  void ask_for_shared();
  // Gives the compute thread its next work, if it is free.
  void schedule();
  [[nodiscard]] Task* choose_task(Partition*& partition);
  using Batch = std::vector<std::pair<protocol::TaskKey, Task*>>;
  [[nodiscard]] std::size_t most_in_batch(const Partition& partition) const;
  [[nodiscard]] Batch batch_of(const Partition& partition);
  [[nodiscard]] std::vector<Milliseconds> ages_of(const Batch& batch) const;
  [[nodiscard]] Milliseconds patience(const Partition& partition, const Batch& batch) const;
  void wait(Milliseconds time);
  void answered();
  void learn(const Computed& event);
  void start_computing(Partition& partition, const Batch& batch);
  void start_loading(Partition& partition);
  [[nodiscard]] bool has_work(const Partition& partition);

  void say_hello();
  [[nodiscard]] protocol::Heartbeat heartbeat() const;
  void beat();
  void pulse();
  void send_results(const protocol::TaskKey& key, Task& task);
  void stop_sending(Task& task);
  void resend_all();
  void resend_due();
  void fail(const protocol::TaskKey& key, Epoch epoch, bool permanent, const std::string& message);
  void fail_tasks_of(const PartitionKey& partition, const std::string& message);
  void drop_unassigned();
  void report_drops();
  [[nodiscard]] std::optional<protocol::TaskKey> key_of_task(TaskId id);
  void add(Effects effects);
  void publish(protocol::Message message);
  void log(Log::Level level, std::string_view event, runtime::Fields fields);

  const CoreConfig config_;
  Tasks tasks_;
  Partitions partitions_;
  bool connected_ = false;
  std::size_t outstanding_ = 0;  // answers of the compute thread: it loads or computes
  Serial computing_ = 0;         // the partition that it computed with last
  bool waiting_ = false;         // for more tasks of a batch
  bool waited_ = false;          // long enough: now it is computed as it is
  std::uint64_t wait_ = 0;       // the number of the last wait
  std::uint64_t next_stream_;
  Milliseconds last_hello_{0};
  Milliseconds last_beat_{0};
  Milliseconds last_pulse_{0};
  Counters reported_;
  Milliseconds last_report_{0};
  Now now_;          // of the step going on
  Effects effects_;  // of the step going on
};

}  // namespace hyps::worker
