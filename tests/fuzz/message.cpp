// Frames from the broker: as they are, and once more with a right magic and checksum, without
// which no mutation would get past the first test. What is read is written as exactly its bytes.
#include <span>

#include "common/protocol/codec.hpp"
#include "common/protocol/parcel.hpp"
#include "tests/fuzz/check.hpp"

namespace hyps::fuzz {
namespace {

constexpr std::size_t kHead = 12;  // magic and checksum

void decode_and_compare(const std::string& frame) {
  protocol::unpack(Blob::copy_of(frame), [](const Result<protocol::Message>& message) {
    require(message.ok() || !message.error().message.empty(), "an error without a message");
  });
  const auto message = protocol::decode(Blob::copy_of(frame));
  if (!message.ok()) return require(!message.error().message.empty(), "an error without a message");
  require(protocol::encode(*message).text() == frame, "a message is not its frame");
}

std::string repaired(std::string frame) {
  frame.replace(0, 4, "HYPS");
  std::uint64_t sum = checksum_of(std::as_bytes(std::span(frame).subspan(kHead)));
  for (std::size_t i = 4; i < kHead; ++i, sum >>= 8U) frame[i] = static_cast<char>(sum & 0xffU);
  return frame;
}

}  // namespace
}  // namespace hyps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string frame = hyps::fuzz::text_of(data, size);
  hyps::fuzz::decode_and_compare(frame);
  if (size > hyps::fuzz::kHead) hyps::fuzz::decode_and_compare(hyps::fuzz::repaired(frame));
  return 0;
}
