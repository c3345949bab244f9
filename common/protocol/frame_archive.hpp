// cereal archives over a frame's body. FrameWriter runs twice: first without a destination, to
// learn the exact size, then into it. FrameReader never trusts a length: vectors grow only as their
// elements are really there, so a hostile length costs nothing. Internal to codec.cpp.
#pragma once

#include <bit>
#include <cereal/cereal.hpp>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "common/base/blob.hpp"

namespace hyps::protocol::frame {

using Length = std::uint32_t;

class Malformed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class FrameWriter : public cereal::OutputArchive<FrameWriter, cereal::AllowEmptyClassElision> {
 public:
  // `destination` may be null: then bytes are only counted.
  explicit FrameWriter(std::byte* destination)
      : cereal::OutputArchive<FrameWriter, cereal::AllowEmptyClassElision>(this),
        destination_(destination) {}

  void write(const void* bytes, std::size_t size) {
    if (destination_ != nullptr && size > 0) std::memcpy(destination_ + size_, bytes, size);
    size_ += size;
  }
  template <typename Integer>
  void integer(Integer value) {
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
      const auto byte = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i));
      write(&byte, 1);
    }
  }
  void length(std::size_t size) {
    if (size > std::numeric_limits<Length>::max()) throw Malformed("a field exceeds 4 GB");
    integer(static_cast<Length>(size));
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::byte* destination_;
  std::size_t size_ = 0;
};

class FrameReader : public cereal::InputArchive<FrameReader, cereal::AllowEmptyClassElision> {
 public:
  FrameReader(const Blob& frame, std::size_t start)
      : cereal::InputArchive<FrameReader, cereal::AllowEmptyClassElision>(this),
        frame_(frame),
        position_(start) {}

  // The next `size` bytes, as a slice of the frame.
  Blob take(std::size_t size) {
    const std::size_t start = advance(size);
    return frame_.slice(start, size);
  }
  template <typename Integer>
  Integer integer() {
    const std::byte* bytes = frame_.data() + advance(sizeof(Integer));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
      value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    }
    return static_cast<Integer>(value);
  }
  // Of bytes, or of elements, each of which takes at least one byte.
  std::size_t length() {
    const std::size_t size = integer<Length>();
    if (size > remaining()) throw Malformed("a length reaches beyond the end of the frame");
    return size;
  }
  [[nodiscard]] std::size_t remaining() const { return frame_.size() - position_; }

 private:
  // Returns where the next `size` bytes start.
  std::size_t advance(std::size_t size) {
    if (size > remaining()) throw Malformed("a field reaches beyond the end of the frame");
    const std::size_t start = position_;
    position_ += size;
    return start;
  }

  const Blob& frame_;
  std::size_t position_;
};

template <typename T>
concept Integer = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <Integer T>
void CEREAL_SAVE_FUNCTION_NAME(FrameWriter& archive, const T& value) {
  archive.integer(value);
}
template <Integer T>
void CEREAL_LOAD_FUNCTION_NAME(FrameReader& archive, T& value) {
  value = archive.template integer<T>();
}

inline void CEREAL_SAVE_FUNCTION_NAME(FrameWriter& archive, const double& value) {
  archive.integer(std::bit_cast<std::uint64_t>(value));
}
inline void CEREAL_LOAD_FUNCTION_NAME(FrameReader& archive, double& value) {
  value = std::bit_cast<double>(archive.integer<std::uint64_t>());
}

inline void CEREAL_SAVE_FUNCTION_NAME(FrameWriter& archive, const bool& value) {
  archive.integer<std::uint8_t>(value ? 1 : 0);
}
inline void CEREAL_LOAD_FUNCTION_NAME(FrameReader& archive, bool& value) {
  const auto byte = archive.integer<std::uint8_t>();
  if (byte > 1) throw Malformed("a truth value is neither 0 nor 1");
  value = byte == 1;
}

inline void CEREAL_SAVE_FUNCTION_NAME(FrameWriter& archive, const std::string& text) {
  archive.length(text.size());
  archive.write(text.data(), text.size());
}
inline void CEREAL_LOAD_FUNCTION_NAME(FrameReader& archive, std::string& text) {
  text = archive.take(archive.length()).text();
}

inline void CEREAL_SAVE_FUNCTION_NAME(FrameWriter& archive, const Blob& blob) {
  archive.length(blob.size());
  archive.write(blob.data(), blob.size());
}
inline void CEREAL_LOAD_FUNCTION_NAME(FrameReader& archive, Blob& blob) {
  blob = archive.take(archive.length());
}

template <typename T>
void CEREAL_SAVE_FUNCTION_NAME(FrameWriter& archive, const std::vector<T>& items) {
  archive.length(items.size());
  for (const T& item : items) archive(item);
}
template <typename T>
void CEREAL_LOAD_FUNCTION_NAME(FrameReader& archive, std::vector<T>& items) {
  const std::size_t size = archive.length();
  items.clear();
  for (std::size_t i = 0; i < size; ++i) archive(items.emplace_back());
}

}  // namespace hyps::protocol::frame
