// hyps describe: one worker, model or job, with all that is known of it.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <memory>

#include "common/base/file.hpp"
#include "common/partition/plan.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/client.hpp"
#include "services/cli/lists.hpp"

namespace hyps::cli {

namespace {

struct Options {
  std::string what;
  std::string name;
  std::string svg;
};

// "2026-03-01 18:30:00", here; "-" for never.
std::string time_text(std::int64_t unix_ms) {
  if (unix_ms <= 0) return "-";
  return fmt::format("{:%Y-%m-%d %H:%M:%S}",
                     fmt::localtime(static_cast<std::time_t>(unix_ms / 1000)));
}

// "key: value" lines; nested objects are left to -o json.
std::string plain_text(const nlohmann::json& object) {
  constexpr std::string_view kTime = "_unix_ms";
  std::string out;
  for (const auto& [key, value] : object.items()) {
    if (value.is_object() || value.is_null()) continue;
    if (value.is_array() && !value.empty() && !value.front().is_string()) continue;
    if (key.ends_with(kTime) && value.is_number()) {
      out += fmt::format("{:<18} {}\n", key.substr(0, key.size() - kTime.size()),
                         time_text(value.get<std::int64_t>()));
    } else if (value.is_string()) {
      out += fmt::format("{:<18} {}\n", key, value.get<std::string>());
    } else if (value.is_array()) {
      for (const auto& item : value)
        out += fmt::format("{:<18} {}\n", key, item.get<std::string>());
    } else {
      out += fmt::format("{:<18} {}\n", key, value.dump());
    }
  }
  return out;
}

std::string reputation_text(const nlohmann::json& reputation) {
  return fmt::format("{:<18} {} votes agreed, {} in a row; {} lies{}\n", "reputation",
                     reputation.value("agreements", 0), reputation.value("agreements_in_a_row", 0),
                     reputation.value("lies", 0),
                     reputation.value("quarantined", false)
                         ? "; in quarantine: its votes do not count before ten in a row agree"
                         : "");
}

// Who runs each partition of the plan, from `get partitions`.
std::vector<std::string> workers_of(const partition::Plan& plan, const nlohmann::json& partitions) {
  std::vector<std::string> workers(plan.partitions.size());
  for (const auto& row : partitions.at("partitions")) {
    for (std::size_t i = 0; i < workers.size(); ++i) {
      if (plan.partitions[i].name.text == row.value("partition", "")) {
        workers[i] += (workers[i].empty() ? "" : ", ") + row.value("worker", "");
      }
    }
  }
  return workers;
}

Result<int> describe_model(Client& client, const Options& options, const nlohmann::json& reply) {
  fmt::print("{}", plain_text(reply));
  if (!reply.contains("plan_json") || reply.at("plan_json").empty()) return kOk;
  HYPS_TRY(const auto plan, partition::plan_from_json(reply.at("plan_json").dump()));
  HYPS_TRY(const auto partitions, client.query("partitions", options.name));
  fmt::print("\n{}\n{}", partition::to_table(plan), list_text("partitions", partitions));
  if (!reply.value("feature_maps", nlohmann::json::array()).empty()) {
    fmt::print("\n{}", list_text("feature_maps", reply));
  }
  if (!options.svg.empty()) {
    HYPS_CHECK(write_file(options.svg, partition::to_svg(plan, workers_of(plan, partitions))));
  }
  return kOk;
}

Result<int> run(const Cli& cli, const Options& options) {
  HYPS_TRY(const auto client, Client::connect(cli, Milliseconds(5000)));
  HYPS_TRY(const auto reply, client->query(options.what, options.name));
  if (cli.json()) {
    fmt::print("{}\n", reply.dump(2));
    return kOk;
  }
  if (options.what == "model") return describe_model(*client, options, reply);
  fmt::print("{}", plain_text(reply));
  if (reply.contains("reputation")) fmt::print("{}", reputation_text(reply.at("reputation")));
  if (reply.contains("timeline")) fmt::print("\n{}", timeline_text(reply.at("timeline")));
  return kOk;
}

}  // namespace

void add_describe(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = cli.add_verb("describe", "Show all about one worker, model or job", true);
  verb->add_option("what", options->what, "Kind")
      ->required()
      ->check(CLI::IsMember({"worker", "model", "job"}));
  verb->add_option("name", options->name, "Which one")->required();
  verb->add_option("--svg", options->svg, "Draw a model's plan, and who runs it, into this file");
  verb->callback([&cli, options] { cli.action = [&cli, options] { return run(cli, *options); }; });
}

}  // namespace hyps::cli
