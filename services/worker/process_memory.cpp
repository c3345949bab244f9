#include "services/worker/process_memory.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace hyps::worker {

namespace {

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20U;
constexpr std::int64_t kBeside = 16 * kMegabyte;
// After the start: ONNX's schema 3 MB, machine code of kernels, code in use, chunks at both ends.
constexpr std::int64_t kToCome = 12 * kMegabyte;

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  file >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

// Segments that cannot be written are as in their file, and are read from it again.
int drop_code(dl_phdr_info* info, std::size_t /*size*/, void* /*nothing*/) {
  static const auto kPage = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const auto begin = (info->dlpi_addr + segment.p_vaddr) / kPage * kPage;
    const auto end = info->dlpi_addr + segment.p_vaddr + segment.p_filesz;
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void give_back_unused() {
  ::malloc_trim(0);
  (void)::dl_iterate_phdr(&drop_code, nullptr);
}

void keep_heap_small() {
  ::mallopt(M_ARENA_MAX, 2);
  // Above the size of a chunk: feature maps and weights come from the system and go back to it.
  ::mallopt(M_MMAP_THRESHOLD, 2 * kMegabyte);
  ::mallopt(M_TRIM_THRESHOLD, kMegabyte);
}

std::uint64_t process_bytes_beyond(std::int64_t budget_bytes) {
  give_back_unused();
  const std::int64_t beyond = std::max<std::int64_t>(resident_bytes() + kToCome - kBeside, 0);
  return static_cast<std::uint64_t>(std::min(beyond, budget_bytes / 4));
}

}  // namespace hyps::worker
