// Large models must fit into small devices: weights pass through, they are not gathered.
#include <sys/resource.h>

#include <fstream>

#include "common/zoo/zoo.hpp"
#include "tests/unit/onnx/messages.hpp"

namespace hyps::onnx::test {
namespace {

constexpr std::int64_t slack_kib = 64 * 1024;  // alexnet's weights are 239 MiB

// Resident memory that is no page of a file.
std::int64_t anonymous_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::int64_t kib = 0;
    if (word == "RssAnon:" && status >> kib) return kib;
  }
  return 0;
}

std::int64_t peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(Memory, SavingAndLoadingALargeModelGathersNoWeights) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "alexnet.onnx";
  {
    const auto graph = zoo::make("alexnet", 1);
    ASSERT_THAT(graph, Succeeds());
    const std::int64_t before = peak_kib();
    ASSERT_THAT(save(graph.value(), path), Succeeds());
    EXPECT_LT(peak_kib() - before, slack_kib);
  }
  const std::int64_t before = anonymous_kib();
  const auto graph = load(path);
  ASSERT_THAT(graph, Succeeds());
  EXPECT_LT(anonymous_kib() - before, slack_kib);
  EXPECT_LT(std::filesystem::file_size(path), 100'000U);
}

}  // namespace
}  // namespace hyps::onnx::test
