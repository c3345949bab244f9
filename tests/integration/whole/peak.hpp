// How much of a process was resident at most.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>

namespace hyps::test {

inline double peak_resident_mb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  throw std::runtime_error("no such process");
}

}  // namespace hyps::test
