#include "services/hub/pulses.hpp"

#include <utility>

#include "common/protocol/codec.hpp"
#include "common/protocol/topics.hpp"

namespace hyps::hub {

void Pulses::arrived(const std::string& topic, Blob frame, Milliseconds at) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMaxSenders && !waiting_.contains(topic)) return;
  Waiting& waiting = waiting_[topic];
  waiting.frame = std::move(frame);
  if (waiting.at.size() < kMaxTimes) waiting.at.push_back(at);
}

std::vector<Event> Pulses::take() {
  std::map<std::string, Waiting> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(waiting_);
  }
  std::vector<Event> events;
  for (auto& [topic, waiting] : taken) {
    const auto worker = protocol::worker_of_beat(topic);
    auto message = protocol::decode(waiting.frame);
    auto* heartbeat = message.ok() ? std::get_if<protocol::Heartbeat>(&*message) : nullptr;
    if (worker && heartbeat != nullptr) {
      events.emplace_back(Beat{*worker, std::move(*heartbeat), std::move(waiting.at)});
    } else {
      events.emplace_back(FrameDropped{topic, "no heartbeat"});
    }
  }
  return events;
}

}  // namespace hyps::hub
