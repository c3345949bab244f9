#include "common/protocol/parcel.hpp"

#include <gtest/gtest.h>

#include "common/protocol/codec.hpp"
#include "samples.hpp"

namespace hyps::protocol {
namespace {

std::vector<Blob> frames_of(const std::vector<Message>& messages) {
  std::vector<Blob> frames;
  for (const Message& message : messages) frames.push_back(encode(message));
  return frames;
}

// As frames, or the kind of error.
std::vector<std::string> unpacked(const Blob& packet) {
  std::vector<std::string> seen;
  unpack(packet, [&](const Result<Message>& message) {
    seen.push_back(message.ok() ? std::string(encode(*message).text())
                                : to_string(message.error().kind));
  });
  return seen;
}

std::vector<std::string> texts_of(const std::vector<Blob>& frames) {
  std::vector<std::string> texts;
  for (const Blob& frame : frames) texts.emplace_back(frame.text());
  return texts;
}

Chunk chunk_of(std::size_t bytes) {
  return {1, {}, 0, "x", 0, bytes, Blob::copy_of(std::string(bytes, 'x'))};
}

TEST(Parcel, brings_every_message_in_order) {
  const auto frames = frames_of(test::samples());
  const auto packets = pack(frames);
  ASSERT_EQ(packets.size(), 1U);
  EXPECT_EQ(unpacked(packets.front()), texts_of(frames));
}

TEST(Parcel, one_frame_alone_is_a_packet_as_it_is) {
  const Blob frame = encode(SayHello{});
  const auto packets = pack({frame});
  ASSERT_EQ(packets.size(), 1U);
  EXPECT_EQ(packets.front(), frame);
  EXPECT_EQ(unpacked(frame), (std::vector{std::string(frame.text())}));
  EXPECT_TRUE(pack({}).empty());
}

TEST(Parcel, is_never_above_its_bound_unless_one_frame_is) {
  for (const std::size_t bytes : {100U, 5000U, 16'000U, 32'700U, 65'536U, 200'000U}) {
    std::vector<Blob> frames;
    for (int i = 0; i < 40; ++i) {
      frames.push_back(encode(chunk_of(bytes)));
      frames.push_back(encode(SayHello{}));
    }
    std::vector<std::string> seen;
    const auto packets = pack(frames);
    for (const Blob& packet : packets) {
      const auto inside = unpacked(packet);
      EXPECT_TRUE(packet.size() <= kMaxParcelBytes || inside.size() == 1) << packet.size();
      seen.insert(seen.end(), inside.begin(), inside.end());
    }
    EXPECT_EQ(seen, texts_of(frames)) << bytes;
    if (bytes == 100) {
      EXPECT_EQ(packets.size(), 1U);
    }
  }
}

TEST(Parcel, what_follows_a_damaged_frame_is_dropped_with_it) {
  const Blob good = encode(SayHello{});
  const auto packets = pack({good, good, good});
  ASSERT_EQ(packets.size(), 1U);
  const std::string text(good.text());
  const std::string corrupt = to_string(ErrorKind::corrupt);
  for (std::size_t at = 0; at < packets.front().size(); ++at) {
    std::string damaged(packets.front().text());
    damaged[at] ^= 1;
    const auto seen = unpacked(Blob::of(damaged));
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.back(), corrupt) << at;
    for (std::size_t i = 0; i + 1 < seen.size(); ++i) EXPECT_EQ(seen[i], text);
    EXPECT_LE(seen.size(), 3U);
  }
}

TEST(Parcel, cut_short_gives_what_is_whole_and_says_so) {
  const Blob good = encode(SayHello{});
  const Blob packet = pack({good, good}).front();
  for (std::size_t size = 4; size < packet.size(); ++size) {
    const auto seen = unpacked(packet.slice(0, size));
    const std::size_t whole = (size - 4) / (4 + good.size());
    const bool is_clean = (size - 4) % (4 + good.size()) == 0;
    ASSERT_EQ(seen.size(), whole + (is_clean ? 0 : 1)) << size;
    if (!is_clean) {
      EXPECT_EQ(seen.back(), to_string(ErrorKind::corrupt));
    }
  }
}

TEST(Parcel, holds_no_parcel) {
  const Blob inner = pack({encode(SayHello{}), encode(SayHello{})}).front();
  const auto seen = unpacked(pack({inner, encode(SayHello{})}).front());
  EXPECT_EQ(seen, (std::vector<std::string>{to_string(ErrorKind::corrupt)}));
}

TEST(Parcel, larger_than_any_that_is_packed_is_one_error) {
  const Blob frame = encode(SayHello{});
  std::string text = "HYPP";
  while (text.size() <= kMaxParcelBytes) {
    text += static_cast<char>(frame.size());
    text += std::string(3, '\0');
    text += frame.text();
  }
  EXPECT_EQ(unpacked(Blob::of(text)), (std::vector<std::string>{to_string(ErrorKind::corrupt)}));
  text.resize(text.size() - 4 - frame.size());
  EXPECT_GT(unpacked(Blob::of(text)).size(), 100U);
}

TEST(Parcel, what_is_no_packet_is_one_error) {
  for (const std::string_view text : {"nonsense", "", "HYP"}) {
    EXPECT_EQ(unpacked(Blob::copy_of(text)),
              (std::vector<std::string>{to_string(ErrorKind::corrupt)}));
  }
}

}  // namespace
}  // namespace hyps::protocol
