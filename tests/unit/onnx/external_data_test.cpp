#include <filesystem>

#include "tests/unit/onnx/messages.hpp"

namespace hyps::onnx::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class ExternalData : public Loading {
 protected:
  ExternalData() {
    const std::vector<float> values{9, 1, 2, 3, 4};
    bytes_.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    write_bytes(folder_.path() / "w.bin", bytes_);
  }
  Result<cnn::Graph> load_with(const std::string& location, const std::string& offset,
                               const std::string& length) {
    ModelProto model = small_model();
    auto& weight = *model.mutable_graph()->mutable_initializer(0);
    weight.clear_raw_data();
    set_external(weight, location, offset, length);
    return load_model(model);
  }
  static std::vector<float> weight(const Result<cnn::Graph>& graph) {
    const auto values = graph->weights.at("w").f32();
    return {values.begin(), values.end()};
  }

  std::string bytes_;
};

TEST_F(ExternalData, IsASliceAtItsOffset) {
  const auto graph = load_with("w.bin", "4", "16");
  ASSERT_THAT(graph, Succeeds());
  EXPECT_THAT(weight(graph), ElementsAre(1, 2, 3, 4));
}

TEST_F(ExternalData, OffsetDefaultsToZeroAndLengthToWhatIsNeeded) {
  const auto graph = load_with("w.bin", "", "");
  ASSERT_THAT(graph, Succeeds());
  EXPECT_THAT(weight(graph), ElementsAre(9, 1, 2, 3));
}

TEST_F(ExternalData, IsMappedNotCopiedWhenAligned) {
  ModelProto model = small_model();
  auto& weight = *model.mutable_graph()->mutable_initializer(0);
  weight.clear_raw_data();
  set_external(weight, "w.bin", "4");
  const auto graph = load_model(model);
  ASSERT_THAT(graph, Succeeds());
  // A mapping starts at a page, so the slice has the file's offset within its page.
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(graph->weights.at("w").data.data()) % 4096, 4U);
}

TEST_F(ExternalData, IsCopiedWhenMisaligned) {
  write_bytes(folder_.path() / "w.bin", "x" + bytes_);
  const auto graph = load_with("w.bin", "5", "16");
  ASSERT_THAT(graph, Succeeds());
  EXPECT_THAT(weight(graph), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(graph->weights.at("w").data.data()) % 4, 0U);
}

TEST_F(ExternalData, MayLieInASubfolder) {
  fs::create_directory(folder_.path() / "sub");
  write_bytes(folder_.path() / "sub" / "w.bin", bytes_);
  EXPECT_THAT(load_with("sub/w.bin", "4", "16"), Succeeds());
}

TEST_F(ExternalData, LoadsFromTheCurrentFolder) {
  ASSERT_THAT(load_with("w.bin", "4", "16"), Succeeds());
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  const auto graph = load("model.onnx");
  fs::current_path(before);
  EXPECT_THAT(graph, Succeeds());
}

TEST_F(ExternalData, MayNotLeaveTheFolder) {
  const fs::path outside = folder_.path().string() + "-outside.bin";
  write_bytes(outside, bytes_);
  const std::string name = outside.filename().string();
  const std::string folder = folder_.path().filename().string();
  for (const std::string& location :
       {"../" + name, "sub/../../" + name, outside.string(), std::string("/etc/passwd"),
        "../" + folder + "/w.bin", std::string("..")}) {
    EXPECT_THAT(load_with(location, "", ""),
                FailsWith(ErrorKind::invalid, "is outside the model's folder"))
        << location;
  }
  fs::create_symlink(outside, folder_.path() / "link.bin");
  EXPECT_THAT(load_with("link.bin", "", ""),
              FailsWith(ErrorKind::invalid, "is outside the model's folder"));
  fs::create_directory_symlink("..", folder_.path() / "up");
  EXPECT_THAT(load_with("up/" + name, "", ""),
              FailsWith(ErrorKind::invalid, "is outside the model's folder"));
  fs::remove(outside);
}

TEST_F(ExternalData, MayBeALinkWithinTheFolder) {
  fs::create_symlink("w.bin", folder_.path() / "link.bin");
  EXPECT_THAT(load_with("link.bin", "4", "16"), Succeeds());
}

TEST_F(ExternalData, MustExistAndBeAFile) {
  EXPECT_THAT(load_with("none.bin", "", ""), FailsWith(ErrorKind::not_found, "'none.bin'"));
  fs::create_directory(folder_.path() / "sub");
  EXPECT_THAT(load_with("sub", "", ""), FailsWith(ErrorKind::invalid, "'sub' is no file"));
  EXPECT_THAT(load_with(".", "", ""), FailsWith(ErrorKind::invalid, "model's folder"));
  EXPECT_THAT(load_with("", "", ""), FailsWith(ErrorKind::invalid, "location is missing"));
}

TEST_F(ExternalData, MustLieWithinItsFile) {
  const char* outside = "are outside the file of 20 bytes";
  EXPECT_THAT(load_with("w.bin", "8", ""), FailsWith(ErrorKind::invalid, outside));
  EXPECT_THAT(load_with("w.bin", "21", ""), FailsWith(ErrorKind::invalid, outside));
  EXPECT_THAT(load_with("w.bin", "18446744073709551600", "16"),
              FailsWith(ErrorKind::invalid, outside));
  EXPECT_THAT(load_with("w.bin", "4", "12"), FailsWith(ErrorKind::invalid, "length 12 given"));
  write_bytes(folder_.path() / "w.bin", "");
  EXPECT_THAT(load_with("w.bin", "", ""), FailsWith(ErrorKind::invalid, "file of 0 bytes"));
}

TEST_F(ExternalData, NumbersMustBeNumbers) {
  for (const char* text : {"-1", "4x", "0x4", " 4", "99999999999999999999999"}) {
    EXPECT_THAT(load_with("w.bin", text, ""), FailsWith(ErrorKind::invalid, "offset is no number"))
        << text;
  }
}

TEST_F(ExternalData, FilesAreListedOnceEach) {
  ModelProto model = small_model();
  set_external(add_weight(model, "a", {1}), "b.bin");
  set_external(add_weight(model, "b", {1}), "a.bin");
  set_external(add_weight(model, "c", {1}), "b.bin");
  write_bytes(path(), model.SerializeAsString());
  const auto files = external_files(path());
  ASSERT_THAT(files, Succeeds());
  EXPECT_THAT(files.value(), ElementsAre("a.bin", "b.bin"));
}

TEST_F(ExternalData, ListingRefusesWhatLoadingWould) {
  ModelProto model = small_model();
  set_external(add_weight(model, "a", {1}), "../b.bin");
  write_bytes(path(), model.SerializeAsString());
  EXPECT_THAT(external_files(path()), FailsWith(ErrorKind::invalid, "outside the model's folder"));
}

}  // namespace
}  // namespace hyps::onnx::test
