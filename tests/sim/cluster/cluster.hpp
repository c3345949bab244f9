// A whole cluster in one thread: everything that happens follows from the seed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hub_process.hpp"
#include "ledger.hpp"
#include "manager_process.hpp"
#include "network.hpp"
#include "user_process.hpp"
#include "voter_process.hpp"
#include "worker_process.hpp"
#include "world.hpp"

namespace hyps::sim {

struct Outcome {
  std::string violation;  // empty: every promise was kept
  std::vector<std::string> history;
  std::size_t accepted = 0;
  std::size_t answered = 0;
  Milliseconds recovery{0};  // from when all was well until all promises were kept
};

// One life of a cluster: faults for a while, then everything heals, and what was promised must
// come.
Outcome simulate(std::uint64_t seed, bool with_history);

class Cluster {
 public:
  Cluster(std::uint64_t seed, bool with_history);

  void start();
  void run_until(Milliseconds time);  // or a violation
  void run_until_settled(Milliseconds limit);
  // What is still missing; empty: all that was promised is done.
  [[nodiscard]] std::string missing() const;
  // Nothing is kept that nobody needs any more.
  void check_leftovers();
  void check_kept_feature_maps();
  [[nodiscard]] std::vector<Process*> processes();
  // One of the plans that this cluster may have.
  [[nodiscard]] std::size_t any_plan();
  // Whether a quorum of honest workers is left without it.
  [[nodiscard]] bool can_miss(const WorkerProcess& worker) const;

  World world;
  Network network{world};
  Ledger ledger{world};
  std::unique_ptr<HubProcess> hub;
  std::unique_ptr<ManagerProcess> manager;
  std::vector<std::unique_ptr<WorkerProcess>> workers;
  std::vector<std::unique_ptr<VoterProcess>> voters;
  std::unique_ptr<UserProcess> user;
  Milliseconds trouble{0};  // how long faults happen

 private:
  // Copies of partitions: how many, how many must agree, how many workers lie about them.
  struct Voting {
    int replicas = 1;
    int quorum = 1;
    std::int64_t liars = 0;
  };

  void draw_voting();
  void add_workers();
  void add_worker(bool honest, bool mixed);
  [[nodiscard]] hub::Config hub_config();

  Voting voting_;
};

}  // namespace hyps::sim
