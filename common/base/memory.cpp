#include "common/base/memory.hpp"

#include <sys/mman.h>

#include <new>

namespace hyps {

namespace {
constexpr std::size_t kLarge = std::size_t{4} << 20U;  // two large pages
}  // namespace

std::shared_ptr<std::byte[]> untouched_bytes(std::size_t size) {
  if (size < kLarge) return std::make_shared_for_overwrite<std::byte[]>(size);
  void* pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  (void)::madvise(pages, size, MADV_HUGEPAGE);
  return {static_cast<std::byte*>(pages), [size](std::byte* bytes) { ::munmap(bytes, size); }};
}

}  // namespace hyps
