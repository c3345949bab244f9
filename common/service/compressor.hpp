// Compressor: what a service's chunks are sent as: compressed where that pays (compression::Choice,
// one for each way), or always, or never. Its encoders are called by the sources of one bus, which
// asks them one at a time; the rest is for the service's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/blob.hpp"
#include "common/compression/choice.hpp"
#include "common/protocol/messages.hpp"

namespace hyps::service {

// Of a stream that has been sent.
struct Sent {
  std::uint64_t bytes = 0;
  std::uint64_t wire_bytes = 0;
};

class Compressor {
 public:
  using Encoder = std::function<Blob(protocol::Chunk)>;  // a frame
  // Streams of fewer bytes are sent as they are.
  static constexpr std::size_t kLeastBytes = 64U << 10U;

  // `mode`: auto, on or off. `link_rate`: bytes a second that the broker takes; 0: not known. Any
  // thread may call it.
  Compressor(const std::string& mode, std::function<double()> link_rate);

  // For one stream: what a partition makes of this tensor, or another partition is given, on its
  // way to a peer (empty: there is only one). `further` limits the rate beyond the broker; 0: not
  // known. `sent` is called by whoever encodes the last chunk of kLeastBytes or more.
  Encoder encoder(const protocol::TaskKey& task, const std::string& tensor,
                  const std::string& peer = {}, double further = 0,
                  std::function<void(Sent)> sent = {});

 private:
  static constexpr std::size_t kMaxWays = 4096;
  enum class Mode : std::uint8_t { automatic, on, off };
  using Way = std::shared_ptr<compression::Choice>;

  [[nodiscard]] static protocol::Chunk choose(compression::Choice& choice, protocol::Chunk chunk,
                                              double link);

  Mode mode_;
  std::function<double()> link_rate_;
  std::map<std::string, Way> ways_;
};

}  // namespace hyps::service
