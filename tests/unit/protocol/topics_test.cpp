#include "common/protocol/topics.hpp"

#include <gtest/gtest.h>

namespace hyps::protocol {
namespace {

TEST(Topics, of_a_peer_are_below_its_role_and_name) {
  const Peer peer{Role::worker, "w1"};
  EXPECT_EQ(inbox(peer), "hyps/w/w1/in");
  EXPECT_EQ(outbox(peer), "hyps/w/w1/out");
  EXPECT_EQ(inbox({Role::manager, "m"}), "hyps/m/m/in");
  EXPECT_EQ(inbox({Role::client, "c"}), "hyps/c/c/in");
  EXPECT_EQ(all_outboxes(Role::worker), "hyps/w/+/out");
  EXPECT_EQ(to_string(peer), "worker w1");
}

TEST(Topics, an_outbox_names_its_peer) {
  for (const Role role : {Role::worker, Role::manager, Role::client, Role::voter}) {
    const Peer peer{role, "a.b-c_1"};
    EXPECT_EQ(peer_of_outbox(outbox(peer)), peer);
  }
}

TEST(Topics, foreign_ones_name_nobody) {
  for (const char* topic :
       {"", "/", "hyps", "hyps/w/w1/in", "hyps/x/w1/out", "hyps/w//out", "hyps/w/w1/out/",
        "hyps/w/../out", "other/w/w1/out", "hyps/w/a b/out"}) {
    EXPECT_FALSE(peer_of_outbox(topic)) << topic;
  }
  for (const char* topic : {"hyps/input", "hyps//input", "hyps/a/b/input", "hyps/+/input", "input",
                            "hyps/a/output", "HYPS/a/input"}) {
    EXPECT_FALSE(model_of_input(topic)) << topic;
  }
  for (const char* topic :
       {"hyps/status", "hyps/a/status", "hyps/a/b/c/status", "hyps/a//status"}) {
    EXPECT_FALSE(parse_status_topic(topic)) << topic;
  }
}

TEST(Topics, of_models_and_services_round_trip) {
  const ModelName model("vgg16");
  EXPECT_EQ(input_topic(model), "hyps/vgg16/input");
  EXPECT_EQ(output_topic(model), "hyps/vgg16/output");
  EXPECT_EQ(events_topic(model), "hyps/vgg16/events");
  EXPECT_EQ(model_of_input(input_topic(model)), model);
  const auto status = parse_status_topic(status_topic("worker", "w1"));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->service, "worker");
  EXPECT_EQ(status->id, "w1");
}

TEST(Topics, a_model_may_not_take_the_place_of_a_role_or_service) {
  for (const char* name : {"w", "m", "c", "hub", "manager", "worker", "status"}) {
    EXPECT_TRUE(is_reserved(ModelName(name))) << name;
  }
  EXPECT_FALSE(is_reserved(ModelName("vgg16")));
}

}  // namespace
}  // namespace hyps::protocol
