#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/conformance/onnx/compare.hpp"

namespace hyps::conformance {
namespace {

TEST(OnnxConformance, ReferenceOperatorsGiveTheExpectedOutputs) {
  expect_conformance("reference", cnn::run_reference, {1e-5, 1e-7});
}

TEST(OnnxConformance, ExceptionsAreFewAndAreCasesThatExist) {
  const std::vector<Case> cases = all_cases();
  if (cases.empty()) GTEST_SKIP() << "libonnx-testdata is not installed";
  std::set<std::string> names;
  for (const Case& test_case : cases) names.insert(test_case.name);
  EXPECT_LE(cannot_pass().size(), 15U);
  for (const auto& [name, reason] : cannot_pass()) {
    EXPECT_TRUE(names.contains(name)) << name;
    EXPECT_FALSE(reason.empty()) << name;
  }
}

}  // namespace
}  // namespace hyps::conformance
