// Scrutineer: watches the votes, and knows who lies. A wrong result is never more than forwarded in
// haste, nobody honest is accused, nobody sees a result before it has voted on it, whose vote does
// not count is not counted, and whoever lies is named once nobody can disturb the vote.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "services/hub/core.hpp"
#include "worker_process.hpp"
#include "world.hpp"

namespace hyps::sim {

class Scrutineer {
 public:
  using Made = std::map<std::string, Digest>;  // what of each output

  explicit Scrutineer(World& world) : world_(world) {}

  void add_worker(const WorkerSetup& setup) { workers_[WorkerId(setup.id)] = setup; }
  // From now on nothing comes between a lie and its verdict.
  void all_is_well() { all_is_well_ = true; }

  // ---- told by the ledger ----
  void on_start() { given_.clear(); }
  void before(const hub::State& state, const hub::Event& event);
  void on_send(const hub::State& state, const hub::Send& send);
  void after(const hub::State& state);

  // Whom nobody has named, though it must have been; empty: nobody.
  [[nodiscard]] std::string unnamed(const hub::State& state) const;

 private:
  struct Vote {
    WorkerId worker;
    std::vector<protocol::TensorRef> outputs;
    bool counts = true;
  };

  void note_verdict(const hub::State& state, const protocol::Verdict& verdict);
  void note_lies(const std::vector<Vote>& votes, std::size_t quorum,
                 const std::map<WorkerId, Made>& honest);
  [[nodiscard]] std::optional<std::map<std::string, Blob>> inputs_of(
      const hub::State& state, const protocol::TaskKey& task,
      const partition::Partition& part) const;
  void check_ballot(const hub::State& state, const hub::Send& send, const protocol::Ballot& ballot);
  void check_unseen(const hub::State& state, const WorkerId& worker, const protocol::Run& run);
  void check_standby(const hub::State& state, const WorkerId& worker, const protocol::Run& run);

  World& world_;
  std::map<WorkerId, WorkerSetup> workers_;
  bool all_is_well_ = false;
  std::set<WorkerId> must_be_named_;  // after this step
  std::set<WorkerId> will_be_named_;  // at the end, if they are there
  // Of this life of the hub: who was given what.
  std::set<std::pair<protocol::TaskKey, WorkerId>> given_;
};

}  // namespace hyps::sim
