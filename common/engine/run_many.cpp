#include "common/engine/engine.hpp"

namespace hyps::engine {

Result<std::vector<std::vector<cnn::Tensor>>> Executable::run_many(
    const std::vector<std::vector<cnn::Tensor>>& batch) {
  std::vector<std::vector<cnn::Tensor>> outputs;
  for (const auto& inputs : batch) {
    HYPS_TRY(outputs.emplace_back(), run(inputs));
  }
  return outputs;
}

}  // namespace hyps::engine
