// Typed configuration: one struct a service; each key with default, unit and range in one place.
// Sources, later ones win: defaults, a YAML file, environment (HYPS_<KEY>), --set key=value.
// An unknown key or a bad value refuses to start and says where.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace hyps::runtime {

class Schema {
 public:
  // The target holds the default when the key is declared.
  void text(std::string key, std::string* target, std::string doc);
  void boolean(std::string key, bool* target, std::string doc);
  void integer(std::string key, std::int64_t* target, std::int64_t low, std::int64_t high,
               std::string doc);
  void bytes(std::string key, std::int64_t* target, std::int64_t low, std::int64_t high,
             std::string doc);  // "64M"
  void choice(std::string key, std::string* target, std::vector<std::string> choices,
              std::string doc);

  Status load_yaml(const std::string& text, const std::string& where);
  Status load_environment();  // only declared keys: broker_host → HYPS_BROKER_HOST
  Status set(const std::string& key, const std::string& value, const std::string& where);
  // Every key with its documentation, range and default, as a YAML file that loads.
  [[nodiscard]] std::string sample() const;

 private:
  struct Field {
    std::string key;
    std::string doc;    // with unit and range
    std::string value;  // default as text
    std::function<Status(const std::string&)> set;
  };
  std::vector<Field> fields_;
};

// The command line of every service: --config FILE, --set KEY=VALUE (repeatable), --print-config,
// --version, --help. Returns true to run; false when it has printed what was asked. Loads file,
// environment and settings in that order.
Result<bool> parse_service_arguments(int argc, char** argv, const char* service, Schema& schema);

// The keys every service has.
struct BrokerConfig {
  std::string host = "127.0.0.1";
  std::int64_t port = 1883;
  std::string username;
  std::string password;
};
void declare(Schema& schema, BrokerConfig& config);  // broker_host, broker_port, …

}  // namespace hyps::runtime
