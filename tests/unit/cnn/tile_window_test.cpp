// Tiles of windows and of resampling: pads, strides, dilations and scales at random.
#include "tiles.hpp"

namespace hyps::cnn::testing {
namespace {

constexpr int kCases = 500;  // that fit, of each kind
constexpr int kRegions = 4;  // of each case

struct Count {
  int regions = 0;
  int tiles = 0;
};

// Random cases that fit; all tiles are checked.
template <typename Make>
Count sweep(std::uint64_t seed, Make make) {
  Count count;
  int done = 0;
  for (std::uint64_t round = 0; done < kCases && round < 20U * kCases; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed + round));
    Random random(seed + round);
    const Case test = make(random);
    if (!error_of(test).empty()) continue;
    ++done;
    count.regions += kRegions;
    count.tiles += count_tiles(test, random, kRegions);
    if (::testing::Test::HasFailure()) break;
  }
  EXPECT_EQ(done, kCases) << "too few shapes fit";
  return count;
}

struct Setting {
  Shape x{1, 2};
  Ints kernel;
  std::map<std::string, Attribute> attributes;
};

// A map and a window over it, of 1 to 3 axes, often awkward.
Setting random_setting(Random& random, std::int64_t most_pad) {
  Setting setting;
  const auto axes = static_cast<std::size_t>(random.between(1, 3));
  Ints strides;
  Ints dilations;
  Ints pads(2 * axes);
  for (std::size_t i = 0; i < axes; ++i) {
    setting.x.push_back(random.between(1, axes == 1 ? 30 : axes == 2 ? 12 : 5));
    setting.kernel.push_back(random.between(1, 5));
    strides.push_back(random.between(1, 4));
    dilations.push_back(random.below(4) == 0 ? random.between(2, 3) : 1);
    pads[i] = random.between(0, most_pad);
    pads[axes + i] = random.between(0, most_pad);
  }
  setting.attributes = {{"strides", strides}, {"dilations", dilations}};
  const std::vector<std::string> modes{"SAME_UPPER", "SAME_LOWER", "VALID"};
  if (random.below(4) == 0) {
    setting.attributes["auto_pad"] = modes[random.below(3)];
  } else {
    setting.attributes["pads"] = pads;
  }
  return setting;
}

Shape joined(Shape shape, const Ints& more) {
  shape.insert(shape.end(), more.begin(), more.end());
  return shape;
}

TEST(TileWindows, ConvIsTheWhole) {
  const Count count = sweep(1, [](Random& random) {
    Setting setting = random_setting(random, 5);
    const std::int64_t groups = random.between(1, 2);
    setting.attributes["group"] = groups;
    return Case{"Conv",
                setting.attributes,
                {random_tensor(random, setting.x),
                 random_tensor(random, joined({2, 2 / groups}, setting.kernel)),
                 random_tensor(random, {2})}};
  });
  // Those without: all windows of a region lie in the padding.
  EXPECT_GT(count.tiles, count.regions * 7 / 10);
}

// Of pads up to a window's half there always is one.
TEST(TileWindows, UsualConvolutionsAlwaysHaveTiles) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const std::int64_t kernel = random.between(1, 7);
    const std::int64_t dilation = random.between(1, 2);
    const std::int64_t pad = (kernel - 1) * dilation / 2;
    const std::int64_t stride = random.between(1, 3);
    const std::int64_t side = random.between(kernel * dilation, 20);
    const Case test{
        "Conv",
        {{"pads", Ints{pad, pad, pad, pad}},
         {"strides", Ints{stride, stride}},
         {"dilations", Ints{dilation, dilation}}},
        {random_tensor(random, {1, 2, side, side}), random_tensor(random, {2, 2, kernel, kernel})}};
    expect_tiles(test, random);
  }
}

void sweep_pool(const char* op, std::uint64_t seed) {
  const Count count = sweep(seed, [&](Random& random) {
    Setting setting = random_setting(random, 3);
    setting.attributes["kernel_shape"] = setting.kernel;
    setting.attributes["ceil_mode"] = random.between(0, 1);
    if (std::string(op) == "AveragePool") {
      setting.attributes["count_include_pad"] = random.between(0, 1);
    }
    return Case{op, setting.attributes, {random_tensor(random, setting.x)}};
  });
  // Those without: a dilation is larger than the region's map.
  EXPECT_GT(count.tiles, count.regions * 9 / 10);
}

TEST(TileWindows, MaxPoolIsTheWhole) { sweep_pool("MaxPool", 10000); }
TEST(TileWindows, AveragePoolIsTheWhole) { sweep_pool("AveragePool", 20000); }
TEST(TileWindows, LpPoolIsTheWhole) { sweep_pool("LpPool", 30000); }

