// Models that cannot be run: refused by the command line, and by the cluster where the command line
// was not asked.
#include "models.hpp"

#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

class BadModels : public ShapesCluster {
 protected:
  void SetUp() override { start_and_deploy(); }

  // Files as a client would send them, in one part each.
  protocol::FileRef upload(const std::string& name, const std::string& text) {
    const Blob data = Blob::copy_of(text);
    const protocol::FileRef file{name, data.size(), digest_of(data.bytes())};
    // Counted anew: what was removed with another model has to be sent again.
    const std::size_t before = client_.messages().size();
    const auto stored = [&] {
      for (std::size_t i = before; i < client_.messages().size(); ++i) {
        const auto* part = std::get_if<protocol::PartStored>(&client_.messages()[i]);
        if (part != nullptr && part->file == file.digest) return true;
      }
      return false;
    };
    for (int tries = 0; tries < 20 && !stored(); ++tries) {
      client_.send(protocol::PartPut{file.digest, file.bytes, 0, data});
      client_.pump(stored, 1000);
    }
    EXPECT_TRUE(stored()) << name;
    return file;
  }
  json deploy_unseen(const BadModel& model) {
    std::vector<protocol::FileRef> files{upload("model.onnx", model.onnx)};
    if (!model.weights.empty()) files.push_back(upload("weights.bin", model.weights));
    return client_.request(protocol::Deploy{0, ModelName(model.name), files, ""});
  }
};

TEST_F(BadModels, TheCommandLineRefusesThemBeforeTheClusterHearsOfThem) {
  for (const BadModel& model : bad_models()) {
    SCOPED_TRACE(model.name);
    const auto folder = cluster_.folder() / model.name;
    std::filesystem::create_directory(folder);
    std::ofstream(folder / "model.onnx") << model.onnx;
    if (!model.weights.empty()) std::ofstream(folder / "weights.bin") << model.weights;
    const Outcome outcome =
        cluster_.hyps({"deploy", (folder / "model.onnx").string(), "--name", model.name});
    EXPECT_EQ(outcome.code, model.name == "missing-weights" ? 3 : 4) << outcome.errors;
    EXPECT_THAT(outcome.errors, testing::HasSubstr(model.wanted));
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << outcome.errors;
  }
  EXPECT_EQ(client_.query("models").at("models").size(), 1U) << "only shapes";
  expect_still_answering();
}

TEST_F(BadModels, TheManagerRefusesWhatTheCommandLineNeverSaw) {
  for (const BadModel& model : bad_models()) {
    if (model.onnx.empty()) continue;  // the hub knows no empty files
    SCOPED_TRACE(model.name);
    const json reply = deploy_unseen(model);
    ASSERT_FALSE(reply.contains("refused")) << reply;
    EXPECT_TRUE(client_.wait_query("model", model.name, [](const json& m) {
      return m.value("state", "") == "failed";
    })) << client_.query("model", model.name);
    const json shown = client_.query("model", model.name);
    EXPECT_THAT(shown.value("problem", ""), testing::HasSubstr(model.wanted));
    client_.ask(model.name, "to-" + model.name, pictures_[0].bytes);
    ASSERT_TRUE(client_.wait_answered(20'000));
    EXPECT_EQ(client_.answer_of("to-" + model.name).value("state", ""), "refused");
    EXPECT_FALSE(client_.request(protocol::Remove{0, ModelName(model.name)}).contains("refused"));
  }
  expect_still_answering();
}

// So that the two tests above fail for the faults they name.
TEST_F(BadModels, TheSameModelWithoutTheFaultIsTaken) {
  const json reply = deploy_unseen({"good", SmallModel{.external = true}.text(),
                                    std::string(SmallModel::weight_bytes(), '\0'), ""});
  ASSERT_FALSE(reply.contains("refused")) << reply;
  EXPECT_TRUE(client_.wait_query("model", "good", [](const json& m) {
    return m.value("state", "") == "ready";
  })) << client_.query("model", "good");
}

TEST_F(BadModels, FilesThatAreNotThereOrNotWhatTheyClaimAreRefused) {
  const json missing = client_.request(
      protocol::Deploy{0, ModelName("m"), {{"model.onnx", 10, digest_of("nowhere")}}, ""});
  EXPECT_TRUE(missing.contains("refused")) << missing;

  const Digest claimed = digest_of("something else");
  client_.send(protocol::PartPut{claimed, 5, 0, Blob::copy_of("lies!")});
  const auto refused = [&] {
    for (const protocol::Message& message : client_.messages()) {
      const auto* no = std::get_if<protocol::Refused>(&message);
      if (no != nullptr && no->file == claimed) return true;
    }
    return false;
  };
  EXPECT_TRUE(client_.pump(refused, 20'000));

  for (const char* name : {"w", "hub", "", "a/b", "+"}) {
    const auto file = upload("model.onnx", SmallModel{}.text());
    const json reply = client_.request(protocol::Deploy{0, ModelName(name), {file}, ""});
    EXPECT_TRUE(reply.contains("refused")) << name << ": " << reply;
  }
  expect_still_answering();
}

TEST_F(BadModels, APlanForAnotherNetworkOrNoPlanAtAllIsRefused) {
  const auto plan = cluster_.folder() / "plan.json";
  for (const char* text : {"{}", "no json", "[1, 2]", ""}) {
    std::ofstream(plan) << text;
    const Outcome outcome = cluster_.hyps(
        {"deploy", source("models/shapes.onnx").string(), "--name", "p", "--plan", plan.string()});
    EXPECT_EQ(outcome.code, 4) << text << ": " << outcome.errors;
  }
  const auto onnx = cluster_.folder() / "small.onnx";
  std::ofstream(onnx) << SmallModel{}.text();
  const Outcome small = cluster_.hyps({"plan", onnx.string(), "-o", "json"});
  ASSERT_EQ(small.code, 0) << small.errors;
  std::ofstream(plan) << small.output;
  const Outcome outcome = cluster_.hyps({"deploy", source("models/shapes.onnx").string(), "--name",
                                         "p", "--plan", plan.string(), "--timeout", "20"});
  EXPECT_EQ(outcome.code, 4) << outcome.errors;
  expect_still_answering();
}

}  // namespace
}  // namespace hyps::test
