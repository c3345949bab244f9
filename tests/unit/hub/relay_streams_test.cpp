// The bytes of a relay, as the bus asks for them.
#include "services/hub/relay_streams.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "common/protocol/codec.hpp"

namespace hyps::hub {
namespace {

constexpr std::size_t kSize = 10;

class HubRelayStreams : public testing::Test {
 protected:
  void append(const std::string& text) { arriving->append(std::as_bytes(std::span(text))); }
  static protocol::Chunk chunk_of(const std::optional<Blob>& frame) {
    return std::get<protocol::Chunk>(protocol::decode(frame.value()).value());
  }

  const StartRelay relay{7, {}, 1, WorkerId("w2"), {JobId("j"), PlanId("p"), PartitionName("v02")},
                         3, "t"};
  std::shared_ptr<protocol::Assembly> arriving = std::make_shared<protocol::Assembly>(kSize);
  RelayStreams relays;
  static Blob encode(protocol::Chunk chunk) { return protocol::encode(std::move(chunk)); }
  std::vector<RelayEnded> ended;
  bus::Source source =
      relays.add(relay, arriving, 99, encode, [this](RelayEnded end) { ended.push_back(end); });
};

TEST_F(HubRelayStreams, GivesWhatIsThereAndWaitsForTheRest) {
  EXPECT_TRUE(source(100).value().empty()) << "nothing yet";
  append("abcdef");
  const protocol::Chunk first = chunk_of(source(4));
  EXPECT_EQ(first.data.text(), "abcd");
  EXPECT_EQ(first.stream, 99U);
  EXPECT_EQ(first.task, relay.task);
  EXPECT_EQ(first.epoch, 3U);
  EXPECT_EQ(first.tensor, "t");
  EXPECT_EQ(first.total, kSize);
  EXPECT_EQ(chunk_of(source(4)).data.text(), "ef");
  EXPECT_TRUE(source(4).value().empty());
  append("ghij");
  const protocol::Chunk last = chunk_of(source(100));
  EXPECT_EQ(last.offset, 6U);
  EXPECT_EQ(last.data.text(), "ghij");
  EXPECT_TRUE(ended.empty());
  EXPECT_FALSE(source(100));
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].id, 7U);
  EXPECT_TRUE(ended[0].whole);
}

TEST_F(HubRelayStreams, EndsWhenNothingMoreWillCome) {
  append("abcdef");
  (void)source(4);
  arriving->abandon();
  EXPECT_FALSE(source(4));
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_FALSE(ended[0].whole);
}

TEST_F(HubRelayStreams, StopsWhenTold) {
  append("abcdef");
  (void)source(4);
  relays.stop(7);
  EXPECT_FALSE(source(4));
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_FALSE(ended[0].whole);
  relays.stop(8);  // there is none
}

TEST_F(HubRelayStreams, AllStopWithTheConnection) {
  EXPECT_FALSE(relays.empty());
  relays.stop_all();
  EXPECT_TRUE(relays.empty());
  EXPECT_FALSE(source(4));
}

}  // namespace
}  // namespace hyps::hub
