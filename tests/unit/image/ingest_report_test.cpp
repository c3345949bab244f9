#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/base/digest.hpp"
#include "common/base/random.hpp"
#include "common/cnn/npy.hpp"
#include "common/npz/npz.hpp"
#include "tests/unit/image/pictures.hpp"

namespace hyps::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const cnn::Value kInput{"data", cnn::DType::f32, {1, 3, 8, 8}};
const std::vector<cnn::Value> kInputs{kInput};

Result<cnn::Tensor> no_proto(const Blob&) { return Error{ErrorKind::invalid, "bad proto"}; }
Result<cnn::Tensor> right_proto(const Blob&) {
  return cnn::Tensor::floats({1, 3, 8, 8}, std::vector<float>(192, 0.5F));
}

TEST(Ingest, PreprocessesAPicture) {
  const Image picture = testing::noise(20, 30, 1);
  const auto expected = preprocess(picture, Preprocess{}, kInput);
  const auto tensor = ingest(Blob::of(testing::ppm_of(picture)), Preprocess{}, kInputs, no_proto);
  ASSERT_TRUE(tensor.ok()) << tensor.error().message;
  EXPECT_EQ(tensor->at(0).data, expected->data);
}

TEST(Ingest, TakesATensorAsItIs) {
  const cnn::Tensor sent = *right_proto({});
  const auto npy = ingest(Blob::of(cnn::to_npy(sent)), Preprocess{}, kInputs, no_proto);
  ASSERT_TRUE(npy.ok()) << npy.error().message;
  EXPECT_EQ(npy->at(0).data, sent.data);
  const auto proto = ingest(Blob::copy_of("\x08\x01"), Preprocess{}, kInputs, right_proto);
  ASSERT_TRUE(proto.ok()) << proto.error().message;
  EXPECT_EQ(proto->at(0).data, sent.data);
}

TEST(Ingest, SaysWhatIsWrongWithThePayload) {
  const auto problem = [](const std::string& payload, TensorParser parser) {
    const auto tensor = ingest(Blob::copy_of(payload), Preprocess{}, kInputs, parser);
    return tensor.ok() ? "none" : tensor.error().message;
  };
  EXPECT_THAT(problem("", no_proto), HasSubstr("empty"));
  EXPECT_THAT(problem("hello", no_proto),
              HasSubstr("5 bytes is no image (JPEG, PNG, PPM), no .npy "
                        "or .npz file and no ONNX TensorProto (bad proto)"));
  EXPECT_THAT(problem("\xff\xd8\xff", no_proto), HasSubstr("JPEG"));
  const cnn::Tensor small = cnn::Tensor::floats({1, 3}, {1, 2, 3});
  EXPECT_THAT(
      problem(cnn::to_npy(small), no_proto),
      HasSubstr("the tensor sent is float32 1x3; the model's input 'data' is float32 1x3x8x8"));
}

const std::vector<cnn::Value> kTwoInputs{kInput, {"size", cnn::DType::i64, {1, 2}}};

std::string archive_of(const npz::Arrays& arrays) { return npz::to_npz(arrays).value(); }

TEST(Ingest, TakesAnArrayForEachInputFromAnArchive) {
  const cnn::Tensor data = *right_proto({});
  const cnn::Tensor size = cnn::Tensor::integers({1, 2}, {416, 608});
  const std::string archive = archive_of({{"size", size}, {"data", data}});
  const auto tensors = ingest(Blob::of(archive), Preprocess{}, kTwoInputs, no_proto);
  ASSERT_TRUE(tensors.ok()) << tensors.error().message;
  ASSERT_EQ(tensors->size(), 2U);
  EXPECT_EQ(tensors->at(0).data, data.data);
  EXPECT_EQ(tensors->at(1).data, size.data);
  const auto one = ingest(Blob::of(archive_of({{"data", data}})), Preprocess{}, kInputs, no_proto);
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_EQ(one->at(0).data, data.data);
}

TEST(Ingest, SaysWhichInputIsMissingWrongOrTooMuch) {
  const cnn::Tensor data = *right_proto({});
  const cnn::Tensor size = cnn::Tensor::integers({1, 2}, {416, 608});
  const auto problem = [](const std::string& payload) {
    const auto tensors = ingest(Blob::of(payload), Preprocess{}, kTwoInputs, right_proto);
    return tensors.ok() ? "none" : tensors.error().message;
  };
  EXPECT_THAT(problem(archive_of({{"data", data}})),
              HasSubstr("no array 'size'; the model's inputs are 'data' (float32 1x3x8x8), 'size' "
                        "(int64 1x2)"));
  EXPECT_THAT(problem(archive_of({{"data", data}, {"size", size}, {"x", size}})),
              HasSubstr("an array 'x', which is no input"));
  EXPECT_THAT(problem(archive_of({{"data", data}, {"size", cnn::Tensor::floats({1, 2}, {1, 2})}})),
              HasSubstr("is float32 1x2; the model's input 'size' is int64 1x2"));
  const auto large = cnn::Tensor::floats({1, 3, 64, 64}, std::vector<float>(12288, 1));
  EXPECT_THAT(problem(archive_of({{"data", large}, {"size", size}})),
              HasSubstr("more than is wanted here"));
  for (const std::string& single :
       {testing::ppm_of(testing::noise(20, 30, 1)), cnn::to_npy(data)}) {
    EXPECT_THAT(problem(single), HasSubstr("the model has 2 inputs, 'data' (float32 1x3x8x8)"));
    EXPECT_THAT(problem(single), HasSubstr("send an .npz archive"));
    EXPECT_THAT(problem(single), HasSubstr("hyps deploy --input NAME=FILE.npy"));
  }
}

