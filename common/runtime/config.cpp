#include "common/runtime/config.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

#include "common/base/file.hpp"
#include "common/base/units.hpp"

namespace hyps::runtime {

namespace {

constexpr std::size_t kMaxConfigBytes = 1U << 20U;

Error bad_value(const std::string& value, const std::string& wanted) {
  return {ErrorKind::invalid, fmt::format("'{}' is not {}", value, wanted)};
}

// As YAML reads it back, whatever is in it.
std::string yaml_text(const std::string& text) {
  YAML::Emitter out;
  out << YAML::DoubleQuoted << text;
  return out.c_str();
}

std::string environment_name(const std::string& key) {
  std::string name = "HYPS_" + key;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

}  // namespace

void Schema::text(std::string key, std::string* target, std::string doc) {
  fields_.push_back({std::move(key), std::move(doc), yaml_text(*target),
                     [target](const std::string& value) -> Status {
                       *target = value;
                       return {};
                     }});
}

void Schema::boolean(std::string key, bool* target, std::string doc) {
  fields_.push_back({std::move(key), std::move(doc) + "; true or false", *target ? "true" : "false",
                     [target](const std::string& value) -> Status {
                       if (value != "true" && value != "false") {
                         return bad_value(value, "true or false");
                       }
                       *target = value == "true";
                       return {};
                     }});
}

void Schema::integer(std::string key, std::int64_t* target, std::int64_t low, std::int64_t high,
                     std::string doc) {
  const std::string range = fmt::format("{} to {}", low, high);
  fields_.push_back({std::move(key), fmt::format("{}; {}", doc, range), std::to_string(*target),
                     [target, low, high, range](const std::string& value) -> Status {
                       std::int64_t number = 0;
                       const char* end = value.data() + value.size();
                       const auto [rest, error] = std::from_chars(value.data(), end, number);
                       if (error != std::errc() || rest != end || number < low || number > high) {
                         return bad_value(value, "a whole number from " + range);
                       }
                       *target = number;
                       return {};
                     }});
}

void Schema::bytes(std::string key, std::int64_t* target, std::int64_t low, std::int64_t high,
                   std::string doc) {
  const std::string range = fmt::format("{} to {} bytes", low, high);
  fields_.push_back({std::move(key), fmt::format("{}; {}, K, M and G allowed", doc, range),
                     std::to_string(*target),
                     [target, low, high, range](const std::string& value) -> Status {
                       HYPS_TRY(const std::int64_t number, parse_bytes(value));
                       if (number < low || number > high) return bad_value(value, range);
                       *target = number;
                       return {};
                     }});
}

void Schema::choice(std::string key, std::string* target, std::vector<std::string> choices,
                    std::string doc) {
  const std::string list = fmt::format("{}", fmt::join(choices, ", "));
  fields_.push_back({std::move(key), fmt::format("{}; one of {}", doc, list), *target,
                     [target, choices = std::move(choices), list](const std::string& v) -> Status {
                       if (std::find(choices.begin(), choices.end(), v) == choices.end()) {
                         return bad_value(v, "one of " + list);
                       }
                       *target = v;
                       return {};
                     }});
}

Status Schema::set(const std::string& key, const std::string& value, const std::string& where) {
  for (const Field& field : fields_) {
    if (field.key != key) continue;
    const Status status = field.set(value);
    return status.ok() ? status : Status(status.error().about(fmt::format("{}: {}", where, key)));
  }
  std::vector<std::string> known;
  for (const Field& field : fields_) known.push_back(field.key);
  return Error{ErrorKind::invalid, fmt::format("{}: unknown key '{}'; known are {}", where, key,
                                               fmt::join(known, ", "))};
}

Status Schema::load_yaml(const std::string& text, const std::string& where) {
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return {};
    if (!root.IsMap()) return Error{ErrorKind::invalid, where + ": write one `key: value` a line"};
    for (const auto& item : root) {
      const std::string line = fmt::format("{}, line {}", where, item.first.Mark().line + 1);
      if (!item.first.IsScalar() || !item.second.IsScalar()) {
        return Error{ErrorKind::invalid, line + ": write `key: value`"};
      }
      HYPS_CHECK(set(item.first.Scalar(), item.second.Scalar(), line));
    }
  } catch (const YAML::Exception& error) {
    return Error{ErrorKind::invalid,
                 fmt::format("{}, line {}: {}", where, error.mark.line + 1, error.msg)};
  }
  return {};
}

Status Schema::load_environment() {
  for (const Field& field : fields_) {
    const std::string name = environment_name(field.key);
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): at start only
    if (value != nullptr && *value != '\0') HYPS_CHECK(set(field.key, value, name));
  }
  return {};
}

std::string Schema::sample() const {
  std::string out;
  for (const Field& field : fields_) {
    out += fmt::format("# {}. Environment: {}\n{}: {}\n", field.doc, environment_name(field.key),
                       field.key, field.value);
  }
  return out;
}

Result<bool> parse_service_arguments(int argc, char** argv, const char* service, Schema& schema) {
  std::string config_file;
  std::vector<std::string> settings;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--version") {
      fmt::print("{} {}\n", service, HYPS_VERSION);
      return false;
    }
    if (argument == "--print-config" || argument == "--help") {
      if (argument == "--help") {
        fmt::print(
            "usage: {} [--config FILE] [--set KEY=VALUE]… [--print-config] [--version]\n"
            "Later ones win: defaults, file, environment, --set. The keys:\n\n",
            service);
      }
      fmt::print("{}", schema.sample());
      return false;
    }
    if ((argument == "--config" || argument == "--set") && i + 1 < argc) {
      ++i;
      if (argument == "--config") config_file = argv[i];
      if (argument == "--set") settings.emplace_back(argv[i]);
      continue;
    }
    return Error{ErrorKind::invalid,
                 fmt::format("unknown or incomplete argument '{}'; see --help", argument)};
  }
  if (!config_file.empty()) {
    HYPS_TRY(const Blob text, read_file(config_file, kMaxConfigBytes));
    HYPS_CHECK(schema.load_yaml(std::string(text.text()), config_file));
  }
  HYPS_CHECK(schema.load_environment());
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      return Error{ErrorKind::invalid, "--set " + setting + ": write KEY=VALUE"};
    }
    HYPS_CHECK(schema.set(setting.substr(0, equals), setting.substr(equals + 1), "--set"));
  }
  return true;
}

void declare(Schema& schema, BrokerConfig& config) {
  schema.text("broker_host", &config.host, "Host name or address of the MQTT broker");
  schema.integer("broker_port", &config.port, 1, 65535, "Its port");
  schema.text("broker_username", &config.username, "User name at the broker; empty: anonymous");
  schema.text("broker_password", &config.password, "Password at the broker");
}

}  // namespace hyps::runtime
