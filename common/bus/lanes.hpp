// Lanes: what waits to be sent, what is unacknowledged, and what may go next. Pure; not
// thread-safe; the bus's thread and its callbacks share it under the bus's mutex.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/bus/bus.hpp"
#include "common/bus/sockets.hpp"
#include "common/bus/window.hpp"

namespace hyps::bus {

class Lanes {
 public:
  static constexpr std::size_t kMaxInFlight = 16;
  static constexpr std::size_t kMaxControlBytesInFlight = 1U << 20U;
  static constexpr std::size_t kMaxSources = 1024;
  static constexpr std::size_t kPacketOverhead = 1024;  // head of a packet, and of a frame
  static constexpr int kMaxSendings = 10;

  Lanes(std::size_t max_messages, std::size_t max_bytes)
      : max_messages_(max_messages), max_bytes_(max_bytes) {}

  // Errors: overloaded; invalid (above the broker's maximum packet).
  Status add_control(Message message);
  Status add_bulk(std::string topic, Source source);  // overloaded

  // What a new connection takes at most. Returns the queued messages above it: dropped.
  std::vector<Message> limit_packets(std::size_t bytes);

  struct Next {
    std::uint64_t serial = 0;
    Message message;
  };
  // The control message to send now, noted as in flight; nullopt: none, or no room until one ends
  // or the socket has sent some.
  std::optional<Next> next_control(Milliseconds now, const Room& room = {});

  struct Bulk {
    std::string topic;
    Source source;
    std::size_t bytes = 0;  // to ask it for
    std::uint64_t wakes = 0;
  };
  // The source whose turn it is, if there is room. The caller asks it for a frame, without holding
  // the bus's mutex, and gives both to add_chunk(), or puts it aside, or drops it at its end.
  std::optional<Bulk> take_bulk(const Room& room = {});
  // Errors: invalid (above the broker's maximum packet; the source is dropped).
  Result<Next> add_chunk(Bulk bulk, Blob frame, Milliseconds now);
  // It has nothing yet: its turn comes after wake(), one since take_bulk() included.
  void put_aside(Bulk bulk);
  void wake();

  // A sending ended. nullopt: of an earlier connection.
  struct Ended {
    std::string topic;
    std::function<void()> settled;  // nullptr: of bulk, or nobody asked
  };
  std::optional<Ended> ended(std::uint64_t serial, Milliseconds now);

  // The connection is gone: control messages in flight go back to the head in their order, bulk is
  // dropped. Returns the messages given up: a broker that throws us out for one message would do so
  // for ever.
  std::vector<Message> lost();

  // There is something to send and, but for the socket, room for it.
  [[nodiscard]] bool waits_for_socket() const {
    return !is_full() && (!queue_.empty() || (!sources_.empty() && window_.has_room()));
  }
  [[nodiscard]] bool control_idle() const { return queue_.empty() && control_in_flight_ == 0; }

 private:
  struct Control {
    Message message;
    int sendings = 0;
  };
  struct Sending {
    std::optional<Control> control;  // none: bulk
    std::string topic;
    std::size_t bytes = 0;
    Milliseconds since{0};
  };
  [[nodiscard]] static bool fits(const Message& message, const Room& room);
  [[nodiscard]] bool is_full() const { return in_flight_.size() >= kMaxInFlight; }

  std::size_t max_messages_;
  std::size_t max_bytes_;
  std::size_t max_packet_ = std::size_t{256} << 20U;  // MQTT's own maximum
  std::deque<Control> queue_;
  std::size_t queued_bytes_ = 0;
  using Sources = std::deque<std::pair<std::string, Source>>;
  Sources sources_;
  Sources asleep_;
  std::uint64_t wakes_ = 0;
  std::map<std::uint64_t, Sending> in_flight_;  // by serial: in sending order
  std::size_t control_in_flight_ = 0;
  std::size_t control_bytes_in_flight_ = 0;
  Window window_;
  std::uint64_t next_serial_ = 1;
};

}  // namespace hyps::bus
