// From a file to an answer: the shipped pictures through the shipped network, against what PIL and
// PyTorch made of them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/base/file.hpp"
#include "common/image/image.hpp"
#include "common/onnx/onnx.hpp"
#include "tests/support/paths/paths.hpp"

namespace hyps::image {
namespace {

Result<cnn::Tensor> no_proto(const Blob&) { return Error{ErrorKind::invalid, "no proto"}; }

Blob bytes_of(const std::filesystem::path& path) {
  const auto file = read_file(path, 1U << 24U);
  EXPECT_TRUE(file.ok()) << path;
  return file.ok() ? *file : Blob();
}

TEST(ShippedModel, SaysOfEachPictureWhatPytorchSaid) {
  const std::filesystem::path models = test::source_dir() / "models";
  const auto graph = onnx::load(models / "shapes.onnx");
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto settings = parse_preprocess(std::string(bytes_of(models / "shapes.yaml").text()));
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  const auto labels = parse_labels(std::string(bytes_of(models / "shapes.labels.txt").text()));
  std::ifstream table(models / "images" / "expected.tsv");
  int pictures = 0;
  for (std::string line; std::getline(table, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream columns(line);
    std::string file;
    std::string label;
    double score = 0;
    columns >> file >> label >> score;
    const auto input =
        ingest(bytes_of(models / "images" / file), *settings, graph->inputs, no_proto);
    ASSERT_TRUE(input.ok()) << file << ": " << input.error().message;
    const auto outputs = cnn::run_reference(*graph, *input);
    ASSERT_TRUE(outputs.ok()) << outputs.error().message;
    const auto answer = nlohmann::json::parse(report(graph->outputs, *outputs, labels, 1));
    EXPECT_EQ(answer["top"][0]["label"], label) << file;
    EXPECT_NEAR(answer["top"][0]["score"].get<double>(), score, 1e-4) << file;
    ++pictures;
  }
  EXPECT_GE(pictures, 12);
}

}  // namespace
}  // namespace hyps::image
