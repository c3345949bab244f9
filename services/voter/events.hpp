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

using Event = std::variant<Connected, Disconnected, HubOnline, Received, Malformed, Tick>;

// ---- effects, to be done in order -------------------------------------------------------------

struct Publish {
  protocol::Message message;
};
using Log = runtime::LogLine;

using Effect = std::variant<Publish, Log>;
using Effects = std::vector<Effect>;

}  // namespace hyps::voter
