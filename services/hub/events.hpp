// What goes into the core and what comes out. Plain values: the core knows neither MQTT nor a disk.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/protocol/messages.hpp"
#include "common/protocol/stream.hpp"
#include "common/protocol/topics.hpp"
#include "common/runtime/log.hpp"
#include "common/store/store.hpp"

namespace hyps::hub {

using protocol::Peer;

// ---- events ------------------------------------------------------------------------------------

struct BusConnected {};
struct BusDisconnected {};
struct FromPeer {  // never a Chunk: streams are assembled before the core
  Peer peer;
  protocol::Message message;
};
// A heartbeat that came on the connection of heartbeats, and when, with those just before it.
struct Beat {
  WorkerId worker;
  protocol::Heartbeat heartbeat;
  std::vector<Milliseconds> at;
};
struct TensorArrived {
  Peer peer;
  protocol::Arrival arrival;
};
struct StreamBegan {  // the first of several chunks of a feature map that a worker sends
  Peer peer;
  std::uint64_t stream = 0;  // the worker's number
  protocol::TaskKey task;
  Epoch epoch = 0;
  std::string tensor;
  std::uint64_t bytes = 0;  // of the whole
};
struct RelayEnded {  // StartRelay's; none comes for one that ends with the connection
  std::uint64_t id = 0;
  bool whole = false;  // the bus has taken all of it
};
struct InputSent {  // the last chunk of a large input is on its way to the bus
  WorkerId worker;
  protocol::TaskKey task;
  std::string tensor;
  std::uint64_t bytes = 0;
  std::uint64_t wire_bytes = 0;  // fewer, if it was compressed
};
struct TensorLost {  // a stream from a worker that broke off or could not be taken
  protocol::TaskKey task;
  Epoch epoch = 0;
  std::string reason;
};
struct UserInput {
  ModelName model;
  Blob payload;
  std::string job_id;  // the user's; empty: the hub makes one
  std::string response_topic;
  std::string correlation;
};
struct PeerStatus {
  Peer peer;
  bool online = false;
};
struct Persisted {  // the answer to Persist
  std::uint64_t token = 0;
  Status status;
};
struct RecordRead {  // the answer to ReadRecord
  std::uint64_t token = 0;
  Result<Blob> value;
};
struct InputNotSent {  // SendCheckpoint could not be done
  WorkerId worker;
  protocol::TaskKey task;
  Epoch epoch = 0;
  std::string tensor;
  Error error;  // corrupt or not_found: the stored bytes are gone
};
struct PartNotSent {  // SendPart could not be done
  Peer peer;
  Digest file;
  std::uint64_t offset = 0;
  Error error;  // corrupt or not_found: the stored bytes are gone
};
struct AnswerNotSent {  // the bus was full
  JobId job;
};
struct AnswerSent {  // the broker has it, or will never take it
  JobId job;
};
struct BackupWritten {         // the answer to WriteBackup, when it comes
  Result<std::string> folder;  // where it is
};
struct FrameDropped {  // bytes that are no message
  std::string from;
  std::string reason;
};
struct DiskFree {
  std::int64_t bytes = 0;
  std::int64_t total = 0;
};
struct Tick {};

// Copied, moved and destroyed in one object file: a variant of so many types is slow to compile.
struct Event : std::variant<BusConnected, BusDisconnected, FromPeer, Beat, StreamBegan,
                            TensorArrived, InputSent, TensorLost, RelayEnded, UserInput, PeerStatus,
                            Persisted, RecordRead, InputNotSent, PartNotSent, AnswerNotSent,
                            AnswerSent, BackupWritten, FrameDropped, DiskFree, Tick> {
  using variant::variant;
  Event(const Event& other);
  Event(Event&& other) noexcept;
  Event& operator=(const Event& other);
  Event& operator=(Event&& other) noexcept;
  ~Event();
};

// ---- effects, to be carried out in order
// ----------------------------------------------------------

struct Send {
  Peer to;
  protocol::Message message;
};
// Reads the stored feature map, verifies its digest and streams it.
struct SendCheckpoint {
  WorkerId to;
  protocol::TaskKey task;
  Epoch epoch = 0;
  protocol::TensorRef tensor;
};
// Forwards the stream that is arriving, as what this worker needs for that task, chunk by chunk and
// with a number of its own; answered by RelayEnded.
struct StartRelay {
  std::uint64_t id = 0;
  Peer from;
  std::uint64_t stream = 0;
  WorkerId to;
  protocol::TaskKey task;
  Epoch epoch = 0;
  std::string tensor;
};
struct StopRelay {  // no chunk more; nothing, if it has ended
  std::uint64_t id = 0;
};
// Bytes at hand, to whom they concern: a replica's outputs to the voter, a job's to a client.
struct SendValue {
  Peer to;
  protocol::Arrival value;
};
// The same of one whose outputs are stored; nothing, if they cannot be read.
struct SendStoredValue {
  Peer to;
  protocol::TaskKey task;
  Epoch epoch = 0;
  protocol::TensorRef tensor;
};
// Reads a part of a file and sends it as Part.
struct SendPart {
  Peer to;
  Digest file;
  std::uint64_t offset = 0;
};
struct Publish {
  std::string topic;
  std::string payload;
  bool retained = false;
  std::string correlation = {};
  JobId answer_of = {};  // not empty: AnswerSent or AnswerNotSent follows
  bool is_line = false;  // may be in one message with others of its topic (lines.hpp)
};
struct Persist {
  std::uint64_t token = 0;
  store::Batch batch;
};
struct ReadRecord {
  std::uint64_t token = 0;
  std::string key;
};
// Copies the store into the folder of this name while the hub goes on; one at a time.
struct WriteBackup {
  std::string name;  // leads to no place but below the backup folder
};
using Log = runtime::LogLine;

// Copied, moved and destroyed in one object file: a variant of so many types is slow to compile.
struct Effect
    : std::variant<Send, SendCheckpoint, StartRelay, StopRelay, SendValue, SendStoredValue,
                   SendPart, Publish, Persist, ReadRecord, WriteBackup, Log> {
  using variant::variant;
  Effect(const Effect& other);
  Effect(Effect&& other) noexcept;
  Effect& operator=(const Effect& other);
  Effect& operator=(Effect&& other) noexcept;
  ~Effect();
};

}  // namespace hyps::hub
