// Other instruction sets choose other implementations and layouts (gemm on plain maps among them,
// as on 64-bit ARM). oneDNN fixes its choice once in a process, so each gets a process of its own.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/support/paths/paths.hpp"

namespace hyps::engine::test {
namespace {

class OtherIsa : public testing::TestWithParam<const char*> {};

TEST_P(OtherIsa, MatchesTheReferenceAndKeepsBitsForAnyThreads) {
  const std::string command =
      std::string("ONEDNN_MAX_CPU_ISA=") + GetParam() + " '" + hyps::test::bin_dir().string() +
      "/unit_engine' --gtest_brief=1 --gtest_filter='Determinism.*:Conv.*:"
      "MatMul.*:Affine.*:Joins.*:Zoo/*Threads*/resnet18:Zoo/*Threads*/mobilenet_v2'";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(concurrency-mt-unsafe)
}

#if defined(__x86_64__)
INSTANTIATE_TEST_SUITE_P(Isa, OtherIsa, testing::Values("AVX2", "SSE41"));
#endif
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OtherIsa);

}  // namespace
}  // namespace hyps::engine::test
