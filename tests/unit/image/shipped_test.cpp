// The files in models/: they load, and the download script checks what it gets.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/base/file.hpp"
#include "common/image/image.hpp"
#include "tests/support/paths/paths.hpp"

namespace hyps::image {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kModels = test::source_dir() / "models";

std::string text_of(const std::filesystem::path& path) {
  const auto file = read_file(path, 1U << 24U);
  EXPECT_TRUE(file.ok()) << path;
  return file.ok() ? std::string(file->text()) : "";
}

TEST(ShippedModel, HasAPictureForEachLineOfItsTable) {
  const auto settings = parse_preprocess(text_of(kModels / "shapes.yaml"));
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  const auto labels = parse_labels(text_of(kModels / "shapes.labels.txt"));
  EXPECT_EQ(labels.size(), 10U);
  std::istringstream table(text_of(kModels / "images" / "expected.tsv"));
  int pictures = 0;
  for (std::string line; std::getline(table, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream columns(line);
    std::string file;
    std::string label;
    columns >> file >> label;
    EXPECT_THAT(labels, ::testing::Contains(label));
    const auto image = decode(Blob::of(text_of(kModels / "images" / file)));
    ASSERT_TRUE(image.ok()) << file << ": " << image.error().message;
    EXPECT_TRUE(preprocess(*image, *settings, {"image", cnn::DType::f32, {1, 3, 64, 64}}).ok())
        << file;
    ++pictures;
  }
  EXPECT_GE(pictures, 12);
}

TEST(ShippedModel, HasReadableSettingsForThePublicOnes) {
  EXPECT_TRUE(parse_preprocess(text_of(kModels / "vgg16.yaml")).ok());
}

// fetch.sh with a table of its own, whose addresses are files.
class FetchScript : public ::testing::Test {
 protected:
  std::filesystem::path folder() const { return folder_.path(); }

  void source(const std::string& check, const std::string& addresses) {
    ASSERT_TRUE(
        write_file(folder() / "sources.txt", "net net.onnx " + check + " " + addresses + "\n")
            .ok());
  }
  void put(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file(folder() / name, text).ok());
  }
  std::string address(const std::string& name) const {
    return "file://" + (folder() / name).string();
  }

  int run(const std::string& model = "net") {
    const std::string command = "HYPS_MODEL_SOURCES=" + (folder() / "sources.txt").string() + " " +
                                (kModels / "fetch.sh").string() + " " + model + " " +
                                (folder() / "out").string() + " > " + (folder() / "said").string() +
                                " 2>&1";
    return std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe)
  }
  std::string said() const { return text_of(folder() / "said"); }
  std::string got() const { return text_of(folder() / "out" / "net.onnx"); }

  // Of "hello world\n".
  const std::string check_ =
      "sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447:12";

 private:
  TemporaryFolder folder_;
};

TEST_F(FetchScript, FetchesAndThenLeavesAlone) {
  put("real", "hello world\n");
  source(check_, address("real"));
  ASSERT_EQ(run(), 0) << said();
  EXPECT_EQ(got(), "hello world\n");
  std::filesystem::remove(folder() / "real");
  ASSERT_EQ(run(), 0) << said();
  EXPECT_THAT(said(), HasSubstr("there already"));
}

TEST_F(FetchScript, GoesOnWhereItStopped) {
  put("real", "hello world\n");
  source(check_, address("real"));
  std::filesystem::create_directories(folder() / "out");
  put("out/net.onnx.part", "hello ");
  ASSERT_EQ(run(), 0) << said();
  EXPECT_EQ(got(), "hello world\n");
}

TEST_F(FetchScript, ThrowsAwayWhatFailsItsCheckAndTriesTheNextAddress) {
  put("wrong", "hello w0rld\n");
  put("pointer", "version https://git-lfs\n");
  put("real", "hello world\n");
  source(check_, address("wrong") + " " + address("pointer") + " " + address("gone") + " " +
                     address("real"));
  ASSERT_EQ(run(), 0) << said();
  EXPECT_EQ(got(), "hello world\n");
  EXPECT_THAT(said(), HasSubstr("SHA-256"));
  EXPECT_THAT(said(), HasSubstr("has 24 bytes, not 12"));
  EXPECT_THAT(said(), HasSubstr("cannot download"));
}

TEST_F(FetchScript, FailsClearlyWhenNothingCanBeReached) {
  source(check_, address("gone"));
  EXPECT_NE(run(), 0);
  EXPECT_THAT(said(), HasSubstr("is this machine online?"));
  EXPECT_FALSE(std::filesystem::exists(folder() / "out" / "net.onnx"));
  EXPECT_NE(run("other"), 0);
  EXPECT_THAT(said(), HasSubstr("unknown model 'other'; known are net"));
}

TEST_F(FetchScript, CountsTheLinesOfALabelFile) {
  put("labels", "a\nb\nc");
  source("lines:3", address("labels"));
  ASSERT_EQ(run(), 0) << said();
  source("lines:4", address("labels"));
  EXPECT_NE(run(), 0);
  EXPECT_THAT(said(), HasSubstr("has 3 lines, not 4"));
}

}  // namespace
}  // namespace hyps::image
