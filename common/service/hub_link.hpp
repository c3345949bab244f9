// HubLink: the host of a service that talks to the hub and nobody else. Threads as Host.
#pragma once

#include "common/protocol/messages.hpp"
#include "common/protocol/topics.hpp"
#include "common/service/host.hpp"

namespace hyps::service {

class HubLink {
 public:
  struct Handlers {
    std::function<void(const Blob&)> frame;  // on its inbox
    std::function<void()> connected;
    std::function<void()> disconnected;
    std::function<void()> hub_online;     // a hub came up while we were connected
    std::function<void()> tick;           // every 100 ms
    std::function<void()> after = [] {};  // each of the others but tick, and each posted work
  };

  HubLink(protocol::Peer self, std::unique_ptr<bus::Bus> bus);

  void run(Handlers handlers, const std::atomic<bool>& stopped);

  void post(Host::Work work) { host_.post(std::move(work)); }
  void publish(const protocol::Message& message);
  template <typename Messages>
  void publish_all(const Messages& messages) {
    for (const auto& message : messages) publish(message);
  }
  Status send(bus::Source source) { return host_.send(protocol::outbox(self_), std::move(source)); }

 private:
  const protocol::Peer self_;
  Host host_;
};

}  // namespace hyps::service
