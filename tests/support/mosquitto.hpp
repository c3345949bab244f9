// A Mosquitto of the test's own, configured as the product's, on a free port of the loopback.
#pragma once

#include <fstream>
#include <sstream>

#include "tests/support/paths/paths.hpp"
#include "tests/support/process.hpp"

namespace hyps::test {

class Mosquitto {
 public:
  // `more`: lines of configuration; what the product's says already, they replace.
  explicit Mosquitto(const std::string& more = {}, const std::string& address = "127.0.0.1")
      : port_(free_port().value()) {
    std::ifstream product(source_dir() / "deploy" / "mosquitto.conf");
    std::ostringstream config;
    for (std::string line; std::getline(product, line);) {
      const std::string key = line.substr(0, line.find(' '));
      if (key == "listener") line = "listener " + std::to_string(port_) + " " + address;
      const bool is_replaced = key != "#" && !key.empty() && more.find(key) != std::string::npos;
      if (!is_replaced) config << line << "\n";
    }
    // Started by root it would become a user who cannot read a test's files.
    if (::geteuid() == 0) config << "user root\n";
    std::ofstream(folder_.path() / "mosquitto.conf") << config.str() << more << "\n";
  }

  // Returns when it listens.
  void start() {
    const char* program =
        std::filesystem::exists("/usr/sbin/mosquitto") ? "/usr/sbin/mosquitto" : "mosquitto";
    process_ = Process({program, "-c", (folder_.path() / "mosquitto.conf").string()}, log_path());
    for (int waited_ms = 0; !listens(port_); waited_ms += 5) {
      if (!process_.running() || waited_ms > 10'000) {
        throw std::runtime_error("mosquitto does not start: " + log());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void kill() { process_.kill(); }
  int terminate() { return process_.terminate(); }
  // It keeps its connections, and does nothing until thawed or killed.
  void freeze() const { process_.signal(SIGSTOP); }
  void thaw() const { process_.signal(SIGCONT); }
  [[nodiscard]] bool running() { return process_.running(); }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string log() const {
    std::ifstream file(log_path());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  [[nodiscard]] std::filesystem::path log_path() const { return folder_.path() / "log"; }

  TemporaryFolder folder_{"hyps-mosquitto"};
  int port_;
  Process process_;
};

}  // namespace hyps::test
