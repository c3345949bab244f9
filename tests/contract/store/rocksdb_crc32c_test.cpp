// RocksDB's checksum, as this program computes it: the same value, by whichever function.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/random.hpp"
#include "common/store/store.hpp"

#if defined(__x86_64__)

namespace rocksdb::crc32c {
std::uint32_t Extend(std::uint32_t start, const char* data, std::size_t size);
}  // namespace rocksdb::crc32c

namespace hyps::store {
namespace {

std::uint32_t crc_of(std::string_view text, std::uint32_t start = 0) {
  return rocksdb::crc32c::Extend(start, text.data(), text.size());
}

// Bit by bit, as the polynomial says.
std::uint32_t reference(std::string_view text) {
  std::uint32_t crc = 0xffffffffU;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

TEST(RocksdbCrc32c, known_answers) {
  EXPECT_EQ(crc_of(""), 0U);
  EXPECT_EQ(crc_of("123456789"), 0xe3069283U);
  EXPECT_EQ(crc_of(std::string(32, '\0')), 0x8a9136aaU);  // RFC 3720, B.4
  EXPECT_EQ(crc_of(std::string(32, '\xff')), 0x62a8ab43U);
}

TEST(RocksdbCrc32c, every_length_and_alignment_in_one_or_two_parts) {
  Random random(1);
  std::string bytes(300, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.below(256));
  const std::string_view all(bytes);
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t size = 0; size + begin <= all.size(); size += 1 + size / 8) {
      const auto text = all.substr(begin, size);
      ASSERT_EQ(crc_of(text), reference(text)) << begin << " " << size;
      ASSERT_EQ(crc_of(text.substr(size / 3), crc_of(text.substr(0, size / 3))), reference(text));
    }
  }
}

TEST(RocksdbCrc32c, is_what_the_library_finds) {
  ASSERT_NE(&open_rocksdb, nullptr);
  void* found = ::dlsym(RTLD_DEFAULT, "_ZN7rocksdb6crc32c6ExtendEjPKcm");
  ASSERT_NE(found, nullptr);
  Dl_info where{};
  ASSERT_NE(::dladdr(found, &where), 0);
  EXPECT_EQ(std::string_view(where.dli_fname).find("librocksdb"), std::string_view::npos)
      << where.dli_fname;
}

}  // namespace
}  // namespace hyps::store

#endif
