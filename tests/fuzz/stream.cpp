// Chunks of a few senders in any order, doubled, missing, lying about their sizes, some compressed,
// some of these damaged. Every byte of a stream follows from its number and place, so whatever
// arrives whole can be checked.
#include "common/protocol/stream.hpp"

#include <fuzzer/FuzzedDataProvider.h>

#include "common/compression/compress.hpp"
#include "tests/fuzz/check.hpp"

namespace hyps::fuzz {
namespace {

constexpr std::size_t kMaxStream = 300;
constexpr std::size_t kMaxAll = 1000;

char byte_at(std::uint64_t stream, std::uint64_t place) {
  return static_cast<char>(stream * 31 + place * 7);
}

std::string bytes_of(std::uint64_t stream, std::uint64_t offset, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(byte_at(stream, offset + i));
  return bytes;
}

protocol::Chunk any_chunk(FuzzedDataProvider& input) {
  protocol::Chunk chunk;
  chunk.stream = input.ConsumeIntegralInRange<std::uint64_t>(0, 3);
  chunk.task.job = JobId(input.ConsumeBool() ? "j1" : "j2");
  chunk.tensor = input.ConsumeBool() ? "x" : "y";
  chunk.total = input.ConsumeBool() ? input.ConsumeIntegralInRange<std::uint64_t>(0, 40)
                                    : input.ConsumeIntegral<std::uint64_t>();
  chunk.offset = input.ConsumeBool() ? input.ConsumeIntegralInRange<std::uint64_t>(0, 40)
                                     : input.ConsumeIntegral<std::uint64_t>();
  const auto size = input.ConsumeIntegralInRange<std::size_t>(0, 40);
  chunk.data = Blob::of(bytes_of(chunk.stream, chunk.offset, size));
  if (size > 0 && input.ConsumeBool()) {
    chunk.raw_bytes = size;
    chunk.data = compression::compress(chunk.data.bytes());
  }
  return chunk;
}

// As if compressed to these bytes, which the fuzzer chose: never written beyond the room, and
// refused or of the size that is claimed.
void decompress_anything(FuzzedDataProvider& input) {
  std::vector<std::byte> room(input.ConsumeIntegralInRange<std::size_t>(0, 1000));
  const std::string bytes = input.ConsumeRandomLengthString(500);
  (void)compression::decompress(std::as_bytes(std::span(bytes)), room);
}

void check_arrival(const protocol::Chunk& last, const protocol::Arrival& arrival) {
  require(arrival.data.size() == last.total, "an arrival is not as long as announced");
  require(arrival.tensor == last.tensor && arrival.task == last.task, "an arrival is misnamed");
  require(arrival.data.text() == bytes_of(last.stream, 0, arrival.data.size()),
          "an arrival's bytes are not those that were sent");
}

void step(FuzzedDataProvider& input, protocol::StreamReader& reader, Milliseconds now) {
  const std::string sender = input.ConsumeBool() ? "w/a" : "w/b";
  switch (input.ConsumeIntegralInRange(0, 10)) {
    case 0:
      reader.drop_sender(sender);
      return;
    case 1:
      (void)reader.expire(now, Milliseconds(input.ConsumeIntegralInRange(0, 5)));
      return;
    case 2:
      return decompress_anything(input);
    default:
      const protocol::Chunk chunk = any_chunk(input);
      const auto arrival = reader.accept(sender, chunk, now);
      if (arrival.ok() && *arrival) check_arrival(chunk, **arrival);
  }
}

}  // namespace
}  // namespace hyps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyps;
  FuzzedDataProvider input(data, size);
  protocol::StreamReader reader(fuzz::kMaxStream, fuzz::kMaxAll);
  for (int now = 0; input.remaining_bytes() > 0; ++now) {
    fuzz::step(input, reader, Milliseconds(now));
    fuzz::require(reader.bytes() <= fuzz::kMaxAll, "more bytes are held than allowed");
  }
  (void)reader.expire(Milliseconds(1 << 30), Milliseconds(0));
  fuzz::require(reader.bytes() == 0, "bytes are held for no stream");
  return 0;
}
