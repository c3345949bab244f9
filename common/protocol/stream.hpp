// Feature maps as chunk streams. Pure.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/memory.hpp"
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

// The chunk with its data compressed; as it is, where that makes it no smaller.
Chunk compressed(Chunk chunk);

// The bytes of a feature map that is arriving, in memory of its size, which is not touched before.
// One thread appends; any thread may read what is there already, for it does not change any more,
// and hear that nothing more will come.
class Assembly {
 public:
  explicit Assembly(std::size_t size) : bytes_(untouched_bytes(size)), size_(size) {}
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t filled() const { return filled_.load(std::memory_order_acquire); }
  // REQUIRES: filled() + bytes.size() <= size()
  void append(std::span<const std::byte> bytes);
  // What append() would fill next, to be filled in place; then filled_up(size) counts it in.
  // REQUIRES: filled() + size <= size()
  std::span<std::byte> room(std::size_t size);
  void filled_up(std::size_t size);
  void abandon() { abandoned_.store(true, std::memory_order_release); }
  [[nodiscard]] bool abandoned() const { return abandoned_.load(std::memory_order_acquire); }
  // REQUIRES: offset + size <= filled()
  static Blob part(std::shared_ptr<const Assembly> whole, std::size_t offset, std::size_t size);

 private:
  std::shared_ptr<std::byte[]> bytes_;
  std::size_t size_;
  std::atomic<std::size_t> filled_{0};
  std::atomic<bool> abandoned_{false};
};

struct Arrival {
  TaskKey task;
  Epoch epoch = 0;
  std::string tensor;
  Blob data;
  Digest digest = {};            // of data that arrived; taken meanwhile
  std::uint64_t stream = 0;      // the sender's number
  std::uint64_t wire_bytes = 0;  // of data as it travelled
};

// Assembles streams of one sender or many; key: (sender, stream). Bounded: a stream above
// `max_stream_bytes`, or more than `max_bytes` in all, is refused (overloaded). Chunks arrive in
// order within a stream; a duplicate is ignored, a gap drops the stream (corrupt, said once), and
// so does a chunk that cannot be decompressed. What is compressed takes no memory beyond that
// announced.
class StreamReader {
 public:
  StreamReader(std::size_t max_stream_bytes, std::size_t max_bytes)
      : max_stream_bytes_(max_stream_bytes), max_bytes_(max_bytes) {}

  Result<std::optional<Arrival>> accept(const std::string& sender, const Chunk& chunk,
                                        Milliseconds now);
  // Drops streams with no chunk for `age`; returns what they were for.
  std::vector<Arrival> expire(Milliseconds now, Milliseconds age);  // data empty
  // Of a stream under way; nullptr: there is none.
  [[nodiscard]] std::shared_ptr<const Assembly> find(const std::string& sender,
                                                     std::uint64_t stream) const;
  void drop(const std::string& sender, std::uint64_t stream);  // nothing, if there is none
  void drop_sender(const std::string& sender);
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  // Streams that never get further cost memory beside their bytes: bounded, too.
  static constexpr std::size_t kMaxStreams = 4096;
  static constexpr std::size_t kMaxEnded = 256;
  struct Stream {
    Arrival arrival;
    std::shared_ptr<Assembly> data;
    Digester digester;
    std::uint64_t total = 0;
    Milliseconds last{0};
    // REQUIRES: it begins within what is there.
    Status append(const Chunk& chunk);
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
