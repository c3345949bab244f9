#include "common/protocol/codec.hpp"

#include <gmock/gmock.h>

#include <set>

#include "tests/unit/protocol/samples.hpp"

namespace hyps::protocol {
namespace {

using test::sample_task;
using test::samples;

// The example of FORMAT.md is the golden frame.
std::string bytes_of_hex(std::string_view hex) {
  std::string bytes;
  std::string digits;
  for (const char c : hex) {
    if (c != ' ' && c != '\n') digits += c;
    if (digits.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(digits, nullptr, 16));
    digits.clear();
  }
  return bytes;
}

// An independent writer of the head, for frames no encoder makes.
Blob framed(std::string_view version_type_body) {
  std::string frame = "HYPS";
  std::uint64_t checksum = checksum_of(std::as_bytes(std::span(version_type_body)));
  for (int i = 0; i < 8; ++i, checksum >>= 8U) frame += static_cast<char>(checksum & 0xffU);
  return Blob::of(frame.append(version_type_body));
}

template <typename T>
ErrorKind kind_of(const Result<T>& result) {
  EXPECT_FALSE(result.ok());
  return result.ok() ? ErrorKind::io : result.error().kind;
}

TEST(Codec, samples_cover_every_type) {
  std::set<std::size_t> types;
  for (const Message& message : samples()) types.insert(message.index());
  EXPECT_EQ(types.size(), std::variant_size_v<Message::variant>);
}

class EveryMessage : public testing::TestWithParam<std::size_t> {};

TEST_P(EveryMessage, comes_back_as_it_was) {
  const Message message = samples()[GetParam()];
  const Blob frame = encode(message);
  const auto decoded = decode(frame);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->index(), message.index());
  // Every field has a value of its own in the samples, so equal bytes mean equal fields.
  EXPECT_EQ(encode(*decoded), frame);
}

TEST_P(EveryMessage, cut_short_or_lengthened_with_a_right_checksum_is_refused) {
  const Blob frame = encode(samples()[GetParam()]);
  const std::string checked(frame.text().substr(12));
  for (std::size_t size = 2; size < checked.size(); ++size) {
    EXPECT_EQ(kind_of(decode(framed(checked.substr(0, size)))), ErrorKind::invalid) << size;
  }
  EXPECT_EQ(kind_of(decode(framed(checked + "x"))), ErrorKind::invalid);
}

INSTANTIATE_TEST_SUITE_P(Codec, EveryMessage, testing::Range<std::size_t>(0, 22));

TEST(Codec, a_worker_record_keeps_each_field) {
  const auto decoded = decode(encode(Hello{test::sample_worker()}));
  ASSERT_TRUE(decoded.ok());
  const WorkerInfo& info = std::get<Hello>(*decoded).info;
  EXPECT_EQ(info.id, WorkerId("w1"));
  EXPECT_EQ(info.incarnation, 0xfedcba9876543210);
  EXPECT_EQ(info.memory_bytes, 256U << 20U);
  EXPECT_EQ(info.cores, 4U);
  EXPECT_TRUE(info.safe_zone);
  EXPECT_EQ(info.isa, "avx512");
  EXPECT_EQ(info.version, "0.1.0");
  EXPECT_EQ(info.max_batch, 8U);
}

TEST(Codec, writes_the_bytes_that_the_format_page_shows) {
  const Blob frame = encode(Stored{sample_task()});
  EXPECT_EQ(frame.text(), bytes_of_hex("48 59 50 53  8c 44 6a 53 a6 97 34 87  01 06"
                                       "02 00 00 00 6a 31"
                                       "0c 00 00 00 6e 65 74 40 30 62 61 64 63 61 66 65"
                                       "03 00 00 00 76 30 32"));
}

TEST(Codec, blobs_are_slices_of_the_frame) {
  const Blob frame = encode(Chunk{1, sample_task(), 1, "x", 0, 9, Blob::copy_of("123456789")});
  const auto decoded = decode(frame);
  ASSERT_TRUE(decoded.ok());
  const Blob& data = std::get<Chunk>(*decoded).data;
  EXPECT_EQ(data.text(), "123456789");
  EXPECT_GE(data.data(), frame.data());
  EXPECT_LE(data.data() + data.size(), frame.data() + frame.size());
}

TEST(Codec, tells_foreign_damaged_and_newer_frames_apart) {
  EXPECT_EQ(kind_of(decode({})), ErrorKind::corrupt);
  EXPECT_EQ(kind_of(decode(Blob::copy_of("hello, this is no frame"))), ErrorKind::corrupt);
  EXPECT_EQ(kind_of(decode(Blob::copy_of("HYPS"))), ErrorKind::corrupt);
  std::string damaged(encode(Stored{sample_task()}).text());
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  EXPECT_EQ(kind_of(decode(Blob::of(damaged))), ErrorKind::corrupt);
  EXPECT_EQ(kind_of(decode(framed("\x02\x06"))), ErrorKind::unsupported);
  EXPECT_EQ(kind_of(decode(framed("\x01\xff"))), ErrorKind::unsupported);
  EXPECT_EQ(kind_of(decode(Blob::of(std::string(kMaxFrameBytes + 1, 'x')))), ErrorKind::invalid);
}

TEST(Codec, refuses_a_truth_value_that_is_neither) {
  std::string failed(encode(TaskFailed{{}, 0, true, ""}).text().substr(12));
  failed[failed.size() - 5] = 2;
  EXPECT_EQ(kind_of(decode(framed(failed))), ErrorKind::invalid);
}

}  // namespace
}  // namespace hyps::protocol
