// Images whose answer is known: what the whole model makes of them, computed in this process.
#pragma once

#include <string>

#include "common/engine/engine.hpp"
#include "services/cli/model_files.hpp"

namespace hyps::cli {

inline constexpr std::size_t kMaxKnownImages = 8;

// Every feature map at which any plan may cut, and the answer (common/voting/known.hpp).
Result<std::string> known_maps(const Model& model, const std::string& image,
                               engine::Engine& engine);

}  // namespace hyps::cli
