// Seeded random nets, run by the oneDNN engine and by the scalar reference.
#pragma once

#include <string>

#include "graphs.hpp"

namespace hyps::engine::test {

// Of each sweep. A sanitizer, ten times slower, looks for other things than numbers.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr int kRounds = 50;
#else
inline constexpr int kRounds = 500;
#endif

// Builds nets with make(net, random) until kRounds of them had fitting shapes.
template <typename Make>
void sweep(std::uint64_t seed, int threads, Make make) {
  auto engine = make_onednn_engine(threads);
  int done = 0;
  for (std::uint64_t round = 0; done < kRounds; ++round) {
    ASSERT_LT(round, 20U * kRounds) << "too few shapes fit";
    SCOPED_TRACE("seed " + std::to_string(seed + round));
    Net net(seed + round);
    net.output(make(net, net.random()));
    const auto graph = net.graph();
    if (!graph.ok()) continue;
    expect_like_reference(*engine, *graph, net.inputs());
    ++done;
    if (testing::Test::HasFailure()) return;
  }
}

// Half of the time a convolution reads the map, padding channels of its layout included.
inline std::string perhaps_read(Net& net, const std::string& map, std::int64_t channels,
                                std::size_t axes = 2) {
  if (net.random().below(2) == 0) return map;
  cnn::Shape w{5, channels};
  w.resize(2 + axes, 1);
  return net.conv(map, w);
}

}  // namespace hyps::engine::test
