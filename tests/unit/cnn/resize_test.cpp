// Resize where its sizes are unusual.
#include "cases.hpp"

namespace hyps::cnn::testing {
namespace {

Case resize_of(Shape shape, Tensor scales, Tensor sizes) {
  Case test{"Resize", {{"mode", std::string("linear")}}, {iota(shape), std::nullopt, {}, {}}};
  if (scales.data.size() > 0) test.inputs[2] = std::move(scales);
  if (sizes.data.size() > 0) test.inputs[3] = std::move(sizes);
  while (!test.inputs.back()) test.inputs.pop_back();
  return test;
}

// As ONNX does: 0.7f is less than 0.7, and ten of it are 7 after rounding only.
TEST(Resize, MultipliesExtentsByScalesInFloat32) {
  for (const auto& [extent, scale, output] :
       {std::tuple{10, 0.7F, 7}, {5, 1.4F, 7}, {10, 0.9F, 9}, {10, 1.9F, 19}, {20, 0.35F, 7}}) {
    const Tensor y = run(resize_of({1, 1, extent}, Tensor::floats({3}, {1, 1, scale}), {}));
    EXPECT_EQ(y.shape, (Shape{1, 1, output})) << extent << " times " << scale;
  }
}

// What lies between would have 2^34 elements were the first axis stretched first.
TEST(Resize, TakesNoMoreMemoryThanItsInputAndOutput) {
  constexpr std::int64_t kLong = 131'072;
  const Tensor y = run(resize_of({1, kLong}, {}, Tensor::integers({2}, {kLong, 1})));
  EXPECT_EQ(y.shape, (Shape{kLong, 1}));
}

}  // namespace
}  // namespace hyps::cnn::testing
