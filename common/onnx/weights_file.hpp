// WeightsFile: writes tensors one after another, each at an aligned offset, under a temporary name
// until `finish`. Nothing is left behind if it is not finished.
#pragma once

#include <filesystem>
#include <fstream>

#include "common/base/blob.hpp"
#include "common/base/result.hpp"

namespace hyps::onnx {

constexpr std::size_t weight_alignment = 4096;

class WeightsFile {
 public:
  explicit WeightsFile(std::filesystem::path path);
  ~WeightsFile();
  WeightsFile(const WeightsFile&) = delete;
  WeightsFile& operator=(const WeightsFile&) = delete;

  Result<std::size_t> append(const Blob& data);  // the offset it was written at
  Status finish();

 private:
  [[nodiscard]] Error failed() const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::ofstream stream_;
  std::size_t size_ = 0;
};

}  // namespace hyps::onnx