nlohmann::json report_of(std::vector<float> scores, const std::vector<std::string>& labels,
                         int top) {
  const auto count = static_cast<std::int64_t>(scores.size());
  const cnn::Tensor tensor = cnn::Tensor::floats({1, count}, std::move(scores));
  return nlohmann::json::parse(
      report({{"prob", tensor.type, tensor.shape}}, {tensor}, labels, top));
}

TEST(Report, NamesTheBestClassesInOrder) {
  const auto answer = report_of({0.25F, 0.97F, -3, 0.25F}, {"a", "b", "c", "d"}, 3);
  EXPECT_EQ(
      answer["top"].dump(),
      R"([{"id":1,"label":"b","score":0.97},{"id":0,"label":"a","score":0.25},{"id":3,"label":"d","score":0.25}])");
  ASSERT_EQ(answer["outputs"].size(), 1U);
  const auto& output = answer["outputs"][0];
  EXPECT_EQ(output["name"], "prob");
  EXPECT_EQ(output["type"], "float32");
  EXPECT_EQ(output["shape"], nlohmann::json({1, 4}));
  EXPECT_EQ(output["values"], nlohmann::json({0.25, 0.97, -3.0, 0.25}));
  const std::vector<float> scores{0.25F, 0.97F, -3, 0.25F};
  EXPECT_EQ(output["digest"], digest_of(std::as_bytes(std::span(scores))).hex());
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

cnn::Tensor bytes_tensor(cnn::DType type, cnn::Shape shape, const std::string& bytes) {
  return {type, std::move(shape), Blob::copy_of(bytes)};
}

nlohmann::json report_of_all(const std::vector<cnn::Tensor>& tensors) {
  std::vector<cnn::Value> outputs;
  for (const cnn::Tensor& tensor : tensors) {
    outputs.push_back({"y" + std::to_string(outputs.size()), tensor.type, tensor.shape});
  }
  return nlohmann::json::parse(report(outputs, tensors, {}, 5));
}

TEST(Report, TellsEveryOutputOfEveryType) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto answer =
      report_of_all({cnn::Tensor::floats({1, 2}, {0.5F, nan}),
                     cnn::Tensor::integers({2}, {-3, 9'007'199'254'740'993}),
                     bytes_tensor(cnn::DType::i32, {1}, std::string("\xff\xff\xff\xff", 4)),
                     bytes_tensor(cnn::DType::u8, {}, "\xfe"),
                     bytes_tensor(cnn::DType::boolean, {2}, std::string("\1\0", 2))});
  std::string told;
  for (const auto& output : answer["outputs"]) {
    told += output["name"].get<std::string>() + " " + output["type"].get<std::string>() + " " +
            output["shape"].dump() + " " + output["values"].dump() + "\n";
  }
  EXPECT_EQ(told,
            "y0 float32 [1,2] [0.5,null]\n"
            "y1 int64 [2] [-3,9007199254740993]\n"
            "y2 int32 [1] [-1]\n"
            "y3 uint8 [] [254]\n"
            "y4 bool [2] [true,false]\n");
  EXPECT_FALSE(answer.contains("top")) << "several outputs are no classes";
}

TEST(Report, TellsValuesUpToABoundOfAllTogether) {
  const auto half = cnn::Tensor::floats({1, 2048}, std::vector<float>(2048, 1));
  const auto one = cnn::Tensor::floats({1, 1}, {1});
  const nlohmann::json told = report_of_all({half, half});
  for (const auto& output : told.at("outputs")) {
    EXPECT_EQ(output["values"].size(), 2048U);
  }
  const nlohmann::json untold = report_of_all({half, one, half});
  for (const auto& output : untold.at("outputs")) {
    EXPECT_FALSE(output.contains("values"));
    EXPECT_TRUE(output.contains("digest"));
  }
}

TEST(Report, NamesClassesOnlyWhereThereAreSome) {
  const auto names_classes = [](const cnn::Shape& shape) {
    const auto count = static_cast<std::size_t>(cnn::element_count(shape));
    return report_of_all({cnn::Tensor::floats(shape, std::vector<float>(count, 1))})
        .contains("top");
  };
  EXPECT_TRUE(names_classes({1, 10}));
  EXPECT_TRUE(names_classes({2, 10}));
  EXPECT_TRUE(names_classes({1, 10, 1, 1}));
  EXPECT_FALSE(names_classes({10}));
  EXPECT_FALSE(names_classes({1, 10, 1}));
  EXPECT_FALSE(names_classes({1, 10, 1, 2}));
  EXPECT_FALSE(names_classes({1, 1, 8, 8}));
  EXPECT_FALSE(report_of_all({cnn::Tensor::integers({1, 2}, {1, 2})}).contains("top"));
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
