// HubLink: the host of a service that talks to the hub and nobody else. Threads as Host.
#pragma once

#include <vector>

#include "common/protocol/parcel.hpp"
#include "common/protocol/topics.hpp"
#include "common/service/host.hpp"

namespace hyps::service {

class HubLink {
 public:
  struct Handlers {
    std::function<void(Result<protocol::Message>)> message;  // on its inbox; or why it is none
    std::function<void()> connected;
    std::function<void()> disconnected;
    std::function<void()> hub_online;         // a hub came up while we were connected
    std::function<void()> tick;               // every 100 ms
    std::function<void()> end_round = [] {};  // of calls and posted work that had come together
  };

  HubLink(protocol::Peer self, std::unique_ptr<bus::Bus> bus);

  void run(Handlers handlers, const std::atomic<bool>& stopped);

  void post(Host::Work work) { host_.post(std::move(work)); }
  // At the end of the round, together with what else it publishes.
  void publish(const protocol::Message& message);
  template <typename Messages>
  void publish_all(const Messages& messages) {
    for (const auto& message : messages) publish(message);
  }
  [[nodiscard]] bus::LinkRates link_rates() const { return host_.link_rates(); }  // thread-safe
  Status send(bus::Source source) { return host_.send(protocol::outbox(self_), std::move(source)); }

 private:
  void send_frames();

  const protocol::Peer self_;
  Host host_;
  std::vector<Blob> frames_;  // of the round
};

}  // namespace hyps::service
