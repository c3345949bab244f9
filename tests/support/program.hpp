// A program that is run to its end: exit code, output and errors.
#pragma once

#include <fstream>
#include <sstream>

#include "tests/support/paths/paths.hpp"
#include "tests/support/process.hpp"

namespace hyps::test {

struct Outcome {
  int code = -1;  // -1: it had to be killed
  std::string output;
  std::string errors;
};

inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline Outcome run_program(std::vector<std::string> command, int timeout_ms = 60'000) {
  const TemporaryFolder folder("hyps-run");
  Process process(std::move(command), folder.path() / "output", folder.path() / "errors");
  Outcome outcome;
  outcome.code = process.wait_ms(timeout_ms);
  outcome.output = text_of(folder.path() / "output");
  outcome.errors = text_of(folder.path() / "errors");
  return outcome;
}

// The command line with a home of its own, so that it finds no cluster of the user's.
inline std::vector<std::string> hyps_command(const std::filesystem::path& home,
                                             const std::vector<std::string>& words) {
  std::vector<std::string> command{"env", "-u", "HYPS_BROKER", "HOME=" + home.string(),
                                   bin_dir().string() + "/hyps"};
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

inline std::filesystem::path source(const std::string& path) { return source_dir() / path; }

// Trained networks with recorded outputs; empty: there are none here.
inline std::string assets_folder() {
  const char* folder = std::getenv("HYPS_ASSETS");  // NOLINT(concurrency-mt-unsafe)
  return folder == nullptr ? "" : folder;
}

}  // namespace hyps::test
