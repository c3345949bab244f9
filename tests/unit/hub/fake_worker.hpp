// A worker that computes texts: an output names its tensor and the digest of the inputs.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/partition/plan.hpp"
#include "common/protocol/stream.hpp"
#include "services/hub/events.hpp"

namespace hyps::hub {

using protocol::TaskKey;

// What a partition makes of its inputs, by tensor. The oracle of whole runs too.
std::map<std::string, Blob> compute(const partition::Partition& partition,
                                    const std::map<std::string, Blob>& inputs);

class FakeWorker {
 public:
  FakeWorker(const partition::Plan* plan, const std::string& id, bool safe,
             std::uint64_t incarnation);

  // Each returns what it sends to the hub.
  std::vector<Event> hello() const;
  std::vector<Event> on_message(const protocol::Message& message, Milliseconds now);
  std::vector<Event> on_input(const TaskKey& key, Epoch epoch, const std::string& tensor,
                              const Blob& data, Milliseconds now);
  std::vector<Event> heartbeat(Milliseconds now);
  [[nodiscard]] Peer peer() const { return {protocol::Role::worker, info.id.text}; }

  protocol::WorkerInfo info;
  std::optional<protocol::Assign> assign;
  std::map<TaskKey, int> computed;
  // Tests may have it fail, or keep its results to itself.
  std::optional<protocol::TaskFailed> fail_with;
  bool mute = false;
  bool lie_about_digests = false;
  // What it makes of a right output before it announces and sends it; of what it has announced.
  std::function<Blob(const Blob& right)> lie;
  std::function<Blob(const Blob& announced)> send_instead;

 private:
  struct Held {
    Epoch epoch = 0;
    std::optional<protocol::Run> run;
    std::map<std::string, Blob> received;
    std::vector<std::pair<protocol::TensorRef, Blob>> outputs;
    Milliseconds touched{0};
  };
  // nullptr: it is not here yet.
  const Blob* input_of(const TaskKey& key, const Held& held,
                       const protocol::TensorRef& wanted) const;
  std::vector<Event> try_compute(const TaskKey& key, Held& held);
  std::vector<Event> results(const TaskKey& key, const Held& held);

  const partition::Plan* plan_;
  std::map<TaskKey, Held> held_;
  std::uint64_t last_stream_ = 0;
};

}  // namespace hyps::hub
