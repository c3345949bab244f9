// Runner: one partition's bundle, opened and ready to compute. What a worker computes with and what
// `hyps run` uses without any cluster: the same bits either way.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"
#include "common/engine/engine.hpp"
#include "common/image/image.hpp"

namespace hyps::worker {

// Not thread-safe: one run at a time.
class Runner {
 public:
  virtual ~Runner() = default;
  // Raw tensor bytes in and out, in the order of inputs() and outputs(). Errors: invalid is the
  // input's fault (no image, wrong size), anything else is not.
  virtual Result<std::vector<Blob>> run(const std::vector<Blob>& inputs) = 0;
  // Several runs in one go, each with the bits of one of its own. Fails as a whole.
  virtual Result<std::vector<std::vector<Blob>>> run_many(
      const std::vector<std::vector<Blob>>& batch);
  [[nodiscard]] virtual engine::Footprint footprint() const = 0;
  // As of engine::Executable.
  [[nodiscard]] virtual bool gains_from_batches() const { return false; }
  virtual void keep_weights(std::size_t /*bytes*/) {}
  virtual void prefetch() {}
  [[nodiscard]] virtual const std::vector<cnn::Value>& inputs() const = 0;
  [[nodiscard]] virtual const std::vector<cnn::Value>& outputs() const = 0;
};

// Opens a bundle directory (services/manager/README.md says what is in it). `kind` as in
// partition::to_string(Kind); a manifest that says otherwise is an error. The directory may be
// removed afterwards. `packing`: where packed weights are kept between processes; `image_bytes`: of
// memory, to decode an image in.
Result<std::unique_ptr<Runner>> open_bundle(const std::filesystem::path& dir,
                                            const std::string& kind, engine::Engine& engine,
                                            const engine::Packing& packing = {},
                                            std::int64_t image_bytes = image::kNoLimit);

}  // namespace hyps::worker
