// Feature maps as chunk streams. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/protocol/messages.hpp"

namespace hyps::protocol {

// Cuts a tensor into chunks on demand (see bus::Source).
class StreamWriter {
 public:
  StreamWriter(std::uint64_t stream, TaskKey task, Epoch epoch, std::string tensor, Blob data);
  // The next chunk with at most `bytes` of data; nullopt when all is out. An empty tensor is one
  // empty chunk.
  std::optional<Chunk> next(std::size_t bytes);

 private:
  Chunk chunk_;
  Blob data_;
  bool done_ = false;
};

struct Arrival {
  TaskKey task;
  Epoch epoch = 0;
  std::string tensor;
  Blob data;
};

// Assembles streams of one sender or many; key: (sender, stream). Bounded: a stream above
// `max_stream_bytes`, or more than `max_bytes` in all, is refused (overloaded). Chunks arrive in
// order within a stream; a duplicate is ignored, a gap drops the stream (corrupt, said once).
class StreamReader {
 public:
  StreamReader(std::size_t max_stream_bytes, std::size_t max_bytes)
      : max_stream_bytes_(max_stream_bytes), max_bytes_(max_bytes) {}

  Result<std::optional<Arrival>> accept(const std::string& sender, const Chunk& chunk,
                                        Milliseconds now);
  // Drops streams with no chunk for `age`; returns what they were for.
  std::vector<Arrival> expire(Milliseconds now, Milliseconds age);  // data empty
  void drop_sender(const std::string& sender);
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  // Streams that never get further cost memory beside their bytes: bounded, too.
  static constexpr std::size_t kMaxStreams = 4096;
  static constexpr std::size_t kMaxEnded = 256;
  struct Stream {
    Arrival arrival;
    std::vector<std::byte> data;
    std::uint64_t total = 0;
    Milliseconds last{0};
    [[nodiscard]] bool is_of(const Chunk& chunk) const;
  };
  using Key = std::pair<std::string, std::uint64_t>;
  using Streams = std::map<Key, Stream>;

  Status open(const Key& key, const Chunk& chunk);
  Result<std::optional<Arrival>> append(Streams::iterator found, const Chunk& chunk,
                                        Milliseconds now);
  void forget(Streams::iterator stream);

  Streams streams_;
  std::deque<Key> ended_;  // the latest, to tell a late duplicate from a gap
  std::size_t max_stream_bytes_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;  // announced by the streams under way
};

}  // namespace hyps::protocol
