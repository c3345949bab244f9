// Where the checkout and its programs are. In one object file, so that all others are the same in
// every folder and compiler caches know them again.
#pragma once

#include <filesystem>

namespace hyps::test {

std::filesystem::path source_dir();  // the checkout
std::filesystem::path bin_dir();     // the built programs

}  // namespace hyps::test
