// What the voter's core is told and what it wants done.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "common/protocol/messages.hpp"
#include "common/runtime/log.hpp"

namespace hyps::voter {

// ---- events ---------------------------------------------------------------------------------

struct Connected {};  // to the broker
struct Disconnected {};
struct HubOnline {};  // a hub came up while we were connected
struct Received {     // on the inbox, decoded
  protocol::Message message;
};
struct Malformed {  // on the inbox, and no message
  std::string reason;
};
struct Tick {};  // a few times a second

// Copied, moved and destroyed in one object file: a variant of so many types is slow to compile.
struct Event : std::variant<Connected, Disconnected, HubOnline, Received, Malformed, Tick> {
  using variant::variant;
  Event(const Event& other);
  Event(Event&& other) noexcept;
  Event& operator=(const Event& other);
  Event& operator=(Event&& other) noexcept;
  ~Event();
};

// ---- effects, to be done in order -------------------------------------------------------------

struct Publish {
  protocol::Message message;
};
using Log = runtime::LogLine;

// Copied, moved and destroyed in one object file: a variant of so many types is slow to compile.
struct Effect : std::variant<Publish, Log> {
  using variant::variant;
  Effect(const Effect& other);
  Effect(Effect&& other) noexcept;
  Effect& operator=(const Effect& other);
  Effect& operator=(Effect&& other) noexcept;
  ~Effect();
};
using Effects = std::vector<Effect>;

}  // namespace hyps::voter
