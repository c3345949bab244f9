// `hyps verify` on networks whose outputs others recorded: whole, and cut at three thresholds.
#include <gmock/gmock.h>

#include "recorded.hpp"
#include "tests/support/program.hpp"

namespace hyps::test {
namespace {

struct Recorded {
  const char* model;
  const char* thresholds;  // parameters; the largest layers must be sliced at the smaller ones
};

void PrintTo(const Recorded& recorded, std::ostream* out) { *out << recorded.model; }

class Verify : public testing::TestWithParam<Recorded> {};

TEST_P(Verify, AgreesWholeAndAtThreeThresholds) {
  const std::string assets = assets_folder();
  if (assets.empty()) GTEST_SKIP() << "HYPS_ASSETS names no folder of trained networks";
  const auto folder = std::filesystem::path(assets) / "models";
  const std::string model = GetParam().model;
  const TemporaryFolder home;
  const Outcome outcome = run_program(
      hyps_command(home.path(), {"verify", (folder / (model + ".onnx")).string(), "--input",
                                 (folder / (model + "_ref_inputs.npy")).string(), "--expected",
                                 (folder / (model + "_ref_outputs_f64.npy")).string(),
                                 "--threshold", GetParam().thresholds}),
      120'000);
  EXPECT_EQ(outcome.code, 0) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output, testing::HasSubstr("100"));
  std::istringstream lines(outcome.output);
  int ok = 0;
  for (std::string line; std::getline(lines, line);) {
    ok += line.find(" ok") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(ok, 4) << outcome.output;
}

INSTANTIATE_TEST_SUITE_P(Recorded, Verify,
                         testing::Values(Recorded{"mnist-8", "3000,1500,400"},
                                         Recorded{"resnet8_cifar10", "40000,20000,5000"}),
                         [](const auto& test) {
                           return std::string(test.param.model).substr(0, 5) == "mnist" ? "mnist"
                                                                                        : "resnet";
                         });

// Of these only the best five scores of some photos were recorded: `hyps verify` holds cut against
// whole, and the scores are those of `hyps run`, of the model and of the partitions' folder.
class VerifyScores : public testing::TestWithParam<Recorded> {
 protected:
  Outcome hyps(const std::vector<std::string>& words) {
    Outcome outcome = run_program(hyps_command(home_.path(), words), 120'000);
    EXPECT_EQ(outcome.code, 0) << outcome.output << outcome.errors;
    return outcome;
  }
  void expect_recorded_of(const std::filesystem::path& model, const RecordedScores& recorded) {
    const Outcome run =
        hyps({"run", model.string(), "--input", recorded.input.string(), "-o", "json"});
    const auto answer = nlohmann::json::parse(run.output, nullptr, false);
    ASSERT_TRUE(answer.is_object()) << run.output;
    expect_recorded(recorded, answer);
  }
  const TemporaryFolder home_;
};

TEST_P(VerifyScores, AgreeWholeAndAtThreeThresholds) {
  const std::string assets = assets_folder();
  if (assets.empty()) GTEST_SKIP() << "HYPS_ASSETS names no folder of trained networks";
  const std::string model = GetParam().model;
  const auto file = std::filesystem::path(assets) / "models" / (model + ".onnx");
  const auto list = recorded_scores(assets, model);
  ASSERT_GE(list.size(), 3U);
  for (const RecordedScores& recorded : list) {
    expect_recorded_of(file, recorded);
    const Outcome verified = hyps({"verify", file.string(), "--input", recorded.input.string(),
                                   "--threshold", GetParam().thresholds});
    std::cout << verified.output;
  }
  std::istringstream thresholds(GetParam().thresholds);
  for (std::string threshold; std::getline(thresholds, threshold, ',');) {
    const auto folder = home_.path() / threshold;
    hyps({"partition", file.string(), "--threshold", threshold, "-o", folder.string()});
    for (const RecordedScores& recorded : list) expect_recorded_of(folder, recorded);
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, VerifyScores,
                         testing::Values(Recorded{"squeezenet1.1", "400000,100000,40000"},
                                         Recorded{"tiny_darknet", "100000,50000,20000"}),
                         [](const auto& test) {
                           return std::string(test.param.model).substr(0, 4) == "tiny"
                                      ? "tiny_darknet"
                                      : "squeezenet";
                         });

}  // namespace
}  // namespace hyps::test
