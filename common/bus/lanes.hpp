// Lanes: what waits to be sent, what is unacknowledged, and what may go next. Pure; not
// thread-safe; the bus's thread and its callbacks share it under the bus's mutex.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/bus/bus.hpp"
#include "common/bus/window.hpp"

namespace hyps::bus {

class Lanes {
 public:
  static constexpr std::size_t kMaxInFlight = 16;
  static constexpr std::size_t kMaxControlBytesInFlight = 1U << 20U;
  static constexpr int kMaxSendings = 5;

  Lanes(std::size_t max_messages, std::size_t max_bytes)
      : max_messages_(max_messages), max_bytes_(max_bytes) {}

  Status add_control(Message message);  // overloaded
  void add_bulk(std::string topic, Source source);

  struct Next {
    std::uint64_t serial = 0;
    Message message;
  };
  // What to send now, noted as in flight; nullopt: nothing, or no room until something ends. A
  // bulk source is asked for its frame here.
  std::optional<Next> next(Milliseconds now);

  // A sending ended; false: the broker refused it.
  void ended(std::uint64_t serial, bool accepted, Milliseconds now);

  // The connection is gone: control messages in flight go back to the head in their order, bulk is
  // dropped.
  void lost();

  [[nodiscard]] bool control_idle() const { return queued_bytes_ == 0 && control_in_flight_ == 0; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Control {
    Message message;
    int sendings = 0;
  };
  struct Sending {
    std::optional<Control> control;  // none: bulk
    std::size_t bytes = 0;
    Milliseconds since{0};
  };
  std::optional<Next> next_control(Milliseconds now);
  std::optional<Next> next_bulk(Milliseconds now);

  std::size_t max_messages_;
  std::size_t max_bytes_;
  std::deque<Control> queue_;
  std::size_t queued_bytes_ = 0;  // counts a message's topic too, so it is 0 only when empty
  std::deque<std::pair<std::string, Source>> sources_;
  std::map<std::uint64_t, Sending> in_flight_;  // by serial: in sending order
  std::size_t control_in_flight_ = 0;
  std::size_t control_bytes_in_flight_ = 0;
  Window window_;
  std::uint64_t next_serial_ = 1;
  std::uint64_t dropped_ = 0;
};

}  // namespace hyps::bus
