// How much a piece of code asks operator new for.
#pragma once

#include <cstddef>
#include <functional>

namespace hyps::protocol::test {

// Freeing is not subtracted, so this is an upper bound of what `work` held at once.
std::size_t bytes_allocated_by(const std::function<void()>& work);

}  // namespace hyps::protocol::test