TEST(TileWindows, ConvTransposeIsTheWhole) {
  const Count count = sweep(40000, [](Random& random) {
    Setting setting = random_setting(random, 3);
    const std::int64_t groups = random.between(1, 2);
    const std::size_t axes = setting.kernel.size();
    setting.attributes["group"] = groups;
    Ints numbers;
    for (std::size_t i = 0; i < axes; ++i) numbers.push_back(random.between(0, 5));
    if (random.below(3) == 0) setting.attributes["output_padding"] = numbers;
    for (std::int64_t& number : numbers) number += random.between(1, 9);
    if (random.below(4) == 0) setting.attributes["output_shape"] = numbers;
    return Case{
        "ConvTranspose",
        setting.attributes,
        {random_tensor(random, setting.x), random_tensor(random, joined({2, 2}, setting.kernel)),
         random_tensor(random, {2 * groups})}};
  });
  EXPECT_EQ(count.tiles, count.regions);
}

// Scales that the whole's numbers can be had of, bit for bit.
TEST(TileWindows, ResizeByTwoIsTheWhole) {
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    for (const char* coordinates : {"half_pixel", "pytorch_half_pixel", "asymmetric"}) {
      for (std::uint64_t seed = 0; seed < 10; ++seed) {
        SCOPED_TRACE(std::string(mode) + " " + coordinates + " seed " + std::to_string(seed));
        Random random(seed);
        const Tensor x =
            random_tensor(random, {1, 2, random.between(2, 9), 2 * random.between(1, 5)});
        const std::map<std::string, Attribute> attributes{
            {"mode", std::string(mode)},
            {"coordinate_transformation_mode", std::string(coordinates)}};
        const Tensor scales = Tensor::floats({4}, {1, 1, 2, 0.5F});
        const Tensor sizes = Tensor::integers({4}, {1, 2, 2 * x.shape[2], x.shape[3] / 2});
        const Case by_scales{"Resize", attributes, {x, std::nullopt, scales}};
        const Case by_sizes{"Resize", attributes, {x, std::nullopt, std::nullopt, sizes}};
        expect_tiles(by_scales, random);
        expect_tiles(by_sizes, random);
      }
    }
  }
}

TEST(TileWindows, ResizeIsTheWhole) {
  const std::vector<std::string> modes{"nearest", "linear", "cubic"};
  const std::vector<std::string> coordinates{"half_pixel", "pytorch_half_pixel",
                                             "half_pixel_symmetric", "asymmetric",
                                             "tf_half_pixel_for_nn"};
  const std::vector<float> scales{0.25F, 0.5F, 1, 1.5F, 2, 3, 4, 0.75F};
  const Count count = sweep(50000, [&](Random& random) {
    const Shape shape{1, 2, random.between(1, 12), random.between(1, 12)};
    std::map<std::string, Attribute> attributes{
        {"mode", modes[random.below(modes.size())]},
        {"coordinate_transformation_mode", coordinates[random.below(coordinates.size())]},
        {"exclude_outside", random.between(0, 1)}};
    const Tensor x = random_tensor(random, shape);
    if (random.below(2) == 0) {
      const Tensor sizes = Tensor::integers({2}, {random.between(1, 15), random.between(1, 15)});
      attributes["axes"] = Ints{-1, 2};
      return Case{"Resize", attributes, {x, std::nullopt, std::nullopt, sizes}, 18};
    }
    const Tensor by = Tensor::floats(
        {4}, {1, 1, scales[random.below(scales.size())], scales[random.below(scales.size())]});
    return Case{"Resize", attributes, {x, std::nullopt, by}};
  });
  EXPECT_GT(count.tiles, count.regions / 4);
  EXPECT_LT(count.tiles, count.regions);
}

TEST(TileWindows, UpsampleIsTheWhole) {
  const Count count = sweep(60000, [](Random& random) {
    const Shape shape{1, 2, random.between(1, 9), random.between(1, 9)};
    const std::string mode = random.below(2) == 0 ? "nearest" : "linear";
    const std::vector<float> scales{1, 1, static_cast<float>(random.between(1, 4)), 2};
    return Case{
        "Upsample", {{"mode", mode}, {"scales", scales}}, {random_tensor(random, shape)}, 7};
  });
  EXPECT_GT(count.tiles, count.regions * 3 / 4);
}

// The corners lie where they lie in the whole map only.
TEST(TileWindows, ResizeWithAlignedCornersHasNone) {
  Random random(1);
  const Case test{
      "Resize",
      {{"mode", std::string("linear")},
       {"coordinate_transformation_mode", std::string("align_corners")}},
      {random_tensor(random, {1, 1, 6, 6}), std::nullopt, Tensor::floats({4}, {1, 1, 2, 2})}};
  EXPECT_FALSE(check_tile(test, {{0, 4}, {0, 4}}));
  EXPECT_FALSE(check_tile(test, {{5, 6}, {7, 9}}));
}

}  // namespace
}  // namespace hyps::cnn::testing
