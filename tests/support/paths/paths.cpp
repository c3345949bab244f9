#include "tests/support/paths/paths.hpp"

namespace hyps::test {

std::filesystem::path source_dir() { return HYPS_SOURCE_DIR; }
std::filesystem::path bin_dir() { return HYPS_BIN_DIR; }

}  // namespace hyps::test
