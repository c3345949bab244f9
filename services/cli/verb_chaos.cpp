// hyps chaos: does harm to a node of a running cluster and shows what came of it.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <random>

#include "common/base/random.hpp"
#include "common/runtime/event_loop.hpp"
#include "services/cli/chaos_experiment.hpp"
#include "services/cli/cli.hpp"

namespace hyps::cli {

namespace {

struct Options {
  Experiment::Options experiment;
  Fault fault;
  std::string project;
  double seconds = 0;        // the fault's; of a kill: until the worker is started again, 0: never
  double watch_seconds = 3;  // after it has ended
  double every = 2;
  double for_seconds = 30;
  std::uint64_t seed = 0;
};

constexpr Milliseconds kLearnTime{1000};
constexpr Milliseconds kPatience{60'000};
constexpr int kSlowPercent = 5;

Milliseconds ms_of(double seconds) { return Milliseconds(static_cast<int>(seconds * 1000)); }

Result<std::unique_ptr<Nodes>> nodes_of(const Options& options) {
  return options.project.empty() ? local_nodes() : compose_nodes(options.project);
}

double begin_of(const ChaosTimeline& timeline) {
  return timeline.lines().empty() ? 0 : timeline.lines().front().ms;
}

nlohmann::json json_of(Experiment& experiment, const Experiment::Summary& s) {
  const ChaosTimeline& timeline = experiment.timeline();
  nlohmann::json lines = nlohmann::json::array();
  for (const auto& line : timeline.lines()) {
    lines.push_back({{"ms", line.ms - begin_of(timeline)}, {"text", line.text}});
  }
  return {{"timeline", lines},
          {"accepted", s.jobs.accepted},
          {"answered", s.jobs.answered},
          {"unanswered", s.jobs.asked - s.jobs.answered},
          {"failed", s.jobs.failed},
          {"wrong", s.jobs.wrong},
          {"recovered", timeline.recovered()},
          {"resumed", timeline.resumed()},
          {"longest_recovery_ms", timeline.longest_recovery_ms()},
          {"longest_pause_before_ms", s.pause_before_ms},
          {"longest_pause_ms", s.pause_ms},
          {"first_answer_ms", s.first_answer_ms},
          {"moved", s.moved}};
}

std::string text_of(Experiment& experiment, const Experiment::Summary& s, bool has_jobs) {
  const ChaosTimeline& timeline = experiment.timeline();
  std::string out;
  const double begin = begin_of(timeline);
  for (const auto& line : timeline.lines()) {
    out += fmt::format("{:>9.1f} ms  {}\n", line.ms - begin, line.text);
  }
  if (timeline.left_out() > 0) out += fmt::format("… and {} more\n", timeline.left_out());
  out += fmt::format("\npartitions  {} taken back", timeline.recovered());
  if (timeline.recovered() > 0) {
    out += fmt::format(", computed after all within {:.1f} ms", timeline.longest_recovery_ms());
  }
  if (timeline.resumed() > 0) out += fmt::format("; {} jobs resumed", timeline.resumed());
  out += "\nmoved       " + std::string(s.moved.empty() ? "nothing" : "");
  for (const std::string& move : s.moved) out += (&move == &s.moved[0] ? "" : ", ") + move;
  if (!has_jobs) return out + "\n";
  out += fmt::format("\nanswers     longest pause {:.1f} ms, before {:.1f} ms", s.pause_ms,
                     s.pause_before_ms);
  if (s.first_answer_ms >= 0) {
    out += fmt::format("; a job asked afterwards was answered {:.1f} ms after the first fault",
                       s.first_answer_ms);
  }
  return out + fmt::format("\njobs        {} accepted, {} answered, {} failed, {} wrong{}\n",
                           s.jobs.accepted, s.jobs.answered, s.jobs.failed, s.jobs.wrong,
                           s.first_error.empty() ? "" : "; the first failure: " + s.first_error);
}

Result<int> report(const Cli& cli, Experiment& experiment, bool has_jobs) {
  const Experiment::Summary summary = experiment.summary();
  fmt::print("{}", cli.json() ? json_of(experiment, summary).dump(2) + "\n"
                              : text_of(experiment, summary, has_jobs));
  const auto unanswered = summary.jobs.asked - summary.jobs.answered;
  if (unanswered > 0 && runtime::stop_requested().load()) {
    fmt::print(stderr, "interrupted; {} jobs were still open\n", unanswered);
  } else if (unanswered > 0) {
    return Error{ErrorKind::disconnected,
                 fmt::format("{} jobs have no answer after {} s; is enough of the cluster alive? "
                             "`hyps chaos heal` starts the dead again, and the jobs go on",
                             unanswered, kPatience.count() / 1000)};
  }
  return summary.jobs.failed + summary.jobs.wrong > 0 ? kBadResult : kOk;
}

Status check_node(Nodes& nodes, const std::string& node) {
  HYPS_TRY(const auto names, nodes.names());
  if (std::find(names.begin(), names.end(), node) != names.end()) return {};
  std::string all;
  for (const std::string& name : names) all += " " + name;
  return Error{ErrorKind::not_found, "no node '" + node + "'; there are" + all};
}

Result<int> run_one(const Cli& cli, const Options& options) {
  HYPS_TRY(auto nodes, nodes_of(options));
  HYPS_CHECK(check_node(*nodes, options.fault.node));
  runtime::install_signal_handlers();
  HYPS_TRY(const auto experiment, Experiment::make(cli, std::move(nodes), options.experiment));
  HYPS_CHECK(experiment->learn(kLearnTime));
  HYPS_CHECK(experiment->begin(options.fault));
  experiment->work_for(ms_of(options.seconds));
  HYPS_CHECK(experiment->end(options.seconds > 0));
  experiment->work_for(ms_of(options.watch_seconds));
  experiment->finish(kPatience);
  return report(cli, *experiment, !options.experiment.no_jobs);
}

Fault random_fault(const std::vector<std::string>& names, Random& random) {
  const char* const whats[] = {"kill", "pause", "slow"};
  return {whats[random.below(3)], names[random.below(names.size())], kSlowPercent};
}

// One fault at a time: each has ended when the next begins.
Result<int> run_random(const Cli& cli, const Options& options) {
  HYPS_TRY(auto nodes, nodes_of(options));
  HYPS_TRY(const auto names, nodes->names());
  runtime::install_signal_handlers();
  const std::uint64_t seed = options.seed != 0 ? options.seed : std::random_device()();
  Random random(seed);
  HYPS_TRY(const auto experiment, Experiment::make(cli, std::move(nodes), options.experiment));
  HYPS_CHECK(experiment->learn(kLearnTime));
  const int faults = std::max(1, static_cast<int>(options.for_seconds / options.every));
  for (int i = 0; i < faults && !runtime::stop_requested().load(); ++i) {
    HYPS_CHECK(experiment->begin(random_fault(names, random)));
    experiment->work_for(ms_of(options.every / 2));
    HYPS_CHECK(experiment->end(true));
    experiment->work_for(ms_of(options.every / 2));
  }
  experiment->finish(kPatience);
  HYPS_TRY(const int code, report(cli, *experiment, !options.experiment.no_jobs));
  if (!cli.json()) fmt::print("again       --seed {}\n", seed);
  return code;
}

Result<int> run_heal(const Options& options) {
  HYPS_TRY(const auto nodes, nodes_of(options));
  HYPS_CHECK(nodes->heal());
  fmt::print("all nodes run\n");
  return kOk;
}

void add_common(CLI::App* verb, Options& options) {
  verb->add_option("--project", options.project,
                   "The containers of this compose project (deploy/compose.yaml: deploy) [the "
                   "running `hyps up`]");
}

void add_load(CLI::App* verb, Options& options) {
  verb->add_option("--model", options.experiment.model, "Ask this model [the only one]");
  verb->add_option("--image", options.experiment.images, "Ask with these [pictures of noise]")
      ->check(existing_path());
  verb->add_option("--jobs", options.experiment.jobs_open, "So many are open at any time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  verb->add_flag("--no-jobs", options.experiment.no_jobs,
                 "Ask nothing; look at what others' jobs meet with");
}

CLI::App* add_deed(CLI::App* chaos, Cli& cli, const std::shared_ptr<Options>& options,
                   const std::string& what, const std::string& summary, double seconds) {
  CLI::App* verb = chaos->add_subcommand(what, summary);
  verb->add_option("node", options->fault.node, "As `hyps up` or the compose file calls it")
      ->required();
  verb->add_option("--watch", options->watch_seconds, "Seconds to look on afterwards")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  add_common(verb, *options);
  add_load(verb, *options);
  verb->callback([&cli, options, what, verb, seconds] {
    options->fault.what = what;
    if (verb->count("--seconds") == 0) options->seconds = seconds;
    cli.action = [&cli, options] { return run_one(cli, *options); };
  });
  return verb;
}

void add_deeds(CLI::App* chaos, Cli& cli, const std::shared_ptr<Options>& options) {
  const auto seconds = CLI::Range(0.05, 3600.0);
  add_deed(chaos, cli, options, "kill", "kill -9 (docker kill)", 0)
      ->add_option("--seconds", options->seconds,
                   "Start a worker again after so long [it stays away; all others come back at "
                   "once]")
      ->check(seconds);
  add_deed(chaos, cli, options, "pause", "SIGSTOP, then SIGCONT (docker pause)", 5)
      ->add_option("--seconds", options->seconds, "How long [5]")
      ->check(seconds);
  CLI::App* slow = add_deed(chaos, cli, options, "slow", "Only a share of one processor", 10);
  slow->add_option("--seconds", options->seconds, "How long [10]")->check(seconds);
  options->fault.percent = kSlowPercent;
  slow->add_option("--percent", options->fault.percent, "Of one processor")
      ->check(CLI::Range(1, 99))
      ->capture_default_str();
}

}  // namespace

void add_chaos(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = cli.add_verb(
      "chaos", "Kill, pause or slow a node of a running cluster and see what happens", true);
  verb->require_subcommand(0, 1);
  verb->add_option("--every", options->every, "Seconds from one random fault to the next")
      ->check(CLI::Range(0.2, 3600.0))
      ->capture_default_str();
  verb->add_option("--for", options->for_seconds, "Seconds in all")
      ->check(CLI::Range(0.2, 86'400.0))
      ->capture_default_str();
  verb->add_option("--seed", options->seed, "Repeat what was done to whom [a new one]");
  add_common(verb, *options);
  add_load(verb, *options);
  add_deeds(verb, cli, options);
  CLI::App* heal = verb->add_subcommand("heal", "Start who is dead, resume who is paused");
  add_common(heal, *options);
  heal->callback([&cli, options] { cli.action = [options] { return run_heal(*options); }; });
  verb->footer(
      "  hyps chaos kill w2                      and see its partitions move\n"
      "  hyps chaos pause hub --seconds 5\n"
      "  hyps chaos slow w1 --percent 5 --seconds 20\n"
      "  hyps chaos --every 2 --for 30           something at random, every two seconds\n"
      "  hyps chaos heal                         start who is dead, resume who is paused\n"
      "Jobs are asked meanwhile; every answer is compared with the one given before.\n"
      "Exit code 0: every job was answered, and rightly.");
  verb->callback([&cli, options, verb] {
    if (!verb->get_subcommands().empty()) return;
    cli.action = [&cli, options] { return run_random(cli, *options); };
  });
}

}  // namespace hyps::cli
