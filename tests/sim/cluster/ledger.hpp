// Ledger: what the hub has promised, noted by somebody who sees all and forgets nothing; and the
// checks, after each of the hub's steps and effects, that it keeps to it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/bus/bus.hpp"
#include "scrutineer.hpp"
#include "services/hub/core.hpp"
#include "world.hpp"

namespace hyps::sim {

class Ledger {
 public:
  struct Job {
    std::string image;
    bool accepted = false;  // and said so
    bool image_rotten = false;
    std::string answer;  // as first told
    int at_broker = 0;   // how often the broker has had the answer
    bool is_done = false;
  };

  explicit Ledger(World& world) : scrutineer(world), world_(world) {}

  // ---- told by the hub's process ----
  void on_start(const hub::State& state);
  void before(const hub::State& state, const hub::Event& event);
  // REQUIRES: called before the effect is carried out; the state is the one after the step.
  void on_effect(const hub::State& state, const hub::Effect& effect);
  void after(const hub::State& state, const hub::Event& event, bool had_effects);
  // ---- told by others ----
  void on_broker(const bus::Message& message);
  void on_rot(const std::string& key);

  [[nodiscard]] const std::map<std::string, Job>& jobs() const { return jobs_; }
  // All that was promised is kept: every accepted job has its answer at the broker.
  [[nodiscard]] std::string missing() const;

  Scrutineer scrutineer;

 private:
  struct Judge;
  // A result that came, and whether the hub may take it.
  struct Claim {
    protocol::TaskKey task;
    bool legitimate = false;
    std::size_t results = 0;
    hub::Task::State state = hub::Task::State::idle;
  };
  using AskerKey = std::pair<std::string, std::string>;  // topic, correlation

  [[nodiscard]] static const hub::Task* find_task(const hub::State& state,
                                                  const protocol::TaskKey& key);
  static std::size_t results_of(const hub::Task& task);
  void claim(const hub::State& state, const std::string& worker, const protocol::TaskKey& task,
             Epoch epoch);
  void check_claim(const hub::State& state);
  void note_ask(const hub::State& state, const hub::UserInput& input);
  void check_write(const std::string& key, const Blob& value, const store::Batch& batch);
  [[nodiscard]] bool is_in_doubt(const std::string& job, const store::Batch& batch);
  void check_run(const hub::State& state, const WorkerId& worker, const protocol::Run& run);
  void check_relay(const hub::State& state, const hub::StartRelay& relay);
  void check_assign(const hub::State& state, const WorkerId& worker,
                    const protocol::Assign& assign);
  void check_stored(const hub::State& state, const WorkerId& worker,
                    const protocol::Stored& stored);
  void check_accepted(const std::string& event);
  void check_refused(const std::string& answer);
  void check_answer(const hub::Publish& publish);
  void check_outcome(const std::string& job, const std::string& answer);
  [[nodiscard]] bool is_intact(const JobId& job, const std::string& tensor);

  World& world_;
  std::map<std::string, Job> jobs_;
  std::optional<Claim> claim_;
  // Of this life: feature maps that the hub wants deleted, whether the disk has done it or not.
  std::set<std::string> given_up_;
  std::string asked_again_;  // the job of the input being handled, if it is the same input again
  // Of this life of the hub: how often an answer may be told and was.
  std::map<std::string, int> repeats_;  // by job: because the bus was full
  std::map<std::pair<std::string, AskerKey>, int> asked_;
  std::map<std::pair<std::string, AskerKey>, int> told_;
};

}  // namespace hyps::sim
