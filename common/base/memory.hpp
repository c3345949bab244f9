// Memory for large things that are written once, from front to back.
#pragma once

#include <cstddef>
#include <memory>

namespace hyps {

// So many bytes, not initialised. Large ones come from the system, in large pages where it has
// them, and go back to it at once: to touch 12.8 MB for the first time in pages of 4 KB takes five
// times as long as to copy them. Throws std::bad_alloc.
std::shared_ptr<std::byte[]> untouched_bytes(std::size_t size);

}  // namespace hyps
