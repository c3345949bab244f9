// Frames made by mutation, some with a repaired checksum: refused or equal, never a crash, and
// never more memory than the frame justifies.
#include <gtest/gtest.h>

#include "common/base/random.hpp"
#include "common/protocol/codec.hpp"
#include "tests/unit/protocol/allocations.hpp"
#include "tests/unit/protocol/samples.hpp"

namespace hyps::protocol {
namespace {

std::string mutated(std::string frame, Random& random) {
  const std::size_t at = random.below(frame.size());
  switch (random.below(6)) {
    case 0:
      frame[at] = static_cast<char>(frame[at] ^ (1 << random.below(8)));
      break;
    case 1:
      frame[at] = static_cast<char>(random.next());
      break;
    case 2:
      frame.resize(at);
      break;
    case 3:
      frame.append(1 + random.below(40), static_cast<char>(random.next()));
      break;
    case 4:
      frame.erase(at, 1 + random.below(8));
      break;
    default:
      for (std::size_t i = at; i < std::min(at + 4, frame.size()); ++i) frame[i] = '\xff';
  }
  return frame;
}

void repair_checksum(std::string& frame) {
  if (frame.size() < 14) return;
  frame.replace(0, 4, "HYPS");
  std::uint64_t sum = checksum_of(std::as_bytes(std::span(frame).subspan(12)));
  for (std::size_t i = 4; i < 12; ++i, sum >>= 8U) frame[i] = static_cast<char>(sum & 0xffU);
}

TEST(HostileFrames, a_mutated_frame_is_never_accepted) {
  Random random(1);
  const auto messages = test::samples();
  for (int round = 0; round < 50'000; ++round) {
    const std::string frame(encode(messages[random.below(messages.size())]).text());
    const std::string other = mutated(frame, random);
    const auto decoded = decode(Blob::copy_of(other));
    EXPECT_EQ(decoded.ok(), other == frame) << "round " << round;
  }
}

TEST(HostileFrames, with_a_right_checksum_are_refused_or_read_as_exactly_their_bytes) {
  Random random(2);
  const auto messages = test::samples();
  int accepted = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string frame(encode(messages[random.below(messages.size())]).text());
    for (std::uint64_t i = 0; i <= random.below(4) && !frame.empty(); ++i) {
      frame = mutated(frame, random);
    }
    repair_checksum(frame);
    const auto decoded = decode(Blob::copy_of(frame));
    if (!decoded.ok()) continue;
    ++accepted;
    EXPECT_EQ(encode(*decoded).text(), frame) << "round " << round;
  }
  EXPECT_GT(accepted, 100);  // else this test tests nothing
}

// The largest growth of a decoded element over its smallest coding, and a vector's doubling.
constexpr std::size_t kMultiple = 64;

TEST(HostileFrames, never_allocate_more_than_a_multiple_of_their_size) {
  Random random(3);
  const auto messages = test::samples();
  for (int round = 0; round < 20'000; ++round) {
    std::string frame(encode(messages[random.below(messages.size())]).text());
    if (frame.size() == 14) continue;  // a message that says all by its type
    const std::size_t at = 14 + random.below(frame.size() - 14);
    for (std::size_t i = at; i < std::min(at + 4, frame.size()); ++i) frame[i] = '\xff';
    frame[std::min(at + 3, frame.size() - 1)] = static_cast<char>(random.below(3) * 0x7f);
    repair_checksum(frame);
    const Blob blob = Blob::of(std::move(frame));
    const auto bytes = test::bytes_allocated_by([&] { (void)decode(blob); });
    ASSERT_LE(bytes, 4096 + kMultiple * blob.size()) << "round " << round;
  }
}

TEST(HostileFrames, of_very_many_empty_elements_stay_within_the_multiple) {
  Assign assign;
  assign.partitions.resize(300'000);
  const Blob blob = encode(assign);
  bool ok = false;
  const auto bytes = test::bytes_allocated_by([&] { ok = decode(blob).ok(); });
  EXPECT_TRUE(ok);
  EXPECT_LE(bytes, kMultiple * blob.size());
}

}  // namespace
}  // namespace hyps::protocol
