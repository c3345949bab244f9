#include "common/engine/engine.hpp"

#include <gtest/gtest.h>

#include "tests/conformance/onnx/compare.hpp"

namespace hyps::conformance {
namespace {

TEST(OnnxConformance, OneDnnEngineGivesTheExpectedOutputs) {
  const auto engine = engine::make_onednn_engine(1);
  const Runner run =
      [&](const cnn::Graph& graph,
          const std::vector<cnn::Tensor>& inputs) -> Result<std::vector<cnn::Tensor>> {
    HYPS_TRY(const auto executable, engine->compile(graph));
    return executable->run(inputs);
  };
  expect_conformance("oneDNN", run, {1e-5, 1e-7});
}

}  // namespace
}  // namespace hyps::conformance
