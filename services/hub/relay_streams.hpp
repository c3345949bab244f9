// RelayStreams: what the shell holds of relays: the bytes as they arrive, for the bus to take. Not
// thread-safe but for the sources, which any thread may call.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>

#include "common/bus/bus.hpp"
#include "common/protocol/stream.hpp"
#include "services/hub/events.hpp"

namespace hyps::hub {

class RelayStreams {
 public:
  using Encode = std::function<Blob(protocol::Chunk)>;  // to a frame
  // Gives the chunks of a relay, under the number `stream`, as far as they are there; an empty
  // frame where the next is yet to come, the end where none will come. `ended` is called once at
  // its end, by whoever calls the source, as is `encode`.
  bus::Source add(const StartRelay& relay, std::shared_ptr<const protocol::Assembly> arriving,
                  std::uint64_t stream, Encode encode, std::function<void(RelayEnded)> ended);
  void stop(std::uint64_t id);
  void forget(std::uint64_t id) { stopped_.erase(id); }  // it has ended
  // The connection is gone: so are their sources, or should be.
  void stop_all();
  [[nodiscard]] bool empty() const { return stopped_.empty(); }

 private:
  std::map<std::uint64_t, std::shared_ptr<std::atomic<bool>>> stopped_;
};

}  // namespace hyps::hub
