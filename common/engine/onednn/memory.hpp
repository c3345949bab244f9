// Memory of an executable: one arena for what is computed, and constants packed once.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace hyps::engine {

// Aligned for vector loads; uninitialised, so untouched pages are not resident yet.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(std::size_t size)
      : bytes_(static_cast<std::byte*>(::operator new (size, std::align_val_t{kAlignment}))),
        size_(size) {}
  [[nodiscard]] std::byte* data() const { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kAlignment = 64;
  struct Free {
    void operator()(std::byte* bytes) const {
      ::operator delete (bytes, std::align_val_t{kAlignment});
    }
  };
  std::unique_ptr<std::byte, Free> bytes_;
  std::size_t size_ = 0;
};

}  // namespace hyps::engine
