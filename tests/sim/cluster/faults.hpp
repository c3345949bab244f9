// Faults: what goes wrong, when, and that it is well again at the end. Each seed draws which kinds
// of faults it has and how dense they are: many kinds at once hide what a few bring out.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace hyps::sim {

class Cluster;
class Process;
class WorkerProcess;

class Faults {
 public:
  explicit Faults(Cluster& cluster);

  void begin();  // until Cluster::trouble is over
  void heal();   // everything, but for a worker that may be gone for good

 private:
  using Fault = std::function<void()>;

  void draw_rates();
  void draw_faults();
  void next();
  [[nodiscard]] bool is_over() const;
  void for_a_while(Fault undo);

  void kill(Process& process);
  void kill_somebody();
  void kill_worker();
  void kill_hub();
  void kill_hub_at_work();
  void kill_everything();
  void kill_broker();
  void freeze(Process& process);
  void freeze_somebody();
  void freeze_worker();
  void cut(Process& process);
  void cut_somebody();
  void cut_hub();
  void cut_worker();
  void slow_a_worker();
  void kill_voter();
  void slow_a_voter();
  void fill_disk();
  void fail_writes();
  void reach_reserve();
  void rot_a_feature_map();
  void jump_a_clock();
  void redeploy();
  void wipe_a_cache();
  Process& anybody();
  WorkerProcess& any_worker();
  void heal_process(Process& process, bool stays_away);

  Cluster& c_;
  std::vector<Fault> kinds_;
  std::int64_t pause_ms_ = 1000;
};

}  // namespace hyps::sim
