// A model of two inputs and three outputs: in one process, cut, in a cluster; with both inputs
// sent, and with one fixed when it is deployed.
#include "detector.hpp"

#include "common/base/file.hpp"
#include "common/cnn/npy.hpp"
#include "common/npz/npz.hpp"
#include "common/onnx/onnx.hpp"
#include "tests/support/client.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/pictures.hpp"

namespace hyps::test {
namespace {

using testing::HasSubstr;

constexpr const char* kCut = "700";  // parameters: more than one partition, one layer in slices
const std::vector<std::string> kOutputs{"boxes", "scores", "classes"};

class Detectors : public testing::Test {
 protected:
  Detectors() : cluster_(workers(2)), client_(cluster_.port()) {
    EXPECT_TRUE(onnx::save(Detector().make(), at("detector.onnx")).ok());
    Random random(3);
    std::vector<float> pixels;
    for (int i = 0; i < 3 * 32 * 32; ++i) pixels.push_back(random.uniform(-1, 1));
    const auto image = cnn::Tensor::floats({1, 3, 32, 32}, std::move(pixels));
    const auto shape = cnn::Tensor::floats({1, 2}, {416, 608});
    archive_ = npz::to_npz({{"image", image}, {"image_shape", shape}}).value();
    EXPECT_TRUE(write_file(at("job.npz"), archive_).ok());
    EXPECT_TRUE(write_file(at("shape.npy"), cnn::to_npy(shape)).ok());
  }

