// Core: the hub's logic as a pure state machine. No MQTT, no disk, no clock, no thread.
//
// The caller hands in events in rounds: step() for each that has come, then settle(), for what
// follows from them together. It carries out all effects in order and answers each Persist and
// ReadRecord by a Persisted or RecordRead event, in that order too; but writes may be put off to
// the end of the round, to be done as one. Until they are answered it hands in only what
// overlaps().
#pragma once

#include <memory>
#include <vector>

#include "services/hub/state.hpp"

namespace hyps::hub {

class Core {
 public:
  // `seed` makes job ids; it should differ at each start.
  Core(Config config, Restored restored, std::uint64_t seed, Now now);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  std::vector<Effect> step(const Event& event, Now now);
  std::vector<Effect> settle(Now now);
  // Whether the event may be handed in while writes are under way: those that many small jobs are
  // made of. All others wait until every write before them is answered.
  static bool overlaps(const Event& event);
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace hyps::hub
