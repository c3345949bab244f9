// The integer resize against the definition, written down once more in floating point.
#include "common/image/resize.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "common/base/random.hpp"

namespace hyps::image {
namespace {

Pixels random_pixels(int width, int height, int channels, std::uint64_t seed) {
  Pixels pixels{width, height, channels, {}};
  Random random(seed);
  for (int k = 0; k < width * height * channels; ++k) {
    pixels.data.push_back(static_cast<std::uint8_t>(random.next() >> 56));
  }
  return pixels;
}

// Weight of source pixel `x` for target pixel `i`: a triangle as wide as the larger of the two
// pixels.
double weight(std::int64_t source, std::int64_t target, std::int64_t i, std::int64_t x) {
  const double scale = static_cast<double>(source) / static_cast<double>(target);
  const double support = std::max(scale, 1.0);
  const double distance = (static_cast<double>(x) + 0.5) - (static_cast<double>(i) + 0.5) * scale;
  return std::max(0.0, 1 - std::abs(distance) / support);
}

// One value of the resized picture: both directions at once, nothing rounded.
double defined(const Pixels& picture, const Axis& x, const Axis& y, std::int64_t i, std::int64_t j,
               int channel) {
  double sum = 0;
  double weights = 0;
  for (std::int64_t v = 0; v < y.source; ++v) {
    const double vertical = weight(y.source, y.target, y.first + j, v);
    if (vertical == 0) continue;
    for (std::int64_t u = 0; u < x.source; ++u) {
      const double both = vertical * weight(x.source, x.target, x.first + i, u);
      weights += both;
      sum +=
          both *
          picture.data[static_cast<std::size_t>((v * x.source + u) * picture.channels + channel)];
    }
  }
  return sum / weights;
}

void expect_as_defined(const Pixels& picture, const Axis& x, const Axis& y) {
  const Pixels resized = resize(picture, x, y);
  ASSERT_EQ(resized.width, x.count);
  ASSERT_EQ(resized.height, y.count);
  ASSERT_EQ(resized.data.size(), static_cast<std::size_t>(x.count * y.count * picture.channels));
  for (std::int64_t j = 0; j < y.count; ++j) {
    for (std::int64_t i = 0; i < x.count; ++i) {
      for (int c = 0; c < picture.channels; ++c) {
        const auto at = static_cast<std::size_t>((j * x.count + i) * picture.channels + c);
        // Rounded twice, by half at most each time.
        ASSERT_NEAR(resized.data[at], defined(picture, x, y, i, j, c), 1.01)
            << x.source << "->" << x.target << " at " << i << "," << j;
      }
    }
  }
}

Axis whole(std::int64_t source, std::int64_t target) { return {source, target, 0, target}; }

TEST(Resize, EqualsItsDefinitionForManySizes) {
  Random random(7);
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const std::int64_t width = random.between(1, 50);
    const std::int64_t height = random.between(1, 50);
    const Pixels picture = random_pixels(static_cast<int>(width), static_cast<int>(height),
                                         seed % 2 == 0 ? 3 : 1, seed);
    expect_as_defined(picture, whole(width, random.between(1, 60)),
                      whole(height, random.between(1, 60)));
  }
}

TEST(Resize, OfTheSameSizeChangesNothing) {
  const Pixels picture = random_pixels(31, 23, 3, 1);
  EXPECT_EQ(resize(picture, whole(31, 31), whole(23, 23)).data, picture.data);
}

TEST(Resize, KeepsAFlatColour) {
  const Pixels flat{19, 13, 3, std::vector<std::uint8_t>(19 * 13 * 3, 200)};
  for (const std::int64_t side : {1, 7, 13, 64}) {
    for (const std::uint8_t value : resize(flat, whole(19, side), whole(13, side)).data) {
      ASSERT_EQ(value, 200);
    }
  }
}

TEST(Resize, OfAWindowIsThatWindowOfTheWhole) {
  const Pixels picture = random_pixels(40, 30, 3, 2);
  const Pixels all = resize(picture, whole(40, 25), whole(30, 50));
  const Pixels window = resize(picture, {40, 25, 5, 11}, {30, 50, 20, 7});
  for (int row = 0; row < 7; ++row) {
    for (int k = 0; k < 33; ++k) {
      ASSERT_EQ(window.data[static_cast<std::size_t>(row * 33 + k)],
                all.data[static_cast<std::size_t>(((row + 20) * 25 + 5) * 3 + k)]);
    }
  }
}

TEST(Resize, AveragesWhenItShrinksByAWholeFactor) {
  // 4 black and white columns to 1: the triangle weighs them 1, 3, 3, 1.
  const Pixels stripes{4, 1, 1, {0, 255, 0, 255}};
  const Pixels one = resize(stripes, whole(4, 1), whole(1, 1));
  EXPECT_EQ(one.data[0], 128);  // 255 * 4 / 8, rounded
}

TEST(Resize, TakesTheLongestAndThinnestPictures) {
  const Pixels line = random_pixels(65500, 1, 3, 3);
  const Pixels window = resize(line, {65500, 65500LL * 224, 65500LL * 112, 224}, whole(1, 224));
  EXPECT_EQ(window.data.size(), 224U * 224 * 3);
  const Pixels column = random_pixels(1, 65500, 3, 4);
  EXPECT_EQ(resize(column, whole(1, 64), whole(65500, 64)).data.size(), 64U * 64 * 3);
}

}  // namespace
}  // namespace hyps::image
