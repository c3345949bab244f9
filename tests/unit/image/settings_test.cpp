#include <gmock/gmock.h>

#include "common/image/image.hpp"

namespace hyps::image {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string problem(const std::string& yaml) {
  const auto parsed = parse_preprocess(yaml);
  return parsed.ok() ? "none" : parsed.error().message;
}

TEST(PreprocessYaml, OfNothingIsTheDefault) {
  for (const char* yaml : {"", "# only a comment\n", "{}"}) {
    const auto parsed = parse_preprocess(yaml);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(to_yaml(*parsed), to_yaml(Preprocess{}));
  }
}

TEST(PreprocessYaml, ReadsEveryKey) {
  const auto parsed = parse_preprocess(
      "resize: stretch\nsize: 128\ncenter_crop: false\nchannels: bgr\nscale: 1/128\n"
      "mean: [1, 2.5, 3]\ndeviation: 0.5\nlayout: nhwc\n");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->resize, Preprocess::Resize::stretch);
  EXPECT_EQ(parsed->size, 128);
  EXPECT_FALSE(parsed->center_crop);
  EXPECT_TRUE(parsed->bgr);
  EXPECT_FALSE(parsed->gray);
  EXPECT_EQ(parsed->scale, 1.0F / 128);
  EXPECT_THAT(parsed->mean, ElementsAre(1, 2.5F, 3));
  EXPECT_THAT(parsed->deviation, ElementsAre(0.5F));
  EXPECT_TRUE(parsed->channels_last);
}

TEST(PreprocessYaml, ComesBackTheSameFromItsOwnText) {
  Preprocess settings;
  settings.resize = Preprocess::Resize::none;
  settings.size = 0;
  settings.center_crop = false;
  settings.gray = true;
  settings.scale = 0.1F;
  settings.mean = {1.0F / 3};
  settings.deviation = {1e-7F};
  for (const Preprocess& each : {Preprocess{}, settings}) {
    const auto parsed = parse_preprocess(to_yaml(each));
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(to_yaml(*parsed), to_yaml(each));
    EXPECT_EQ(parsed->scale, each.scale);
    EXPECT_EQ(parsed->mean, each.mean);
    EXPECT_EQ(parsed->deviation, each.deviation);
  }
}

TEST(PreprocessYaml, NeedsNoMeansForGray) {
  const auto parsed = parse_preprocess("channels: gray\n");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_THAT(parsed->mean, ElementsAre(0));
  EXPECT_THAT(parsed->deviation, ElementsAre(1));
}

TEST(PreprocessYaml, NamesTheLineAndTheKeyOfWhatIsWrong) {
  EXPECT_THAT(problem("size: 1\nresise: none\n"),
              AllOf(HasSubstr("line 2"), HasSubstr("'resise'"), HasSubstr("center_crop")));
  EXPECT_THAT(problem("resize: big\n"),
              AllOf(HasSubstr("line 1"),
                    HasSubstr("resize must be shorter_side, stretch, none, not 'big'")));
  EXPECT_THAT(problem("\n\nsize: -3\n"), AllOf(HasSubstr("line 3"), HasSubstr("'-3'")));
  EXPECT_THAT(problem("size: 100000\n"), HasSubstr("8192"));
  EXPECT_THAT(problem("scale: 1/0\n"), HasSubstr("scale"));
  EXPECT_THAT(problem("scale: fast\n"), HasSubstr("'fast'"));
  EXPECT_THAT(problem("scale: nan\n"), HasSubstr("'nan'"));
  EXPECT_THAT(problem("mean: [1, 2, 3, 4]\n"), HasSubstr("mean"));
  EXPECT_THAT(problem("mean: [1, 2]\n"), HasSubstr("1 or 3 numbers, not 2"));
  EXPECT_THAT(problem("channels: gray\nmean: [1, 2, 3]\n"), HasSubstr("1 or 1 numbers, not 3"));
  EXPECT_THAT(problem("deviation: [1, 0, 1]\n"), HasSubstr("none of them 0"));
  EXPECT_THAT(problem("center_crop: 1\n"), HasSubstr("true, false"));
  EXPECT_THAT(problem("- a\n- b\n"), HasSubstr("key: value"));
  EXPECT_THAT(problem("size: [1\n"), HasSubstr("line"));
  EXPECT_THAT(problem(std::string(70'000, ' ')), HasSubstr("right file"));
}

TEST(PreprocessYaml, SurvivesDeepNestingAndBinary) {
  EXPECT_NE(problem(std::string(60'000, '[')), "none");
  EXPECT_NE(problem(std::string(60'000, '{')), "none");
  EXPECT_NE(problem(std::string("\x00\xff\xfe\x01", 4)), "none");
}

}  // namespace
}  // namespace hyps::image
