// What the process itself needs of memory: code of its libraries, stacks, messages on their way.
#pragma once

#include <cstdint>

namespace hyps::worker {

// Freed memory goes back to the system instead of waiting in the heap. Before threads are started.
void keep_heap_small();

// After something large is done or gone: freed memory goes back, and so do the pages of libraries
// that were needed for it (reading ONNX, making machine code: some 15 MB). What is needed again is
// mapped again.
void give_back_unused();

// The process has 16 MB beside its budget. What it will need beyond them, in bytes, judged by what
// is resident after give_back_unused(); of a small budget a quarter at most.
std::uint64_t process_bytes_beyond(std::int64_t budget_bytes);

}  // namespace hyps::worker
