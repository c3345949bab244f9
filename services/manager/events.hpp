// What the manager's core is told and what it wants done.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/planning/planning.hpp"
#include "common/protocol/messages.hpp"
#include "common/runtime/log.hpp"

namespace hyps::manager {

using WorkNumber = std::uint64_t;  // of a preparation

// ---- events ---------------------------------------------------------------------------------

struct Connected {};  // to the broker
struct Disconnected {};
struct HubOnline {};  // a hub came up while we were connected
struct Received {
  protocol::Message message;
};
struct Prepared {  // and its bundles' files are in the hub
  WorkNumber work = 0;
  std::string plan_json;
  std::vector<protocol::BundleRef> bundles;
};
struct PrepareFailed {
  enum class Cause { model, workers, passing };
  WorkNumber work = 0;
  Cause cause = Cause::model;
  std::string message;
};
struct Tick {};

using Event =
    std::variant<Connected, Disconnected, HubOnline, Received, Prepared, PrepareFailed, Tick>;

// ---- effects ----------------------------------------------------------------------------------

struct Publish {
  protocol::Message message;
};
struct PrepareModel {  // answered by Prepared or PrepareFailed
  WorkNumber work = 0;
  ModelName model;
  std::vector<protocol::FileRef> files;
  std::string wanted_plan_json;
  std::string wanted_replication;
  std::vector<planning::Device> devices;
};
using Log = runtime::LogLine;

using Effect = std::variant<Publish, PrepareModel, Log>;
using Effects = std::vector<Effect>;

}  // namespace hyps::manager
