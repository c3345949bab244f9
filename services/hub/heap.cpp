#include "services/hub/heap.hpp"

#include <malloc.h>

namespace hyps::hub {

namespace {
constexpr int kMegabyte = 1 << 20;
}  // namespace

void keep_heap_warm() {
  ::mallopt(M_ARENA_MAX, 1);  // what one thread frees, the next one takes
  ::mallopt(M_MMAP_THRESHOLD, 32 * kMegabyte);
  ::mallopt(M_TRIM_THRESHOLD, 64 * kMegabyte);  // more than that at its end goes back
}

}  // namespace hyps::hub
