// RocksDB's checksum function. Debian's library for x86-64 is built for processors of 2003 and
// computes CRC32C from tables: three tenths of the hub's processor time for a large feature map. A
// program's symbols come before those of its libraries, so the one that RocksDB finds is this one,
// which computes the same value by the instruction made for it.
#if defined(__x86_64__)

#include <dlfcn.h>
#include <nmmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rocksdb::crc32c {

namespace {

using Function = std::uint32_t (*)(std::uint32_t, const char*, std::size_t);

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t start,
                                                               const char* data, std::size_t size) {
  std::uint64_t crc = ~start;
  for (; size >= sizeof(std::uint64_t); size -= sizeof(std::uint64_t)) {
    std::uint64_t next = 0;
    std::memcpy(&next, data, sizeof(next));
    crc = _mm_crc32_u64(crc, next);
    data += sizeof(next);
  }
  auto rest = static_cast<std::uint32_t>(crc);
  for (; size > 0; --size) rest = _mm_crc32_u8(rest, static_cast<unsigned char>(*data++));
  return ~rest;
}

Function choose() {
  __builtin_cpu_init();  // RocksDB may ask before this program's constructors have run
  if (__builtin_cpu_supports("sse4.2") != 0) return &by_instruction;
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "_ZN7rocksdb6crc32c6ExtendEjPKcm"));
}

}  // namespace

// The CRC32C of what has the CRC32C `start`, and the data behind it.
std::uint32_t Extend(std::uint32_t start, const char* data, std::size_t size) {
  static const Function function = choose();
  return function(start, data, size);
}

}  // namespace rocksdb::crc32c

#endif
