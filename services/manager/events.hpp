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

// Copied, moved and destroyed in one object file: a variant of so many types is slow to compile.
struct Event
    : std::variant<Connected, Disconnected, HubOnline, Received, Prepared, PrepareFailed, Tick> {
  using variant::variant;
  Event(const Event& other);
  Event(Event&& other) noexcept;
  Event& operator=(const Event& other);
  Event& operator=(Event&& other) noexcept;
  ~Event();
};

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
  std::string wanted_objective;
  std::vector<planning::Device> devices;
};
using Log = runtime::LogLine;

// Copied, moved and destroyed in one object file: a variant of so many types is slow to compile.
struct Effect : std::variant<Publish, PrepareModel, Log> {
  using variant::variant;
  Effect(const Effect& other);
  Effect(Effect&& other) noexcept;
  Effect& operator=(const Effect& other);
  Effect& operator=(Effect&& other) noexcept;
  ~Effect();
};
using Effects = std::vector<Effect>;

}  // namespace hyps::manager
