#include "common/engine/onednn/constants.hpp"

#include <algorithm>

#include "common/engine/onednn/weights.hpp"

namespace hyps::engine {

Constants::Constants(const Packing& packing) : ready_(packing.ready) {
  if (ready_ == nullptr && !packing.file.empty()) {
    writer_ = std::make_unique<PackedWriter>(packing.file, packing.key);
  }
}

std::size_t Constants::take(std::uint64_t kind, std::size_t bytes) {
  const auto& constants = ready_->constants();
  const bool same = count_ < constants.size() && constants[count_].kind == kind &&
                    constants[count_].bytes.size() == bytes;
  if (!same) throw PackingFailed({ErrorKind::corrupt, "the packed weights are packed otherwise"});
  return count_++;
}

// A source may be mapped: what is written of it need not stay.
void Constants::append(std::uint64_t kind, std::span<const std::byte> bytes, bool is_source) {
  const auto written = [is_source](std::span<const std::byte> part) {
    if (is_source) give_back(part);
  };
  if (const auto status = writer_->append(kind, bytes, written); !status.ok()) {
    throw PackingFailed(status.error());
  }
}

std::size_t Constants::add(std::uint64_t kind, std::size_t bytes, const Fill& fill) {
  if (ready_ != nullptr) return take(kind, bytes);
  if (writer_ != nullptr) {
    if (scratch_.size() < bytes) {
      scratch_ = {};  // first, or both would be there
      scratch_ = AlignedBytes(bytes);
    }
    fill(scratch_.data());
    append(kind, {scratch_.data(), bytes}, false);
    return count_++;
  }
  auto memory = std::make_shared<AlignedBytes>(std::max<std::size_t>(bytes, 1));
  fill(memory->data());
  const std::span filled(memory->data(), bytes);
  in_memory_.emplace_back(std::move(memory), filled);
  return count_++;
}

std::size_t Constants::keep(std::uint64_t kind, const Blob& source) {
  if (ready_ != nullptr) return take(kind, source.size());
  if (writer_ != nullptr) {
    append(kind, source.bytes(), true);
  } else {
    in_memory_.push_back(source);
  }
  return count_++;
}

std::vector<Blob> Constants::finish() {
  if (ready_ == nullptr && writer_ == nullptr) return std::move(in_memory_);
  if (writer_ != nullptr) {
    scratch_ = {};
    auto packed = writer_->finish();
    if (!packed) throw PackingFailed(packed.error());
    ready_ = std::make_shared<PackedFile>(std::move(*packed));
  }
  if (count_ != ready_->constants().size()) {
    throw PackingFailed({ErrorKind::corrupt, "the packed weights are more than this graph has"});
  }
  std::vector<Blob> all;
  for (const auto& constant : ready_->constants()) all.push_back(constant.bytes);
  return all;
}

}  // namespace hyps::engine
