// The outputs of a finished job, as files.
#pragma once

#include <string>

#include "services/cli/client.hpp"

namespace hyps::cli {

// Writes FOLDER/NAME.npy of each, and prints what it wrote.
Result<int> get_outputs(const Cli& cli, Client& client, const std::string& job,
                        const std::string& folder);

// A file name for each tensor name: what is not A-Z a-z 0-9 . _ - becomes _, and who would have the
// same name as one before it gets _2, _3, ….
std::vector<std::string> file_names(const std::vector<std::string>& tensors);

}  // namespace hyps::cli
