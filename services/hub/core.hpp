// Core: the hub's logic as a pure state machine. No MQTT, no disk, no clock, no thread.
//
// The caller carries out the effects in order, and answers each Persist and ReadRecord (by a
// Persisted or RecordRead event) before it hands in another event.
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
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace hyps::hub