  std::string at(const std::string& name) const { return (folder_.path() / name).string(); }
  json hyps_json(std::vector<std::string> words) {
    words.insert(words.end(), {"-o", "json"});
    const Outcome outcome = cluster_.hyps(words);
    EXPECT_EQ(outcome.code, 0) << words[0] << ": " << outcome.errors;
    return json::parse(outcome.output, nullptr, false);
  }
  void deploy(const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> words{"deploy", at("detector.onnx"), "--name",
                                   name,     "--threshold",       kCut};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome deployed = cluster_.hyps(words);
    ASSERT_EQ(deployed.code, 0) << deployed.errors;
  }
  void start() {
    cluster_.start_all();
    ASSERT_TRUE(client_.wait_workers_online(2));
  }
  json ask(const std::string& model, const std::string& job, const Blob& payload) {
    client_.ask(model, job, payload);
    EXPECT_TRUE(client_.wait_answered(30'000)) << cluster_.log("hub");
    return client_.answer_of(job);
  }
  // `hyps get output` gives the very tensors.
  void expect_files(const std::string& job, const npz::Arrays& wanted) {
    const std::string folder = at("out-" + job);
    const Outcome got = cluster_.hyps({"get", "output", job, "--dir", folder});
    ASSERT_EQ(got.code, 0) << got.errors;
    for (const std::string& name : kOutputs) {
      EXPECT_THAT(got.output, HasSubstr(name + ".npy"));
      const auto file = read_file(folder + "/" + name + ".npy", 1 << 20U);
      ASSERT_TRUE(file.ok()) << file.error().message;
      const auto tensor = cnn::parse_npy(*file);
      ASSERT_TRUE(tensor.ok()) << tensor.error().message;
      EXPECT_EQ(tensor->type, wanted.at(name).type) << name;
      EXPECT_EQ(tensor->shape, wanted.at(name).shape) << name;
      EXPECT_EQ(tensor->data, wanted.at(name).data) << name;
    }
  }
  npz::Arrays arrays_in(const std::string& file) {
    return npz::parse_npz(read_file(at(file), 1 << 20U).value(), 1 << 20U).value();
  }

  TemporaryFolder folder_{"hyps-detector"};
  Cluster cluster_;
  Client client_;
  std::string archive_;
};

TEST_F(Detectors, AnArchiveOfAllInputsIsAnswered) {
  ASSERT_EQ(
      cluster_.hyps({"partition", at("detector.onnx"), "--threshold", kCut, "-o", at("parts")})
          .code,
      0);
  const json local =
      hyps_json({"run", at("parts"), "--input", at("job.npz"), "--output", at("all.npz")});
  const json whole = hyps_json({"run", at("detector.onnx"), "--input", at("job.npz")});
  const Outcome verified = cluster_.hyps({"verify", at("detector.onnx"), "--input", at("job.npz"),
                                          "--threshold", "700,300", "--expected", at("all.npz")});
  EXPECT_EQ(verified.code, 0) << verified.output << verified.errors;
  start();
  deploy("detector", {});
  const json answer = ask("detector", "job-1", Blob::copy_of(archive_));
  ASSERT_EQ(answer.value("state", ""), "done") << answer;
  ASSERT_EQ(answer.at("outputs").size(), 3U);
  EXPECT_EQ(answer.at("outputs"), local.at("outputs"));
  EXPECT_FALSE(answer.contains("top"));
  for (std::size_t i = 0; i < kOutputs.size(); ++i) {
    const json& output = answer.at("outputs")[i];
    EXPECT_EQ(output.at("name"), kOutputs[i]);
    EXPECT_EQ(output.at("shape"), whole.at("outputs")[i].at("shape"));
    for (std::size_t k = 0; k < output.at("values").size(); ++k) {
      const double wanted = whole.at("outputs")[i].at("values")[k].get<double>();
      ASSERT_NEAR(output.at("values")[k].get<double>(), wanted, 1e-5 * (1 + std::abs(wanted)));
    }
  }
  expect_files("job-1", arrays_in("all.npz"));
}

TEST_F(Detectors, WhatCannotBeAnsweredSaysWhatToDo) {
  start();
  deploy("detector", {});
  const json refused = ask("detector", "picture", shipped_pictures()[0].bytes);
  EXPECT_EQ(refused.value("state", ""), "failed");
  EXPECT_THAT(refused.value("error", ""), HasSubstr("send an .npz archive"));
  EXPECT_THAT(refused.value("error", ""), HasSubstr("'image_shape' (float32 1x2)"));
  const Outcome failed = cluster_.hyps({"get", "output", "picture", "--dir", at("none")});
  EXPECT_EQ(failed.code, 4);
  EXPECT_THAT(failed.errors, HasSubstr("job picture failed"));
  const Outcome unknown = cluster_.hyps({"get", "output", "nobody", "--dir", at("none")});
  EXPECT_EQ(unknown.code, 3) << unknown.errors;
  EXPECT_EQ(cluster_.hyps({"get", "output"}).code, 2);
  const Outcome wrong = cluster_.hyps(
      {"deploy", at("detector.onnx"), "--name", "wrong", "--input", "image_shape=1x3"});
  EXPECT_EQ(wrong.code, 4);
  EXPECT_THAT(wrong.errors, HasSubstr("its shape is [1, 2], and cannot be made 1x3"));
}

TEST_F(Detectors, AnInputFixedAtDeploymentLeavesAPlainPictureToSend) {
  const std::string fixed = "image_shape=" + at("shape.npy");
  const Picture picture = shipped_pictures()[0];
  ASSERT_TRUE(write_file(at("picture.jpg"), picture.bytes.text()).ok());
  const json local = [&] {
    EXPECT_EQ(cluster_
                  .hyps({"partition", at("detector.onnx"), "--input", fixed, "--threshold", kCut,
                         "-o", at("parts")})
                  .code,
              0);
    return hyps_json({"run", at("parts"), "--input", at("picture.jpg"), "--output", at("all.npz")});
  }();
  const Outcome whole =
      cluster_.hyps({"run", at("detector.onnx"), "--input", fixed, "--input", at("picture.jpg")});
  EXPECT_EQ(whole.code, 0) << whole.errors;
  EXPECT_THAT(whole.output, HasSubstr("boxes"));
  start();
  deploy("detector", {"--input", fixed});
  const json answer = ask("detector", "job-1", picture.bytes);
  ASSERT_EQ(answer.value("state", ""), "done") << answer;
  EXPECT_EQ(answer.at("outputs"), local.at("outputs"));
  expect_files("job-1", arrays_in("all.npz"));
}

}  // namespace
}  // namespace hyps::test
