// The cluster against `hyps run` of the same plan in one process.
#pragma once

#include "tests/support/client.hpp"
#include "tests/support/cluster.hpp"

namespace hyps::test {

// Writes the plan the cluster made, and the bundles of it, as anybody could; returns their folder.
inline std::filesystem::path write_bundles(const Cluster& cluster, Client& client,
                                           const std::string& model,
                                           const std::filesystem::path& onnx) {
  const json shown = client.query("model", model);
  const auto plan = cluster.folder() / (model + ".plan.json");
  std::ofstream(plan) << shown.at("plan_json").dump();
  const auto folder = cluster.folder() / (model + ".bundles");
  const Outcome outcome =
      run_program(hyps_command(cluster.home(), {"partition", onnx.string(), "--plan", plan.string(),
                                                "-o", folder.string()}));
  EXPECT_EQ(outcome.code, 0) << outcome.errors;
  return folder;
}

// The answer of one process.
inline json run_in_one_process(const Cluster& cluster, const std::filesystem::path& model,
                               const std::filesystem::path& input, int threads) {
  const Outcome outcome = run_program(
      hyps_command(cluster.home(), {"run", model.string(), "--input", input.string(), "--threads",
                                    std::to_string(threads), "-o", "json"}),
      120'000);
  EXPECT_EQ(outcome.code, 0) << outcome.errors;
  return json::parse(outcome.output, nullptr, false);
}

// Bit for bit, whatever the number of threads.
inline void expect_same_bits(const Cluster& cluster, const std::filesystem::path& bundles,
                             const std::filesystem::path& input, const json& answer) {
  ASSERT_EQ(answer.value("state", ""), "done") << answer;
  for (const int threads : {1, 2, 3}) {
    const json local = run_in_one_process(cluster, bundles, input, threads);
    ASSERT_TRUE(local.is_object());
    EXPECT_EQ(local.at("outputs"), answer.at("outputs")) << input << ", " << threads << " threads";
    EXPECT_EQ(local.at("top"), answer.at("top"));
  }
}

}  // namespace hyps::test
