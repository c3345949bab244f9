#include "common/protocol/stream.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/compression/compress.hpp"

namespace hyps::protocol {

StreamWriter::StreamWriter(std::uint64_t stream, TaskKey task, Epoch epoch, std::string tensor,
                           Blob data)
    : data_(std::move(data)) {
  chunk_.stream = stream;
  chunk_.task = std::move(task);
  chunk_.epoch = epoch;
  chunk_.tensor = std::move(tensor);
  chunk_.total = data_.size();
}

std::optional<Chunk> StreamWriter::next(std::size_t bytes) {
  if (done_) return std::nullopt;
  const std::size_t left = data_.size() - chunk_.offset;
  const std::size_t size = std::min(left, std::max<std::size_t>(bytes, 1));
  Chunk chunk = chunk_;
  chunk.data = data_.slice(chunk_.offset, size);
  chunk_.offset += size;
  done_ = chunk_.offset == data_.size();
  return chunk;
}

Chunk compressed(Chunk chunk) {
  if (chunk.raw_bytes != 0) return chunk;
  Blob data = compression::compress(chunk.data.bytes());
  if (data.size() >= chunk.data.size()) return chunk;
  chunk.raw_bytes = chunk.data.size();
  chunk.data = std::move(data);
  return chunk;
}

void Assembly::append(std::span<const std::byte> bytes) {
  if (!bytes.empty()) std::memcpy(room(bytes.size()).data(), bytes.data(), bytes.size());
  filled_up(bytes.size());
}

std::span<std::byte> Assembly::room(std::size_t size) {
  return {bytes_.get() + filled_.load(std::memory_order_relaxed), size};
}

void Assembly::filled_up(std::size_t size) {
  filled_.store(filled_.load(std::memory_order_relaxed) + size, std::memory_order_release);
}

Blob Assembly::part(std::shared_ptr<const Assembly> whole, std::size_t offset, std::size_t size) {
  const std::span<const std::byte> bytes(whole->bytes_.get() + offset, size);
  return {std::move(whole), bytes};
}

namespace {

Error about(const Chunk& chunk, ErrorKind kind, const std::string& what) {
  return {kind, "stream of " + chunk.task.job.text + " " + chunk.task.partition.text + " tensor " +
                    chunk.tensor + ": " + what};
}

}  // namespace

bool StreamReader::Stream::is_of(const Chunk& chunk) const {
  return total == chunk.total && arrival.epoch == chunk.epoch && arrival.tensor == chunk.tensor &&
         arrival.task == chunk.task;
}

Status StreamReader::Stream::append(const Chunk& chunk) {
  const std::size_t known = data->filled() - chunk.offset;
  if (known >= chunk.size()) return {};
  std::span<const std::byte> news;
  if (chunk.raw_bytes == 0) {
    news = chunk.data.bytes().subspan(known);
    data->append(news);
  } else {
    if (known > 0) return about(chunk, ErrorKind::corrupt, "compressed chunks overlap");
    const auto room = data->room(chunk.raw_bytes);
    const Status whole = compression::decompress(chunk.data.bytes(), room);
    if (!whole.ok()) return about(chunk, ErrorKind::corrupt, whole.error().message);
    data->filled_up(chunk.raw_bytes);
    news = room;
  }
  arrival.wire_bytes += chunk.data.size();
  digester.add(news);  // while it is in the processor's cache
  return {};
}

void StreamReader::forget(Streams::iterator stream) {
  bytes_ -= stream->second.total;
  if (stream->second.data != nullptr) stream->second.data->abandon();  // it is not whole
  ended_.push_back(stream->first);
  if (ended_.size() > kMaxEnded) ended_.pop_front();
  streams_.erase(stream);
}

Status StreamReader::open(const Key& key, const Chunk& chunk) {
  if (chunk.total > max_stream_bytes_) {
    return about(chunk, ErrorKind::overloaded,
                 std::to_string(chunk.total) + " bytes announced, at most " +
                     std::to_string(max_stream_bytes_) + " are allowed");
  }
  if (chunk.total > max_bytes_ - bytes_ || streams_.size() >= kMaxStreams) {
    return about(chunk, ErrorKind::overloaded,
                 std::to_string(streams_.size()) + " unfinished streams hold " +
                     std::to_string(bytes_) + " bytes; there is no room for more");
  }
  Stream stream;
  stream.arrival = {chunk.task, chunk.epoch, chunk.tensor, {}, {}, chunk.stream, 0};
  stream.total = chunk.total;
  stream.data = std::make_shared<Assembly>(chunk.total);
  streams_.emplace(key, std::move(stream));
  bytes_ += chunk.total;
  return {};
}

Result<std::optional<Arrival>> StreamReader::accept(const std::string& sender, const Chunk& chunk,
                                                    Milliseconds now) {
  const Key key{sender, chunk.stream};
  if (chunk.offset > chunk.total || chunk.size() > chunk.total - chunk.offset) {
    if (const auto bad = streams_.find(key); bad != streams_.end()) forget(bad);
    return about(chunk, ErrorKind::corrupt, "a chunk reaches beyond the announced end");
  }
  auto found = streams_.find(key);
  // A number used again for something else: the sender began anew.
  if (found != streams_.end() && chunk.offset == 0 && !found->second.is_of(chunk)) {
    forget(found);
    found = streams_.end();
  }
  if (found == streams_.end()) {
    // Late duplicates of a stream that ended are no news.
    if (chunk.offset > 0 && std::find(ended_.begin(), ended_.end(), key) != ended_.end()) {
      return std::optional<Arrival>();
    }
    if (chunk.offset > 0) return about(chunk, ErrorKind::corrupt, "its beginning is missing");
    HYPS_CHECK(open(key, chunk));
    found = streams_.find(key);
  }
  return append(found, chunk, now);
}

Result<std::optional<Arrival>> StreamReader::append(Streams::iterator found, const Chunk& chunk,
                                                    Milliseconds now) {
  Stream& stream = found->second;
  const std::size_t filled = stream.data->filled();
  if (chunk.offset > filled || !stream.is_of(chunk)) {
    forget(found);
    return about(chunk, ErrorKind::corrupt, "a chunk is missing; it has to be sent again");
  }
  stream.last = now;
  if (const Status status = stream.append(chunk); !status.ok()) {
    forget(found);
    return status.error();
  }
  if (stream.data->filled() < stream.total) return std::optional<Arrival>();
  Arrival arrival = std::move(stream.arrival);
  arrival.data = Assembly::part(std::move(stream.data), 0, stream.total);
  arrival.digest = stream.digester.result();
  forget(found);
  return std::optional<Arrival>(std::move(arrival));
}

std::vector<Arrival> StreamReader::expire(Milliseconds now, Milliseconds age) {
  std::vector<Arrival> expired;
  for (auto stream = streams_.begin(); stream != streams_.end();) {
    const auto here = stream++;
    if (now - here->second.last < age) continue;
    expired.push_back(std::move(here->second.arrival));
    forget(here);
  }
  return expired;
}

std::shared_ptr<const Assembly> StreamReader::find(const std::string& sender,
                                                   std::uint64_t stream) const {
  const auto found = streams_.find({sender, stream});
  return found == streams_.end() ? nullptr : found->second.data;
}

void StreamReader::drop(const std::string& sender, std::uint64_t stream) {
  if (const auto found = streams_.find({sender, stream}); found != streams_.end()) forget(found);
}

void StreamReader::drop_sender(const std::string& sender) {
  for (auto stream = streams_.begin(); stream != streams_.end();) {
    const auto here = stream++;
    if (here->first.first == sender) forget(here);
  }
  std::erase_if(ended_, [&](const Key& key) { return key.first == sender; });
}

}  // namespace hyps::protocol
