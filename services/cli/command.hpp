// Another program, run to its end.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace hyps::cli {

// What it printed. Errors: not_found, if there is no such program; io, with what it said on
// standard error, if it fails or had to be ended because the time was up.
Result<std::string> run_command(const std::vector<std::string>& command, Milliseconds timeout);

}  // namespace hyps::cli
