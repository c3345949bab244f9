// `hyps verify` on networks whose outputs others recorded: whole, and cut at three thresholds.
#include <gmock/gmock.h>

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

}  // namespace
}  // namespace hyps::test
