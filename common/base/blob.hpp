// Blob: immutable bytes with shared ownership. Copying a Blob copies a pointer. The bytes may live
// in a vector, a string, a received message or a mapped file; the owner is kept alive by the Blob.
// Thread-safe as far as shared_ptr is: distinct Blobs on the same bytes may be used from any
// thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hyps {

class Blob {
 public:
  Blob() = default;
  Blob(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  static Blob copy_of(std::string_view text) { return of(std::string(text)); }
  static Blob copy_of(std::span<const std::byte> bytes) {
    return of(std::vector<std::byte>(bytes.begin(), bytes.end()));
  }
  // Takes over a contiguous container of trivially copyable elements (string, vector<T>).
  template <typename Container>
  static Blob of(Container container) {
    auto owner = std::make_shared<const Container>(std::move(container));
    const auto bytes = std::as_bytes(std::span(owner->data(), owner->size()));
    return {std::move(owner), bytes};
  }

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] const std::byte* data() const { return bytes_.data(); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  // REQUIRES: offset + size <= this->size(). Shares the owner.
  [[nodiscard]] Blob slice(std::size_t offset, std::size_t size) const {
    return {owner_, bytes_.subspan(offset, size)};
  }

  friend bool operator==(const Blob& a, const Blob& b) { return a.text() == b.text(); }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

}  // namespace hyps
