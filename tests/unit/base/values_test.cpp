// The small values everything is made of: results, ids, units, digests, blobs, random numbers.
#include <gmock/gmock.h>

#include <map>

#include "common/base/blob.hpp"
#include "common/base/digest.hpp"
#include "common/base/ids.hpp"
#include "common/base/random.hpp"
#include "common/base/result.hpp"
#include "common/base/units.hpp"

namespace hyps {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{ErrorKind::invalid, std::to_string(number) + " is odd"};
  return number / 2;
}
Result<int> quarter(int number) {
  HYPS_TRY(const int once, half(number));
  HYPS_TRY(const int twice, half(once));
  return twice;
}
Status must_be_even(int number) {
  HYPS_CHECK(half(number));
  return {};
}

TEST(Result, carries_a_value_or_the_first_error) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).error().message, "3 is odd");
  EXPECT_EQ(quarter(6).error().about("cake").message, "cake: 3 is odd");
  EXPECT_TRUE(must_be_even(2).ok());
  EXPECT_EQ(must_be_even(1).error().kind, ErrorKind::invalid);
}

TEST(Result, of_an_error_is_never_a_value_even_for_texts) {
  const Result<std::string> text = std::string("fine");
  const Result<std::string> error = Error{ErrorKind::io, "disk full"};
  EXPECT_TRUE(text.ok());
  EXPECT_FALSE(error.ok());
  EXPECT_STREQ(to_string(error.error().kind), "io");
}

TEST(Names, are_short_and_safe_in_topics_and_paths) {
  for (const char* name : {"a", "vgg16", "w-1", "a.b_c", "0"}) EXPECT_TRUE(is_valid_name(name));
  for (const char* name : {"", ".", "..", ".a", "-a", "a/b", "a b", "a+", "#", "ü", "a\n"}) {
    EXPECT_FALSE(is_valid_name(name)) << name;
  }
  EXPECT_TRUE(is_valid_name(std::string(64, 'a')));
  EXPECT_FALSE(is_valid_name(std::string(65, 'a')));
  EXPECT_FALSE(is_valid_name(std::string("a\0b", 3)));
}

TEST(Units, of_bytes_are_binary) {
  const std::map<std::string, std::int64_t> cases{{"0", 0},
                                                  {"4096", 4096},
                                                  {"64M", 64 << 20},
                                                  {"64MB", 64 << 20},
                                                  {"64MiB", 64 << 20},
                                                  {"64 M", 64 << 20},
                                                  {"1.5G", 1536LL << 20},
                                                  {"2k", 2048}};
  for (const auto& [text, bytes] : cases) {
    const auto parsed = parse_bytes(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, bytes) << text;
  }
}

TEST(Units, of_counts_are_decimal) {
  EXPECT_EQ(parse_count("30M").value(), 30'000'000);
  EXPECT_EQ(parse_count("102.76M").value(), 102'760'000);
  EXPECT_EQ(parse_count("250k").value(), 250'000);
}

TEST(Units, refuse_what_is_no_number_of_them) {
  for (const char* text : {"", "M", "-1", "1X", "1MM", "nan", "inf", "1e30", "64M x", "9999999T"}) {
    EXPECT_FALSE(parse_bytes(text).ok()) << text;
    EXPECT_FALSE(parse_count(text).ok()) << text;
  }
}

TEST(Units, are_written_for_people) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(12'800'000), "12.2 MB");
  EXPECT_EQ(format_count(138'357'544), "138.36 M");
  EXPECT_EQ(format_count(12), "12");
}

TEST(Digests, in_pieces_equal_those_of_the_whole) {
  const std::string text(10'000, 'x');
  Digester digester;
  for (std::size_t at = 0; at < text.size(); at += 77) {
    digester.add(
        std::as_bytes(std::span(text)).subspan(at, std::min<std::size_t>(77, text.size() - at)));
  }
  EXPECT_EQ(digester.result(), digest_of(text));
  EXPECT_NE(digest_of(text), digest_of(text + "x"));
}

TEST(Digests, equal_the_published_ones) {
  EXPECT_EQ(digest_of("").hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(checksum_of({}), 0x2d06800538d394c2U);
}

TEST(Digests, round_trip_through_hex_and_refuse_anything_else) {
  const Digest digest = digest_of("hyps");
  EXPECT_EQ(Digest::from_hex(digest.hex()), digest);
  std::string hex = digest.hex();
  for (const std::string& bad : {std::string(), hex + "0", hex.substr(1), "+" + hex.substr(1),
                                 "g" + hex.substr(1), hex.substr(0, 31) + " "}) {
    EXPECT_EQ(Digest::from_hex(bad), std::nullopt) << bad;
  }
}

TEST(Blobs, share_their_bytes_and_keep_them_alive) {
  Blob slice;
  {
    const Blob whole = Blob::of(std::string("hello world"));
    slice = whole.slice(6, 5);
    EXPECT_EQ(slice.data(), whole.data() + 6);
  }
  EXPECT_EQ(slice.text(), "world");
  EXPECT_EQ(slice, Blob::copy_of("world"));
  EXPECT_TRUE(Blob().empty());
  EXPECT_EQ(Blob().slice(0, 0).size(), 0U);
}

TEST(Random, gives_the_published_sequence_on_every_machine) {
  Random random(1234567);  // the reference implementation's own example
  EXPECT_EQ(random.next(), 6457827717110365317U);
  EXPECT_EQ(random.next(), 3203168211198807973U);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(random.below(7), 7U);
    EXPECT_GE(random.between(-3, 3), -3);
    EXPECT_LT(random.real(), 1.0);
  }
}

}  // namespace
}  // namespace hyps
