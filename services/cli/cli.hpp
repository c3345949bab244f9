// The command line's frame: what all verbs share.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "common/base/result.hpp"

namespace hyps::cli {

enum ExitCode : int {
  kOk = 0,
  kBadResult = 1,
  kUsage = 2,
  kNotFound = 3,
  kInvalid = 4,
  kDisconnected = 5,
  kOverloaded = 6,
  kSystem = 7,
};
int exit_code_of(ErrorKind kind);

struct Cli {
  CLI::App app{"hyps: a convolutional network on a handful of small devices"};
  std::string broker;            // HOST:PORT or empty
  std::string format = "table";  // or "json"
  // Set by the verb that was given; returns the exit code.
  std::function<Result<int>()> action;

  // A subcommand with its -o option for data if `prints_data`.
  CLI::App* add_verb(const std::string& name, const std::string& summary, bool prints_data);
  [[nodiscard]] bool json() const { return format == "json"; }
};

// For options: a path that must be there (else exit code 3), and "64M" (else 2).
CLI::Validator existing_path();
CLI::Validator number_of_bytes();

// verb_<name>.cpp each
void add_plan(Cli& cli);
void add_partition(Cli& cli);
void add_run(Cli& cli);
void add_verify(Cli& cli);
void add_make_model(Cli& cli);
void add_up(Cli& cli);
void add_deploy(Cli& cli);
void add_remove(Cli& cli);
void add_infer(Cli& cli);
void add_get(Cli& cli);
void add_describe(Cli& cli);
void add_logs(Cli& cli);
void add_backup(Cli& cli);
void add_replay(Cli& cli);
void add_watch(Cli& cli);
void add_chaos(Cli& cli);

int run_command_line(int argc, char** argv);

}  // namespace hyps::cli
