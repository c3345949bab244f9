// fuzz_seeds FOLDER: writes what each fuzz target begins with into FOLDER/<target>.
#include <cstdio>
#include <filesystem>

#include "common/base/file.hpp"
#include "common/cnn/npy.hpp"
#include "common/npz/npz.hpp"
#include "common/onnx/onnx.hpp"
#include "common/partition/partition.hpp"
#include "common/protocol/codec.hpp"
#include "common/protocol/parcel.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/unit/image/pictures.hpp"
#include "tests/unit/partition/graphs.hpp"
#include "tests/unit/protocol/samples.hpp"

namespace hyps::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kGraphs = 6;
constexpr std::size_t kMostOfAModel = 4096;

class Corpus {
 public:
  Corpus(const fs::path& root, const char* target) : folder_(root / target) {
    fs::create_directories(folder_);
  }
  void add(std::string_view bytes) {
    const auto file = folder_ / ("seed" + std::to_string(++count_));
    require(write_file(file, bytes).ok(), "cannot write " + file.string());
  }

 private:
  fs::path folder_;
  int count_ = 0;
};

void add_messages(Corpus corpus) {
  std::vector<Blob> frames;
  for (const auto& message : protocol::test::samples()) {
    frames.push_back(protocol::encode(message));
    corpus.add(frames.back().text());
  }
  for (const Blob& packet : protocol::pack(std::move(frames))) corpus.add(packet.text());
}

// Any bytes are a history of chunks.
void add_streams(Corpus corpus) {
  Random random(1);
  for (int i = 0; i < 8; ++i) {
    std::string bytes(200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.next());
    corpus.add(bytes);
  }
}

void add_plans(Corpus corpus) {
  for (std::uint64_t seed = 0; seed < kGraphs; ++seed) {
    partition::Request request;
    request.model_name = "net";
    request.min_partitions = static_cast<int>(seed);
    const auto plan = partition::make_plan(partition::testing::random_graph(seed), request);
    if (plan.ok()) corpus.add(partition::to_json(*plan));
  }
}

void add_configurations(Corpus corpus) {
  corpus.add("# all kinds\ntext: \"a: b\"\nflag: true\ncount: 7\nsize: 64M\nchoice: two\n");
  corpus.add("{text: 'x', flag: false, broker_host: ::1, broker_port: 1883}");
  corpus.add("a: &x [1, {b: 2}]\nc: *x\n---\n- |\n  block\n");
}

void add_networks(Corpus corpus) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "model.onnx";
  for (std::uint64_t seed = 0; seed < kGraphs; ++seed) {
    require(onnx::save(partition::testing::random_graph(seed), file).ok(), "cannot save");
    corpus.add(read_file(file, 1 << 20).value().text());
  }
}

// Of each operator, as ONNX tests it.
void add_operators(Corpus corpus) {
  const fs::path cases = "/usr/share/libonnx-testdata/data/node";
  if (!fs::exists(cases)) return;
  for (const auto& entry : fs::directory_iterator(cases)) {
    const auto model = read_file(entry.path() / "model.onnx", kMostOfAModel);
    if (model.ok()) corpus.add(model->text());
  }
}

// Archives of the `input` target's two inputs, right and wrong, stored as NumPy does.
void add_archives(Corpus corpus) {
  const auto image = cnn::Tensor::floats({1, 3, 8, 8}, std::vector<float>(192, 0.5F));
  const auto size = cnn::Tensor::integers({1, 2}, {416, 608});
  for (const npz::Arrays& arrays :
       {npz::Arrays{{"image", image}, {"size", size}}, npz::Arrays{{"image", image}},
        npz::Arrays{{"size", size}, {"a/b", size}, {"c", size}}}) {
    corpus.add(npz::to_npz(arrays).value());
  }
}

void add_inputs(Corpus corpus) {
  using namespace image::testing;
  const image::Image picture = smooth(12, 10);
  for (const Jpeg kind : {Jpeg::colour, Jpeg::progressive, Jpeg::gray, Jpeg::cmyk}) {
    corpus.add(jpeg_of(picture, kind));
  }
  for (const Png kind :
       {Png::rgb, Png::gray_alpha, Png::gray1, Png::palette, Png::rgb16, Png::interlaced}) {
    corpus.add(png_of(picture, kind));
  }
  corpus.add(ppm_of(picture));
  const auto tensor = cnn::Tensor::floats({1, 3, 8, 8}, std::vector<float>(192, 0.5F));
  corpus.add(cnn::to_npy(tensor));
  corpus.add(onnx::to_tensor_proto(tensor, "image"));
  add_archives(std::move(corpus));
}

void add_preprocessing(Corpus corpus) {
  corpus.add(image::to_yaml({}));
  corpus.add("resize: stretch\nsize: 0\nchannels: gray\nmean: 0.5\nscale: 1/127.5\n");
  corpus.add("resize: none\ncenter_crop: false\nlayout: nhwc\ndeviation: [1, 2, 3]\n");
}

void write_all(const fs::path& root) {
  add_messages({root, "message"});
  add_streams({root, "stream"});
  add_plans({root, "plan"});
  add_configurations({root, "config"});
  add_networks({root, "onnx"});
  add_networks({root, "network"});
  add_operators({root, "network"});
  add_inputs({root, "input"});
  add_preprocessing({root, "preprocess"});
  add_archives({root, "npz"});
}

}  // namespace
}  // namespace hyps::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
    return 2;
  }
  hyps::fuzz::write_all(argv[1]);
  return 0;
}
