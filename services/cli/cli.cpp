#include "services/cli/cli.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "common/base/units.hpp"
#include "services/cli/client.hpp"

namespace hyps::cli {

int exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
    case ErrorKind::unsupported:
    case ErrorKind::corrupt:
      return kInvalid;
    case ErrorKind::not_found:
      return kNotFound;
    case ErrorKind::overloaded:
      return kOverloaded;
    case ErrorKind::disconnected:
      return kDisconnected;
    case ErrorKind::io:
      return kSystem;
  }
  return kBadResult;
}

CLI::App* Cli::add_verb(const std::string& name, const std::string& summary, bool prints_data) {
  CLI::App* verb = app.add_subcommand(name, summary);
  if (prints_data) {
    verb->add_option("-o,--output-format", format, "How to print: table or json")
        ->check(CLI::IsMember({"table", "json"}))
        ->capture_default_str();
  }
  return verb;
}

CLI::Validator existing_path() {
  return {[](std::string& path) -> std::string {
            std::error_code ignored;
            if (std::filesystem::exists(path, ignored)) return "";
            throw CLI::FileError("there is no file '" + path + "'");
          },
          "FILE"};
}

CLI::Validator number_of_bytes() {
  return {[](std::string& text) {
            const auto bytes = parse_bytes(text);
            return bytes.ok() ? std::string() : bytes.error().message;
          },
          "BYTES"};
}

namespace {

std::string no_such_command(CLI::App& app, const std::string& word) {
  std::string all;
  for (const CLI::App* verb : app.get_subcommands({})) all += " " + verb->get_name();
  return fmt::format("there is no command '{}'; there are:{}", word, all);
}

// What CLI11 found wrong, and the exit code for it. Help and version are no errors.
int tell(CLI::App& app, const CLI::ParseError& error) {
  if (error.get_name() == "FileError") {
    std::fprintf(stderr, "hyps: %s\n", error.what());
    return kNotFound;
  }
  const auto words = app.remaining();
  if (error.get_name() == "RequiredError" && app.get_subcommands().empty() && !words.empty() &&
      !words[0].starts_with("-")) {
    std::fprintf(stderr, "hyps: %s\n", no_such_command(app, words[0]).c_str());
    return kUsage;
  }
  return app.exit(error) == 0 ? kOk : kUsage;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  Cli cli;
  cli.app.set_version_flag("--version", HYPS_VERSION);
  cli.app.require_subcommand(1);
  cli.app
      .add_option("--broker", cli.broker,
                  "HOST:PORT of the cluster's MQTT broker [$HYPS_BROKER, the last `hyps up`, "
                  "127.0.0.1:1883]")
      ->check([](const std::string& text) {
        const auto address = find_broker(text);
        return address.ok() ? std::string() : address.error().message;
      });
  cli.app.fallthrough();  // --broker may stand behind the verb
  cli.app.footer(
      "Exit codes: 0 done, 1 a bad result, 2 wrong usage, 3 not found, 4 invalid input,\n"
      "5 not reachable in time, 6 refused for now (full, too small), 7 system error.\n"
      "A broker that wants a password: HYPS_BROKER_USERNAME and HYPS_BROKER_PASSWORD say it.");
  for (auto* add : {add_up, add_deploy, add_infer, add_get, add_describe, add_watch, add_logs,
                    add_replay, add_remove, add_backup, add_chaos, add_plan, add_partition, add_run,
                    add_verify, add_make_model}) {
    add(cli);
  }
  try {
    cli.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return tell(cli.app, error);
  }
  const Result<int> result = cli.action();
  if (result.ok()) return *result;
  std::fprintf(stderr, "hyps: %s\n", result.error().message.c_str());
  return exit_code_of(result.error().kind);
}

}  // namespace hyps::cli
