#include "services/cli/cli.hpp"

#include <cstdio>

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

int run_command_line(int argc, char** argv) {
  Cli cli;
  cli.app.set_version_flag("--version", HYPS_VERSION);
  cli.app.require_subcommand(1);
  cli.app.add_option("--broker", cli.broker,
                     "HOST:PORT of the cluster's MQTT broker [$HYPS_BROKER, the last `hyps up`, "
                     "127.0.0.1:1883]");
  cli.app.fallthrough();  // --broker may stand behind the verb
  cli.app.footer(
      "Exit codes: 0 done, 1 a bad result, 2 wrong usage, 3 not found, 4 invalid input,\n"
      "5 not reachable in time, 6 refused for now (full, too small), 7 system error.");
  for (auto* add : {add_up, add_deploy, add_infer, add_get, add_describe, add_watch, add_logs,
                    add_replay, add_remove, add_backup, add_chaos, add_plan, add_partition, add_run,
                    add_verify, add_make_model}) {
    add(cli);
  }
  try {
    cli.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.app.exit(error) == 0 ? kOk : kUsage;
  }
  const Result<int> result = cli.action();
  if (result.ok()) return *result;
  std::fprintf(stderr, "hyps: %s\n", result.error().message.c_str());
  return exit_code_of(result.error().kind);
}

}  // namespace hyps::cli
