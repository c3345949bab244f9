#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "common/base/file.hpp"
#include "common/cnn/npy.hpp"
#include "tests/unit/image/pictures.hpp"

namespace hyps::image {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;

cnn::Value input_of(cnn::Shape shape) { return {"data", cnn::DType::f32, std::move(shape)}; }

Preprocess plain() {
  Preprocess settings;
  settings.resize = Preprocess::Resize::none;
  settings.scale = 1;
  settings.mean = {0};
  settings.deviation = {1};
  return settings;
}

const Image kTwoPixels{2, 1, {1, 2, 3, 4, 5, 6}};

std::vector<float> values_of(const Result<cnn::Tensor>& tensor) {
  EXPECT_TRUE(tensor.ok()) << tensor.error().message;
  if (!tensor.ok()) return {};
  return {tensor->f32().begin(), tensor->f32().end()};
}

TEST(Preprocess, PutsChannelsWhereTheLayoutSays) {
  Preprocess settings = plain();
  EXPECT_THAT(values_of(preprocess(kTwoPixels, settings, input_of({1, 3, 1, 2}))),
              ElementsAre(1, 4, 2, 5, 3, 6));
  settings.bgr = true;
  EXPECT_THAT(values_of(preprocess(kTwoPixels, settings, input_of({1, 3, 1, 2}))),
              ElementsAre(3, 6, 2, 5, 1, 4));
  settings.channels_last = true;
  EXPECT_THAT(values_of(preprocess(kTwoPixels, settings, input_of({1, 1, 2, 3}))),
              ElementsAre(3, 2, 1, 6, 5, 4));
}

TEST(Preprocess, ScalesAndNormalisesEachChannelInItsOrder) {
  Preprocess settings = plain();
  settings.bgr = true;
  settings.scale = 2;
  settings.mean = {1, 2, 3};
  settings.deviation = {1, 2, 4};
  EXPECT_THAT(values_of(preprocess(kTwoPixels, settings, input_of({1, 3, 1, 2}))),
              ElementsAre(5, 11, 1, 4, -0.25F, 1.25F));
}

TEST(Preprocess, TurnsColoursToLuma) {
  Preprocess settings = plain();
  settings.gray = true;
  const Image colours{3, 1, {255, 0, 0, 0, 255, 0, 0, 0, 255}};
  EXPECT_THAT(values_of(preprocess(colours, settings, input_of({1, 1, 1, 3}))),
              ElementsAre(76, 150, 29));
}

TEST(Preprocess, CutsTheMiddleOut) {
  Preprocess settings = plain();
  Image row{6, 1, {}};
  for (std::uint8_t x = 0; x < 6; ++x) row.rgb.insert(row.rgb.end(), 3, x);
  settings.gray = true;
  EXPECT_THAT(values_of(preprocess(row, settings, input_of({1, 1, 1, 2}))), ElementsAre(2, 3));
  // Of a surplus of 3, 1 is cut on the left; of one of 5, 2.
  EXPECT_THAT(values_of(preprocess(row, settings, input_of({1, 1, 1, 3}))), ElementsAre(1, 2, 3));
  EXPECT_THAT(values_of(preprocess(row, settings, input_of({1, 1, 1, 1}))), ElementsAre(2));
}

TEST(Preprocess, FillsAnyModelFromAnyPicture) {
  const Preprocess shorter;
  Preprocess own;
  own.size = 0;
  Preprocess stretched;
  stretched.resize = Preprocess::Resize::stretch;
  stretched.size = 0;
  stretched.center_crop = false;
  for (const auto& [width, height] :
       {std::pair{1, 1}, {1, 999}, {999, 1}, {224, 224}, {640, 480}, {3, 5}}) {
    const Image picture = testing::noise(width, height, 1);
    for (const Preprocess& settings : {shorter, own, stretched}) {
      const auto tensor = preprocess(picture, settings, input_of({1, 3, 224, 160}));
      ASSERT_TRUE(tensor.ok()) << width << "x" << height << ": " << tensor.error().message;
      EXPECT_EQ(tensor->f32().size(), 3U * 224 * 160);
    }
  }
}

TEST(Preprocess, ResizesToEightSeventhsOfTheModelUnlessToldOtherwise) {
  const Image picture = testing::noise(40, 30, 1);
  for (const auto& [side, size] : {std::pair(224, 256), {299, 342}, {32, 37}, {7, 8}, {1, 2}}) {
    Preprocess told;
    told.size = size;
    const cnn::Value input = input_of({1, 3, side, side});
    EXPECT_EQ(values_of(preprocess(picture, Preprocess{}, input)),
              values_of(preprocess(picture, told, input)))
        << side;
  }
}

TEST(Preprocess, RefusesWhatDoesNotFitTheModel) {
  const Image picture = testing::noise(20, 20, 1);
  const auto problem = [&picture](const Preprocess& settings, cnn::Value input) {
    const auto tensor = preprocess(picture, settings, input);
    return tensor.ok() ? "none" : tensor.error().message;
  };
  EXPECT_THAT(problem(plain(), input_of({1, 3, 28, 28})),
              HasSubstr("20x20 pixels after its resize, the model takes 28x28"));
  Preprocess small;
  small.size = 256;
  EXPECT_THAT(problem(small, input_of({1, 3, 299, 299})), HasSubstr("the model takes 299x299"));
  EXPECT_THAT(problem(Preprocess{}, input_of({1, 1, 28, 28})), HasSubstr("channels"));
  EXPECT_THAT(problem(Preprocess{}, input_of({1, 224, 224, 3})), HasSubstr("layout"));
  EXPECT_THAT(problem(Preprocess{}, input_of({2, 3, 224, 224})), HasSubstr("2x3x224x224"));
  EXPECT_THAT(problem(Preprocess{}, input_of({1, 1000})), HasSubstr("1xCxHxW"));
  EXPECT_THAT(problem(Preprocess{}, {"data", cnn::DType::i64, {1, 3, 224, 224}}),
              HasSubstr("int64"));
  EXPECT_THAT(problem(Preprocess{}, input_of({1, 3, 0, 0})), HasSubstr("1x3x0x0"));
  Preprocess uneven = plain();
  uneven.mean = {1, 2};
  EXPECT_THAT(problem(uneven, input_of({1, 3, 20, 20})), HasSubstr("1 or 3 numbers, not 2"));
  Preprocess no_crop;
  no_crop.size = 300;
  no_crop.center_crop = false;
  EXPECT_THAT(problem(no_crop, input_of({1, 3, 224, 224})), HasSubstr("center_crop"));
}

// Recorded tensors of real photographs, made by PIL with the preprocessing named in their README.
class RealPhoto : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* assets = std::getenv("HYPS_ASSETS");
    if (assets == nullptr) GTEST_SKIP() << "HYPS_ASSETS is not set: no recorded photographs";
    folder_ = std::filesystem::path(assets) / "photos";
    if (!std::filesystem::exists(folder_)) GTEST_SKIP() << "HYPS_ASSETS has no folder photos";
  }

  // Largest difference from the recorded tensor, in steps of a pixel's value.
  float difference(const std::string& prefix, const std::string& yaml, int side) {
    const std::string photo = GetParam();
    const auto bytes = read_file(folder_ / photo, 1U << 24U);
    const auto recorded = cnn::parse_npy(
        *read_file(folder_ / (prefix + photo.substr(0, photo.find('.')) + ".npy"), 1U << 24U));
    const auto settings = parse_preprocess(yaml);
    const auto image = decode(*bytes);
    const auto tensor = preprocess(*image, *settings, input_of({1, 3, side, side}));
    EXPECT_TRUE(tensor.ok() && recorded.ok());
    EXPECT_EQ(tensor->f32().size(), recorded->f32().size());
    float largest = 0;
    for (std::size_t k = 0; k < tensor->f32().size(); ++k) {
      largest = std::max(largest, std::abs(tensor->f32()[k] - recorded->f32()[k]));
    }
    return largest / settings->scale;
  }

 private:
  std::filesystem::path folder_;
};

TEST_P(RealPhoto, BecomesTheTensorThatSqueezeNetWasGiven) {
  const char* settings = "channels: bgr\nscale: 1\nmean: [104, 117, 123]\ndeviation: 1\n";
  EXPECT_EQ(difference("sq_", settings, 224), 0);
}

TEST_P(RealPhoto, BecomesTheTensorThatTinyDarknetWasGiven) {
  EXPECT_LE(difference("td_", "size: 224\nmean: 0\ndeviation: 1\n", 224), 0.001);
}

INSTANTIATE_TEST_SUITE_P(Photos, RealPhoto,
                         ::testing::Values("darknet_dog.jpg", "skimage_chelsea.png",
                                           "skimage_coffee.png"));

}  // namespace
}  // namespace hyps::image
