#include "tests/unit/protocol/allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<bool> counting{false};
std::atomic<std::size_t> allocated_bytes{0};

}  // namespace

void* operator new(std::size_t size) {
  if (counting.load()) allocated_bytes += size;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace hyps::protocol::test {

std::size_t bytes_allocated_by(const std::function<void()>& work) {
  allocated_bytes = 0;
  counting = true;
  work();
  counting = false;
  return allocated_bytes;
}

}  // namespace hyps::protocol::test
