#include "common/onnx/weights_file.hpp"

#include <unistd.h>

#include <array>
#include <system_error>

namespace hyps::onnx {

namespace {

std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  return path.string() + ".tmp" + std::to_string(::getpid());
}

}  // namespace

WeightsFile::WeightsFile(std::filesystem::path path)
    : path_(std::move(path)),
      temporary_(temporary_beside(path_)),
      stream_(temporary_, std::ios::binary | std::ios::trunc) {}

WeightsFile::~WeightsFile() {
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove(temporary_, ignored);
}

Result<std::size_t> WeightsFile::append(const Blob& data) {
  static constexpr std::array<char, weight_alignment> zeros{};
  const std::size_t gap = (weight_alignment - size_ % weight_alignment) % weight_alignment;
  const std::size_t offset = size_ + gap;
  stream_.write(zeros.data(), static_cast<std::streamsize>(gap));
  stream_.write(data.text().data(), static_cast<std::streamsize>(data.size()));
  if (!stream_) return failed();
  size_ = offset + data.size();
  return offset;
}

Status WeightsFile::finish() {
  stream_.close();
  if (!stream_) return failed();
  std::error_code code;
  std::filesystem::rename(temporary_, path_, code);
  if (code) return failed();
  temporary_.clear();
  return {};
}

Error WeightsFile::failed() const {
  return {ErrorKind::io, "cannot write " + path_.string() +
                             "; is the folder there and writable, and the disk not full?"};
}

}  // namespace hyps::onnx
