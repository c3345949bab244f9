#include "common/base/memory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <new>

namespace hyps {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20U;
constexpr std::size_t kAlignment = 16;  // of any element type

TEST(UntouchedBytes, of_every_size_can_be_written_from_end_to_end) {
  for (const std::size_t size :
       {std::size_t{1}, kMegabyte, 4 * kMegabyte - 1, 4 * kMegabyte, 13 * kMegabyte + 7}) {
    const auto bytes = untouched_bytes(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.get()) % kAlignment, 0U);
    std::memset(bytes.get(), 7, size);
    EXPECT_EQ(bytes[0], std::byte{7});
    EXPECT_EQ(bytes[size - 1], std::byte{7});
  }
  EXPECT_NE(untouched_bytes(0), nullptr);
}

TEST(UntouchedBytes, two_are_apart) {
  const auto one = untouched_bytes(5 * kMegabyte);
  const auto other = untouched_bytes(5 * kMegabyte);
  std::memset(one.get(), 1, 5 * kMegabyte);
  std::memset(other.get(), 2, 5 * kMegabyte);
  EXPECT_EQ(one[5 * kMegabyte - 1], std::byte{1});
  EXPECT_EQ(other[0], std::byte{2});
}

TEST(UntouchedBytes, more_than_there_can_be_is_said_so) {
  EXPECT_THROW((void)untouched_bytes(std::size_t{1} << 60U), std::bad_alloc);
}

}  // namespace
}  // namespace hyps
