// Shell: the core's hands.
#pragma once

#include <atomic>
#include <memory>

#include "common/service/hub_link.hpp"
#include "services/voter/core.hpp"

namespace hyps::voter {

class Shell {
 public:
  Shell(CoreConfig config, std::unique_ptr<bus::Bus> bus);

  // Until `stopped`; then says goodbye.
  void run(const std::atomic<bool>& stopped);

 private:
  void handle(Result<protocol::Message> message);
  void step(const Event& event);
  void perform(const Publish& effect) { link_.publish(effect.message); }
  void perform(const Log& effect) { runtime::log(effect); }

  Core core_;
  service::HubLink link_;
};

}  // namespace hyps::voter
