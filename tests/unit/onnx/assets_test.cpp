// Real files from real exporters, where they are at hand.
#include <cmath>
#include <cstdlib>

#include "common/cnn/npy.hpp"
#include "tests/unit/onnx/messages.hpp"

namespace hyps::onnx::test {
namespace {

class Assets : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("HYPS_ASSETS");  // NOLINT: one thread
    if (folder == nullptr || !std::filesystem::exists(std::filesystem::path(folder) / "models")) {
      GTEST_SKIP() << "HYPS_ASSETS names no folder with models";
    }
    models_ = std::filesystem::path(folder) / "models";
  }
  cnn::Tensor npy(const char* name) {
    auto file = map_file(models_ / name);
    EXPECT_THAT(file, Succeeds());
    auto tensor = cnn::parse_npy(file.value());
    EXPECT_THAT(tensor, Succeeds());
    return std::move(tensor).value();
  }

  std::filesystem::path models_;
};

// Row `index` of a stack, as the model takes it.
cnn::Tensor row(const cnn::Tensor& stack, std::int64_t index, const cnn::Shape& shape) {
  const auto size = static_cast<std::size_t>(cnn::element_count(shape)) * sizeof(float);
  return {cnn::DType::f32, shape, stack.data.slice(static_cast<std::size_t>(index) * size, size)};
}

TEST_F(Assets, SupportedModelsLoad) {
  for (const char* name :
       {"mnist-8.onnx", "resnet8_cifar10.onnx", "squeezenet1.1.onnx", "tiny_darknet.onnx"}) {
    const auto graph = load(models_ / name);
    ASSERT_THAT(graph, Succeeds()) << name;
    EXPECT_EQ(graph->outputs.size(), 1U) << name;
  }
}

TEST_F(Assets, UnsupportedModelsAreRefusedWithAReason) {
  const auto candy = load(models_ / "unsupported" / "candy.onnx");
  EXPECT_THAT(candy, FailsWith(ErrorKind::unsupported, "candy.onnx"));
  const auto super = load(models_ / "unsupported" / "super_resolution.onnx");
  EXPECT_THAT(super, FailsWith(ErrorKind::unsupported, "IR version 1 is not supported"));
}

TEST_F(Assets, SmallModelsGiveTheRecordedOutputs) {
  for (const std::string name : {"mnist-8", "resnet8_cifar10"}) {
    const auto graph = load(models_ / (name + ".onnx"));
    ASSERT_THAT(graph, Succeeds());
    const cnn::Tensor inputs = npy((name + "_ref_inputs.npy").c_str());
    const cnn::Tensor expected = npy((name + "_ref_outputs_f64.npy").c_str());
    for (std::int64_t image = 0; image < 3; ++image) {
      const auto outputs =
          cnn::run_reference(graph.value(), {row(inputs, image, graph->inputs[0].shape)});
      ASSERT_THAT(outputs, Succeeds());
      const cnn::Tensor want = row(expected, image, outputs->at(0).shape);
      const auto got = outputs->at(0).f32();
      for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_NEAR(got[i], want.f32()[i], 1e-4 * std::max(1.F, std::abs(want.f32()[i])))
            << name << " image " << image << " output " << i;
      }
    }
  }
}

}  // namespace
}  // namespace hyps::onnx::test
