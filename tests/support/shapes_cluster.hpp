// A cluster that serves the shipped model, and a user who checks that it answers.
#pragma once

#include "tests/support/client.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/pictures.hpp"

namespace hyps::test {

class ShapesCluster : public testing::Test {
 protected:
  explicit ShapesCluster(const std::vector<WorkerSetup>& list = workers(2),
                         Settings hub_settings = {}, const std::string& broker_at = "127.0.0.1")
      : cluster_(list, std::move(hub_settings), broker_at), client_(cluster_.port()) {}

  void start_and_deploy() {
    cluster_.start_all();
    ASSERT_TRUE(client_.wait_workers_online(static_cast<int>(cluster_.worker_names().size())));
    deploy();
  }
  void deploy(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"deploy", source("models/shapes.onnx").string()});
    const Outcome deployed = cluster_.hyps(more);
    ASSERT_EQ(deployed.code, 0) << deployed.errors;
  }

  // Whatever came before, a good picture has its answer.
  void expect_still_answering(int timeout_ms = 30'000) {
    const Picture& picture = pictures_[static_cast<std::size_t>(asked_) % pictures_.size()];
    const std::string job = "good-" + std::to_string(asked_++);
    client_.ask("shapes", job, picture.bytes);
    ASSERT_TRUE(client_.wait_answered(timeout_ms)) << "hub:\n" << cluster_.log("hub");
    EXPECT_EQ(label_of(job), picture.label);
    for (const char* name : {"hub", "manager"}) EXPECT_TRUE(cluster_.running(name)) << name;
  }
  // The best label, or the error.
  [[nodiscard]] std::string label_of(const std::string& job) const {
    const json& answer = client_.answer_of(job);
    if (answer.value("state", "") != "done") return answer.value("error", answer.dump());
    return answer.at("top").at(0).value("label", "");
  }
  const Picture& picture(const std::string& file) const {
    for (const Picture& picture : pictures_) {
      if (picture.file == file) return picture;
    }
    throw std::runtime_error("no picture " + file);
  }

  const std::vector<Picture> pictures_ = shipped_pictures();
  Cluster cluster_;
  Client client_;

 private:
  int asked_ = 0;
};

}  // namespace hyps::test
