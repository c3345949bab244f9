// A Mosquitto of the test's own, configured as the product's, on a free port of the loopback.
#pragma once

#include <fstream>
#include <sstream>

#include "tests/support/process.hpp"

namespace hyps::test {

class Mosquitto {
 public:
  explicit Mosquitto(int port = free_port()) : port_(port) {
    std::ifstream product(std::filesystem::path(HYPS_SOURCE_DIR) / "deploy" / "mosquitto.conf");
    std::ostringstream text;
    text << product.rdbuf();
    std::string config = text.str();
    const std::string listener = "listener 1883";
    config.replace(config.find(listener), listener.size(),
                   "listener " + std::to_string(port_) + " 127.0.0.1");
    std::ofstream(folder_.path() / "mosquitto.conf") << config;
  }

  void start() {
    const char* program =
        std::filesystem::exists("/usr/sbin/mosquitto") ? "/usr/sbin/mosquitto" : "mosquitto";
    process_ = Process({program, "-c", (folder_.path() / "mosquitto.conf").string()},
                       folder_.path() / "log");
  }
  void kill() { process_.kill(); }
  [[nodiscard]] bool running() { return process_.running(); }
  [[nodiscard]] int port() const { return port_; }

 private:
  TemporaryFolder folder_{"hyps-mosquitto"};
  int port_;
  Process process_;
};

}  // namespace hyps::test
