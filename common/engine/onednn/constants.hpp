// Constants: where the constants of a graph go while it is compiled. Into memory; into a file and
// out of memory again; or nowhere, because a former compile() of the same graph left them.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/engine/engine.hpp"
#include "common/engine/onednn/memory.hpp"

namespace hyps::engine {

// What went wrong with the file; compile() gives it to its caller.
class PackingFailed : public std::exception {
 public:
  explicit PackingFailed(Error error) : error_(std::move(error)) {}
  [[nodiscard]] const Error& error() const { return error_; }
  [[nodiscard]] const char* what() const noexcept override { return error_.message.c_str(); }

 private:
  Error error_;
};

class Constants {
 public:
  using Fill = std::function<void(std::byte*)>;

  // Throws PackingFailed, as all methods do.
  explicit Constants(const Packing& packing);

  // One more constant, numbered from 0 in the order of the calls. `fill` writes all of its bytes,
  // or is not called where a former compile() did. `kind` says what it is; where the former one
  // differs, the file is of other code or another graph (ErrorKind::corrupt).
  std::size_t add(std::uint64_t kind, std::size_t bytes, const Fill& fill);
  // One that is there as it is wanted.
  std::size_t keep(std::uint64_t kind, const Blob& source);

  // All, by number.
  std::vector<Blob> finish();
  // Whether constants are being written to a file.
  [[nodiscard]] bool goes_to_file() const { return writer_ != nullptr; }
  // Whether the finished ones are of a file.
  [[nodiscard]] bool are_mapped() const { return ready_ != nullptr; }

 private:
  std::size_t take(std::uint64_t kind, std::size_t bytes);
  void append(std::uint64_t kind, std::span<const std::byte> bytes, bool is_source);

  std::shared_ptr<const PackedFile> ready_;
  std::unique_ptr<PackedWriter> writer_;
  AlignedBytes scratch_;  // what is being written to the file
  std::vector<Blob> in_memory_;
  std::size_t count_ = 0;
};

}  // namespace hyps::engine
