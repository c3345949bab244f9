// A progress bar on standard error, drawn only if that is a terminal.
#pragma once

#include <cstdint>
#include <string>

namespace hyps::cli {

class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(std::uint64_t done, std::uint64_t total);  // a bar with per cent
  void note(const std::string& state);                 // a line that says what is waited for

 private:
  void draw(const std::string& line);
  std::string what_;
  std::string last_;
  bool terminal_;
};

}  // namespace hyps::cli
