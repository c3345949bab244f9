#include <atomic>
#include <utility>

#include "common/bus/pulse.hpp"

namespace hyps::bus {

namespace {

class MemoryPulse : public Pulse {
 public:
  explicit MemoryPulse(std::shared_ptr<MemoryBroker> broker)
      : bus_(make_memory_bus(std::move(broker), "pulse")) {}

  void start(std::string filter, Handler handler) override {
    if (!filter.empty()) bus_->subscribe(std::move(filter));
    Handlers handlers;
    handlers.message = [handler = std::move(handler)](Message message) {
      handler(std::move(message.topic), std::move(message.payload));
    };
    bus_->start(std::move(handlers));
    started_ = true;
  }

  bool send(const std::string& topic, const Blob& payload) override {
    if (!started_) return false;
    return bus_->publish({.topic = topic, .payload = payload}).ok();
  }

 private:
  std::unique_ptr<Bus> bus_;
  std::atomic<bool> started_{false};
};

}  // namespace

std::unique_ptr<Pulse> make_memory_pulse(std::shared_ptr<MemoryBroker> broker) {
  return std::make_unique<MemoryPulse>(std::move(broker));
}

}  // namespace hyps::bus
