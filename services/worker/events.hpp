// What the core is told and what it wants done. A partition's assignment is named by a serial of
// the core's own making, so that news about a former assignment cannot be taken for the present
// one.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/protocol/messages.hpp"
#include "common/runtime/log.hpp"

namespace hyps::worker {

using Serial = std::uint64_t;  // of an assignment
using TaskId = std::uint64_t;  // of a task as accepted here

struct NamedBlob {
  std::string name;
  Blob data;
};
struct Output {
  protocol::TensorRef ref;
  Blob data;
};

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
struct Fetched {  // all files of the assignment are on disk
  Serial serial = 0;
};
struct FetchFailed {
  Serial serial = 0;
  std::string message;
};
// What a loaded partition needs of memory, in bytes. Nothing streamable: all of it is in memory,
// and it counts as what it was declared to need.
struct Needs {
  std::uint64_t weights = 0;
  std::uint64_t streamable = 0;   // of them, what need not stay resident
  std::uint64_t window = 0;       // what is resident of streamed ones at a time
  std::uint64_t activations = 0;  // while it computes, outputs included, inputs not
  std::uint64_t inputs = 0;
  std::uint64_t outputs = 0;
  std::uint64_t further_image = 0;  // beside the activations, for each further image of a batch

  bool operator==(const Needs&) const = default;
};
struct Loaded {
  Serial serial = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t load_us = 0;
  Needs needs{};
  bool gains_from_batches = false;
};
struct LoadFailed {
  Serial serial = 0;
  std::string message;
};
struct Computed {
  TaskId task = 0;
  std::vector<Output> outputs;
  std::uint64_t compute_us = 0;  // its share
  std::uint32_t together = 1;    // of so many that were computed in one go
};
struct ComputeFailed {
  TaskId task = 0;
  bool permanent = false;
  std::string message;
};
struct Waited {  // the time of a Wait is over
  std::uint64_t wait = 0;
};
struct Sent {  // the last chunk is out (or the stream was given up)
  std::uint64_t stream = 0;
};
struct Tick {};  // a few times a second

// Copied, moved and destroyed in one object file: a variant of so many types is slow to compile.
struct Event
    : std::variant<Connected, Disconnected, HubOnline, Received, Malformed, Fetched, FetchFailed,
                   Loaded, LoadFailed, Computed, ComputeFailed, Waited, Sent, Tick> {
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
struct Pulse {  // on the connection of heartbeats, or not at all
  protocol::Heartbeat heartbeat;
};
struct SendTensor {  // as a chunk stream; answered by Sent
  std::uint64_t stream = 0;
  protocol::TaskKey task;
  Epoch epoch = 0;
  std::string tensor;
  Blob data;
};
struct StopSending {
  std::uint64_t stream = 0;
};
struct Fetch {  // answered by Fetched or FetchFailed
  Serial serial = 0;
  std::vector<protocol::FileRef> files;
};
struct Keep {  // files the cache may not evict; all others it may
  std::vector<protocol::FileRef> files;
};
struct Load {  // answered by Loaded or LoadFailed
  Serial serial = 0;
  protocol::AssignedPartition partition;
  std::int64_t image_bytes = 0;  // of memory, to decode an image in
};
struct Unload {
  Serial serial = 0;
};
struct Retain {  // of the streamable weights of a loaded one, so many may stay resident
  Serial serial = 0;
  std::uint64_t bytes = 0;
};
struct Compute {  // several of one partition in one go; each answered by Computed or ComputeFailed
  struct Item {
    TaskId task = 0;
    std::vector<NamedBlob> inputs;
  };
  Serial serial = 0;
  std::vector<Item> items;
};
struct Wait {  // answered by Waited, later where other work comes first; a new one replaces it
  std::uint64_t wait = 0;
  Milliseconds time{0};
};
using Log = runtime::LogLine;

// Copied, moved and destroyed in one object file: a variant of so many types is slow to compile.
struct Effect : std::variant<Publish, Pulse, SendTensor, StopSending, Fetch, Keep, Load, Unload,
                             Compute, Wait, Log, Retain> {
  using variant::variant;
  Effect(const Effect& other);
  Effect(Effect&& other) noexcept;
  Effect& operator=(const Effect& other);
  Effect& operator=(Effect&& other) noexcept;
  ~Effect();
};
using Effects = std::vector<Effect>;

}  // namespace hyps::worker
