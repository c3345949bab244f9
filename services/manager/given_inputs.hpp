// What is said of a model's inputs at deployment, as files beside the model: inputs.json, and a
// .npy for each input that is fixed. The command line writes them, the manager reads them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/onnx/onnx.hpp"

namespace hyps::manager {

// The names of the files written into `folder`. REQUIRES: every shape is given by name.
Result<std::vector<std::string>> write_given_inputs(const onnx::GivenInputs& given,
                                                    const std::filesystem::path& folder);
// Nothing is given where there is no inputs.json. Errors: invalid.
Result<onnx::GivenInputs> read_given_inputs(const std::filesystem::path& folder);

}  // namespace hyps::manager
