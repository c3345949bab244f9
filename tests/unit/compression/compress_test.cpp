#include "common/compression/compress.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "common/base/random.hpp"

namespace hyps::compression {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const std::vector<float>& numbers) {
  const auto bytes = std::as_bytes(std::span(numbers));
  return {bytes.begin(), bytes.end()};
}

// As a ReLU leaves them.
Bytes half_zeros(std::size_t count, std::uint64_t seed = 1) {
  Random random(seed);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = std::max(0.0F, random.uniform(-4, 4));
  return bytes_of(numbers);
}

Bytes any_bytes(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
  return bytes;
}

void expect_round_trip(const Bytes& raw) {
  const Blob compressed = compress(raw);
  EXPECT_LE(compressed.size(), raw.size() + raw.size() / 25 + 25);
  Bytes back(raw.size(), std::byte{0xAB});
  const Status status = decompress(compressed.bytes(), back);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_TRUE(back == raw) << raw.size() << " bytes came back otherwise";
}

double ratio_of(const Bytes& raw) {
  return static_cast<double>(compress(raw).size()) / static_cast<double>(raw.size());
}

TEST(Compress, BytesOfEverySizeComeBack) {
  for (std::size_t size = 0; size < 80; ++size) expect_round_trip(any_bytes(size, size));
  for (const std::size_t blocks : {1U, 2U}) {
    for (const int more : {-33, -4, -1, 0, 1, 3, 4, 7, 32}) {
      const auto size = static_cast<std::size_t>(static_cast<int>(blocks * kBlockBytes) + more);
      expect_round_trip(any_bytes(size, size));
      Bytes zeros(size);
      expect_round_trip(zeros);
      Bytes sparse = half_zeros(size / 4 + 1, size);
      sparse.resize(size);
      expect_round_trip(sparse);
    }
  }
}

TEST(Compress, EveryPatternOfBitsIsKept) {
  const std::vector<std::uint32_t> odd{0x80000000, 0x7F800000, 0xFF800000, 0x7FC00001, 0xFFFFFFFF,
                                       0x00000001, 0x80000001, 0x00000000, 0x00800000, 0x000000FF};
  Bytes bytes(odd.size() * 4);
  std::memcpy(bytes.data(), odd.data(), bytes.size());  // -0, infinities, NaNs, subnormal numbers
  expect_round_trip(bytes);
}

TEST(Compress, TakesWhatZerosAndExponentsTake) {
  EXPECT_LT(ratio_of(half_zeros(100'000)), 0.5);
  EXPECT_LT(ratio_of(Bytes(400'000)), 0.001);
  std::vector<float> dense(100'000);
  Random random(2);
  for (float& number : dense) number = random.uniform(-1, 1);
  EXPECT_LT(ratio_of(bytes_of(dense)), 0.9);
}

TEST(Compress, TheSameBytesGiveTheSame) {
  const Bytes raw = half_zeros(50'000);
  EXPECT_EQ(compress(raw), compress(raw));
}

TEST(Decompress, RefusesAnotherSize) {
  for (const std::size_t size : {4U, 400U, 200'000U}) {
    const Blob compressed = compress(half_zeros(size / 4));
    for (const std::size_t other : {std::size_t{0}, size - 1, size - 4, size + 1, size + 4,
                                    size + 64, 2 * size, size + kBlockBytes}) {
      Bytes room(other);
      EXPECT_EQ(decompress(compressed.bytes(), room).error().kind, ErrorKind::corrupt)
          << size << " as " << other;
    }
  }
}

TEST(Decompress, RefusesWhatIsCutShortOrTooLong) {
  const Bytes raw = half_zeros(300);
  const Blob compressed = compress(raw);
  Bytes room(raw.size());
  for (std::size_t size = 0; size < compressed.size(); ++size) {
    EXPECT_EQ(decompress(compressed.bytes().first(size), room).error().kind, ErrorKind::corrupt);
  }
  Bytes longer(compressed.bytes().begin(), compressed.bytes().end());
  longer.push_back(std::byte{0});
  EXPECT_EQ(decompress(longer, room).error().kind, ErrorKind::corrupt);
}

// What is decompressed need not be what was compressed then, but stays in its place: checked by
// the sanitizers, and by bytes around the room.
TEST(Decompress, DamagedBytesNeverReachBeyondTheRoom) {
  Random random(3);
  const Bytes raw = half_zeros(5000);
  const Blob compressed = compress(raw);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    Bytes damaged(compressed.bytes().begin(), compressed.bytes().end());
    const auto hits = 1 + random.below(3);
    for (std::uint64_t i = 0; i < hits; ++i) {
      // Every other one in the lengths and marks at the front.
      const std::size_t at = random.below(random.below(2) == 0 ? 40 : damaged.size());
      damaged[at] = static_cast<std::byte>(random.next());
    }
    Bytes around(raw.size() + 16, std::byte{0x5A});
    const auto room = std::span(around).subspan(8, raw.size());
    refused += decompress(damaged, room).ok() ? 0 : 1;
    for (std::size_t i = 0; i < 8; ++i) {
      ASSERT_EQ(around[i], std::byte{0x5A});
      ASSERT_EQ(around[around.size() - 1 - i], std::byte{0x5A});
    }
  }
  EXPECT_GT(refused, 300);
}

TEST(Decompress, ManyPromisedFromFewBytesFillTheRoomAndNoMore) {
  const Bytes large(100 * kBlockBytes);
  const Blob bomb = compress(large);
  EXPECT_LT(bomb.size(), large.size() / 1000);
  Bytes room(kBlockBytes);
  EXPECT_EQ(decompress(bomb.bytes(), room).error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace hyps::compression
