// Host: what the shell of every service does, whatever its core: one thread on which everything
// happens, a bus that brings messages to it, a retained status. Only post() may be called by other
// threads.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "common/base/time.hpp"
#include "common/bus/bus.hpp"
#include "common/runtime/event_loop.hpp"

namespace hyps::service {

struct HostOptions {
  std::string status_topic;        // the bus must have been made with it as will
  std::size_t max_waiting = 1024;  // posts; then the bus waits
  Milliseconds tick{100};
  int goodbye_ms = 1000;
};

class Host {
 public:
  using Work = std::function<void()>;
  struct Handlers {
    std::function<void(bus::Message)> message;
    std::function<void()> connected;  // "online" is on its way
    std::function<void()> disconnected;
    std::function<void()> tick;
    std::function<void()> end_round = [] {};  // of calls and posted work that had come together
  };

  Host(HostOptions options, std::unique_ptr<bus::Bus> bus);

  // Before run.
  void subscribe(std::string filter) { bus_->subscribe(std::move(filter)); }
  // Until `stopped`; then says goodbye and closes the bus.
  void run(Handlers handlers, const std::atomic<bool>& stopped);

  // Thread-safe; waits while too much waits, is in vain once run() has ended.
  void post(Work work) { loop_.post(std::move(work)); }
  // A refusal is logged.
  Status publish(bus::Message message);
  Status send(std::string topic, bus::Source source) {
    return bus_->send(std::move(topic), std::move(source));
  }
  void wake() { bus_->wake(); }
  [[nodiscard]] bus::LinkRates link_rates() const { return bus_->link_rates(); }  // thread-safe

 private:
  void connect();
  void publish_status(const char* status);

  const HostOptions options_;
  Handlers handlers_;
  runtime::EventLoop<Work> loop_;
  std::unique_ptr<bus::Bus> bus_;
};

}  // namespace hyps::service
