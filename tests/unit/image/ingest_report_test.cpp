#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/base/digest.hpp"
#include "common/base/random.hpp"
#include "common/cnn/npy.hpp"
#include "tests/unit/image/pictures.hpp"

namespace hyps::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const cnn::Value kInput{"data", cnn::DType::f32, {1, 3, 8, 8}};

Result<cnn::Tensor> no_proto(const Blob&) { return Error{ErrorKind::invalid, "bad proto"}; }
Result<cnn::Tensor> right_proto(const Blob&) {
  return cnn::Tensor::floats({1, 3, 8, 8}, std::vector<float>(192, 0.5F));
}

TEST(Ingest, PreprocessesAPicture) {
  const Image picture = testing::noise(20, 30, 1);
  const auto expected = preprocess(picture, Preprocess{}, kInput);
  const auto tensor = ingest(Blob::of(testing::ppm_of(picture)), Preprocess{}, kInput, no_proto);
  ASSERT_TRUE(tensor.ok()) << tensor.error().message;
  EXPECT_EQ(tensor->data, expected->data);
}

TEST(Ingest, TakesATensorAsItIs) {
  const cnn::Tensor sent = *right_proto({});
  const auto npy = ingest(Blob::of(cnn::to_npy(sent)), Preprocess{}, kInput, no_proto);
  ASSERT_TRUE(npy.ok()) << npy.error().message;
  EXPECT_EQ(npy->data, sent.data);
  const auto proto = ingest(Blob::copy_of("\x08\x01"), Preprocess{}, kInput, right_proto);
  ASSERT_TRUE(proto.ok()) << proto.error().message;
  EXPECT_EQ(proto->data, sent.data);
}

TEST(Ingest, SaysWhatIsWrongWithThePayload) {
  const auto problem = [](const std::string& payload, TensorParser parser) {
    const auto tensor = ingest(Blob::copy_of(payload), Preprocess{}, kInput, parser);
    return tensor.ok() ? "none" : tensor.error().message;
  };
  EXPECT_THAT(problem("", no_proto), HasSubstr("empty"));
  EXPECT_THAT(problem("hello", no_proto), HasSubstr("5 bytes is no image (JPEG, PNG, PPM), no .npy "
                                                    "file and no ONNX TensorProto (bad proto)"));
  EXPECT_THAT(problem("\xff\xd8\xff", no_proto), HasSubstr("JPEG"));
  const cnn::Tensor small = cnn::Tensor::floats({1, 3}, {1, 2, 3});
  EXPECT_THAT(
      problem(cnn::to_npy(small), no_proto),
      HasSubstr("the tensor sent is float32 1x3; the model's input 'data' is float32 1x3x8x8"));
}

nlohmann::json report_of(std::vector<float> scores, const std::vector<std::string>& labels,
                         int top) {
  const auto count = static_cast<std::int64_t>(scores.size());
  return nlohmann::json::parse(
      report("prob", cnn::Tensor::floats({1, count}, std::move(scores)), labels, top));
}

TEST(Report, NamesTheBestClassesInOrder) {
  const auto answer = report_of({0.25F, 0.97F, -3, 0.25F}, {"a", "b", "c", "d"}, 3);
  EXPECT_EQ(
      answer["top"].dump(),
      R"([{"id":1,"label":"b","score":0.97},{"id":0,"label":"a","score":0.25},{"id":3,"label":"d","score":0.25}])");
  EXPECT_EQ(answer["output"]["name"], "prob");
  EXPECT_EQ(answer["output"]["shape"], nlohmann::json({1, 4}));
  const std::vector<float> scores{0.25F, 0.97F, -3, 0.25F};
  EXPECT_EQ(answer["output"]["digest"], digest_of(std::as_bytes(std::span(scores))).hex());
}

TEST(Report, GivesNoMoreClassesThanThereAre) {
  EXPECT_EQ(report_of({1, 2}, {}, 5)["top"].size(), 2U);
  EXPECT_EQ(report_of({1, 2}, {"only"}, 5)["top"][0]["label"], "");
  EXPECT_EQ(report_of({1, 2}, {}, 0)["top"].size(), 0U);
  EXPECT_EQ(report_of({}, {}, 5)["top"].size(), 0U);
}

TEST(Report, PrintsScoresThatReadBackAsTheSameFloat) {
  Random random(1);
  for (int k = 0; k < 2000; ++k) {
    const float score =
        std::ldexp(random.uniform(-1, 1), static_cast<int>(random.between(-120, 120)));
    const auto top = report_of({score}, {}, 1)["top"];
    ASSERT_EQ(static_cast<float>(top[0]["score"].get<double>()), score);
  }
}

TEST(Report, PutsWhatIsNoNumberLast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto top = report_of({nan, 1, nan, -1}, {}, 4)["top"];
  EXPECT_EQ(top[0]["id"], 1);
  EXPECT_EQ(top[1]["id"], 3);
  EXPECT_TRUE(top[2]["score"].is_null());
}

TEST(Report, SurvivesLabelsInAForeignEncoding) {
  EXPECT_THAT(report_of({1}, {"caf\xe9"}, 1)["top"][0]["label"].get<std::string>(),
              HasSubstr("caf"));
}

TEST(Labels, AreLinesWithoutTheirSynset) {
  EXPECT_THAT(parse_labels("n01440764 tench, Tinca tinca\nn01443537 goldfish\n"),
              ElementsAre("tench, Tinca tinca", "goldfish"));
  EXPECT_THAT(parse_labels("\xef\xbb\xbfone\r\n\r\nthree"), ElementsAre("one", "", "three"));
  EXPECT_THAT(parse_labels("n0144 short\nnoodles\n\n\n"), ElementsAre("n0144 short", "noodles"));
  EXPECT_TRUE(parse_labels("").empty());
}

}  // namespace
}  // namespace hyps::image
