// Feature maps that are compressed on their way give the same bits.
#include <set>

#include "bits.hpp"
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

class Compression : public ShapesCluster {
 protected:
  Compression() : ShapesCluster(workers(3, "16M"), {"compression=on"}) {}

  // A feature map of 256 KB between two workers, and what else there is.
  void deploy_with_large_maps(const std::vector<std::string>& more = {}) {
    cluster_.start_all();
    ASSERT_TRUE(client_.wait_workers_online(3));
    std::vector<std::string> words{"--cut-after", "/conv1_1/Conv"};
    words.insert(words.end(), more.begin(), more.end());
    deploy(words);
  }
  void ask_all() {
    for (const Picture& picture : pictures_) client_.ask("shapes", picture.file, picture.bytes);
    ASSERT_TRUE(client_.wait_answered(60'000)) << cluster_.log("hub");
    for (const Picture& picture : pictures_) EXPECT_EQ(label_of(picture.file), picture.label);
  }
};

TEST_F(Compression, GivesTheBitsOfOneProcess) {
  for (const std::string& worker : cluster_.worker_names()) cluster_.set(worker, "compression=on");
  deploy_with_large_maps();
  const auto bundles = write_bundles(cluster_, client_, "shapes", source("models/shapes.onnx"));
  ask_all();
  for (const Picture& picture : pictures_) {
    expect_same_bits(cluster_, bundles, source("models/images/" + picture.file),
                     client_.answer_of(picture.file));
  }
  std::set<std::string> ways;
  const json maps = client_.query("model", "shapes").at("feature_maps");
  for (const json& map : maps) {
    if (map.at("partition") == "ingest" && map.at("way") == "input") continue;  // a large picture
    EXPECT_EQ(map.at("bytes"), 262'144) << map;
    EXPECT_TRUE(map.at("compressed").get<bool>()) << map;
    EXPECT_LT(map.at("wire_bytes").get<int>(), 262'144) << map;
    ways.insert(map.at("way").get<std::string>());
  }
  EXPECT_EQ(ways, (std::set<std::string>{"input", "result"}));
  const Outcome told = cluster_.hyps({"describe", "model", "shapes"});
  EXPECT_NE(told.output.find("compressed, 0."), std::string::npos) << told.output;
}

TEST_F(Compression, OfOneReplicaMakesNoDifferenceToVotes) {
  cluster_.set("w1", "compression=on");
  cluster_.set("w2", "compression=off");
  deploy_with_large_maps({"--replicas", "3"});
  ask_all();
  const json workers = client_.query("votes").at("workers");
  EXPECT_EQ(workers.size(), 3U);
  for (const json& worker : workers) {
    EXPECT_EQ(worker.at("lies").get<int>(), 0) << worker;
  }
}

}  // namespace
}  // namespace hyps::test
