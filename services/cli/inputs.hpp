// --input: what is said of a model's inputs, and what to run it on.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/onnx/onnx.hpp"

namespace hyps::cli {

struct Inputs {
  onnx::GivenInputs given;
  std::string payload;  // path; empty: none
};

// SHAPE, NAME=SHAPE, NAME=FILE.npy or FILE, each any number of times but FILE and SHAPE, which come
// once. A file that is there is FILE, whatever its name.
Result<Inputs> parse_inputs(const std::vector<std::string>& texts);

}  // namespace hyps::cli
