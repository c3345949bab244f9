#include "common/service/compressor.hpp"

#include <gtest/gtest.h>

#include "common/base/random.hpp"
#include "common/protocol/codec.hpp"
#include "common/protocol/stream.hpp"

namespace hyps::service {
namespace {

constexpr double kSlow = 12.5e6;
constexpr double kFast = 1e12;

// Half of its numbers are 0.
Blob feature_map(std::size_t count) {
  Random random(1);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = std::max(0.0F, random.uniform(-4, 4));
  return Blob::of(std::move(numbers));
}

class CompressorTest : public testing::Test {
 protected:
  // The bytes of data that go on the way; what arrives is checked.
  std::uint64_t send(Compressor& compressor, const Blob& data, double further = 0) {
    sent.reset();
    const auto encode =
        compressor.encoder(task, "t", "w1", further, [this](Sent end) { sent = end; });
    protocol::StreamWriter writer(++stream, task, 1, "t", data);
    protocol::StreamReader reader(data.size(), data.size());
    std::uint64_t wire = 0;
    while (auto chunk = writer.next(64U << 10U)) {
      EXPECT_FALSE(sent) << "not before the last chunk";
      const auto message = protocol::decode(encode(std::move(*chunk)));
      const auto& arrived = std::get<protocol::Chunk>(*message);
      wire += arrived.data.size();
      const auto arrival = reader.accept("hub", arrived, Milliseconds(0));
      EXPECT_TRUE(arrival.ok());
      if (!*arrival) continue;
      EXPECT_TRUE((*arrival)->data == data);
      EXPECT_EQ((*arrival)->digest, digest_of(data.bytes()));
      EXPECT_EQ((*arrival)->wire_bytes, wire);
    }
    return wire;
  }

  const protocol::TaskKey task{JobId("j"), PlanId("p"), PartitionName("v1")};
  const Blob large = feature_map(200'000);
  std::uint64_t stream = 0;
  std::optional<Sent> sent;
  double link = 0;
  std::function<double()> rate = [this] { return link; };
};

TEST_F(CompressorTest, CompressesAlwaysOrNeverWhenToldSo) {
  Compressor on("on", rate);
  EXPECT_LT(send(on, large), large.size() / 2);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->bytes, large.size());
  EXPECT_LT(sent->wire_bytes, large.size() / 2);
  Compressor off("off", rate);
  link = kSlow;
  EXPECT_EQ(send(off, large), large.size());
  EXPECT_EQ(sent->wire_bytes, large.size());
}

TEST_F(CompressorTest, CompressesOnceTheLinkIsKnownToBeSlow) {
  Compressor compressor("auto", rate);
  EXPECT_EQ(send(compressor, large), large.size()) << "nothing is known yet";
  link = 1e3;  // of any machine that runs this test the processor is faster
  for (int i = 0; i < 1000 && send(compressor, large) > large.size() / 2; ++i) {
  }
  EXPECT_LT(send(compressor, large), large.size() / 2);
  link = kFast;
  (void)send(compressor, large);
  EXPECT_EQ(send(compressor, large), large.size());
}

TEST_F(CompressorTest, TheSlowestPartOfTheWayCounts) {
  Compressor compressor("auto", rate);
  link = kFast;
  for (int i = 0; i < 1000 && send(compressor, large, 1e3) > large.size() / 2; ++i) {
  }
  EXPECT_LT(send(compressor, large, 1e3), large.size() / 2);
}

TEST_F(CompressorTest, SmallFeatureMapsGoAsTheyAre) {
  Compressor on("on", rate);
  const Blob small = feature_map((Compressor::kLeastBytes - 4) / 4);
  EXPECT_EQ(send(on, small), small.size());
  EXPECT_FALSE(sent);
}

TEST_F(CompressorTest, WhatBecomesNoSmallerGoesAsItIs) {
  Compressor on("on", rate);
  std::string noise(300'000, 'x');
  Random random(2);
  for (char& byte : noise) byte = static_cast<char>(random.next());
  EXPECT_EQ(send(on, Blob::of(noise)), noise.size());
}

}  // namespace
}  // namespace hyps::service
