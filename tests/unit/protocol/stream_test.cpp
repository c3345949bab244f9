#include "common/protocol/stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "common/base/random.hpp"
#include "tests/unit/protocol/samples.hpp"

namespace hyps::protocol {
namespace {

constexpr std::size_t kMax = 1'000'000;

std::string pattern(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::string text(size, '\0');
  std::generate(text.begin(), text.end(), [&] { return static_cast<char>(random.next()); });
  return text;
}

std::vector<Chunk> chunks_of(const std::string& data, std::size_t size, std::uint64_t stream = 1,
                             const std::string& tensor = "x") {
  StreamWriter writer(stream, test::sample_task(), 3, tensor, Blob::copy_of(data));
  std::vector<Chunk> chunks;
  while (auto chunk = writer.next(size)) chunks.push_back(std::move(*chunk));
  return chunks;
}

// Feeds all; returns what arrived.
std::vector<Arrival> feed(StreamReader& reader, const std::vector<Chunk>& chunks,
                          const std::string& sender = "w1") {
  std::vector<Arrival> arrivals;
  for (const Chunk& chunk : chunks) {
    auto result = reader.accept(sender, chunk, Milliseconds(0));
    EXPECT_TRUE(result.ok()) << result.error().message;
    if (result.ok() && *result) arrivals.push_back(std::move(**result));
  }
  return arrivals;
}

// Of numbers, of which half are 0.
std::string numbers(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_zero = random.below(2) == 0;
    bytes += is_zero ? std::string(4, '\0') : pattern(4, random.next());
  }
  return bytes;
}

std::vector<Chunk> compressed_chunks_of(const std::string& data, std::size_t size) {
  std::vector<Chunk> chunks = chunks_of(data, size);
  for (Chunk& chunk : chunks) chunk = compressed(std::move(chunk));
  return chunks;
}

TEST(Streams, compressed_chunks_arrive_as_they_were_among_others) {
  for (const std::size_t size : {400U, 1000U, 5000U, 5001U}) {
    const std::string data = numbers(1250, size) + "x";
    std::vector<Chunk> chunks = compressed_chunks_of(data, size);
    const std::vector<Chunk> as_they_are = chunks_of(data, size);
    for (std::size_t i = 1; i < chunks.size(); i += 2) chunks[i] = as_they_are[i];
    EXPECT_NE(chunks[0].raw_bytes, 0U);
    EXPECT_LT(chunks[0].data.size(), as_they_are[0].data.size());
    std::uint64_t wire_bytes = 0;
    for (const Chunk& chunk : chunks) wire_bytes += chunk.data.size();
    StreamReader reader(kMax, kMax);
    std::vector<Chunk> doubled;
    for (const Chunk& chunk : chunks) doubled.insert(doubled.end(), {chunk, chunk});
    doubled.pop_back();  // it would begin anew where all is one chunk
    const auto arrivals = feed(reader, doubled);
    ASSERT_EQ(arrivals.size(), 1U);
    EXPECT_EQ(arrivals[0].data.text(), data);
    EXPECT_EQ(arrivals[0].digest, digest_of(std::string_view(data)));
    EXPECT_EQ(arrivals[0].wire_bytes, wire_bytes);
    EXPECT_EQ(reader.bytes(), 0U);
  }
}

TEST(Streams, what_becomes_no_smaller_stays_as_it_is) {
  const Chunk chunk = chunks_of(pattern(1000, 1), 1000)[0];
  EXPECT_EQ(compressed(chunk).raw_bytes, 0U);
  EXPECT_EQ(compressed(chunk).data, chunk.data);
  const Chunk smaller = compressed(chunks_of(numbers(250, 1), 1000)[0]);
  ASSERT_NE(smaller.raw_bytes, 0U);
  EXPECT_EQ(compressed(smaller).data, smaller.data) << "not twice";
}

TEST(Streams, a_compressed_chunk_that_is_damaged_drops_the_stream) {
  const std::string data = numbers(500, 1);
  const auto expect_dropped = [&](const std::function<void(Chunk&)>& damage) {
    StreamReader reader(kMax, kMax);
    std::vector<Chunk> chunks = compressed_chunks_of(data, 1000);
    ASSERT_TRUE(reader.accept("w1", chunks[0], Milliseconds(0)).ok());
    const auto arriving = reader.find("w1", 1);
    damage(chunks[1]);
    EXPECT_EQ(reader.accept("w1", chunks[1], Milliseconds(0)).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(reader.bytes(), 0U);
    EXPECT_TRUE(arriving->abandoned());
    EXPECT_EQ(arriving->filled(), 1000U) << "nothing of it is passed on";
  };
  expect_dropped([](Chunk& c) { c.data = c.data.slice(0, c.data.size() - 1); });
  expect_dropped([](Chunk& c) { c.data = Blob::copy_of("no such thing"); });
  expect_dropped([](Chunk& c) { c.data = {}; });
  expect_dropped([](Chunk& c) { c.raw_bytes -= 4; });
  expect_dropped([](Chunk& c) { c.raw_bytes += 4; });
  expect_dropped([](Chunk& c) { c.raw_bytes = UINT64_MAX; });
  expect_dropped([](Chunk& c) { c.offset -= 4; });
}

// The room for what is decompressed is that of the stream, which is bounded.
TEST(Streams, a_few_bytes_that_promise_many_take_no_more_than_was_announced) {
  StreamReader reader(1000, 1000);
  Chunk bomb = compressed(chunks_of(std::string(500'000, '\0'), 500'000)[0]);
  EXPECT_LT(bomb.data.size(), 1000U);
  EXPECT_EQ(reader.accept("w1", bomb, Milliseconds(0)).error().kind, ErrorKind::overloaded);
  bomb.total = 1000;
  EXPECT_EQ(reader.accept("w1", bomb, Milliseconds(0)).error().kind, ErrorKind::corrupt);
  bomb.raw_bytes = 1000;
  EXPECT_EQ(reader.accept("w1", bomb, Milliseconds(0)).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(reader.bytes(), 0U);
}

TEST(Streams, every_size_arrives_as_it_was_for_every_chunk_size) {
  for (const std::size_t size : {0U, 1U, 2U, 63U, 64U, 65U, 1000U}) {
    for (const std::size_t chunk : {0U, 1U, 7U, 64U, 5000U}) {
      StreamReader reader(kMax, kMax);
      const std::string data = pattern(size, size);
      const auto arrivals = feed(reader, chunks_of(data, chunk));
      ASSERT_EQ(arrivals.size(), 1U) << size << " in chunks of " << chunk;
      EXPECT_EQ(arrivals[0].data.text(), data);
      EXPECT_EQ(arrivals[0].digest, digest_of(std::string_view(data)));
      EXPECT_EQ(arrivals[0].stream, 1U);
      EXPECT_EQ(arrivals[0].task, test::sample_task());
      EXPECT_EQ(arrivals[0].epoch, 3U);
      EXPECT_EQ(arrivals[0].tensor, "x");
      EXPECT_EQ(reader.bytes(), 0U);
    }
  }
}

TEST(Streams, what_is_there_can_be_read_while_the_rest_arrives) {
  StreamReader reader(kMax, kMax);
  const std::string data = pattern(100, 1);
  const auto chunks = chunks_of(data, 30);
  EXPECT_EQ(reader.find("w1", 1), nullptr);
  std::shared_ptr<const Assembly> arriving;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    ASSERT_TRUE(reader.accept("w1", chunks[i], Milliseconds(0)).ok());
    if (i == 0) arriving = reader.find("w1", 1);
    ASSERT_NE(arriving, nullptr);
    const std::size_t there = std::min<std::size_t>(30 * (i + 1), 100);
    EXPECT_EQ(arriving->filled(), there);
    EXPECT_EQ(Assembly::part(arriving, 0, there).text(), data.substr(0, there));
  }
  EXPECT_EQ(arriving->size(), 100U);
  EXPECT_FALSE(arriving->abandoned());
  EXPECT_EQ(reader.find("w1", 1), nullptr) << "it has ended";
}

TEST(Streams, what_will_not_become_whole_is_abandoned) {
  const auto chunks = chunks_of(pattern(100, 1), 30);
  const auto expect_abandoned = [&](const std::function<void(StreamReader&)>& happens) {
    StreamReader reader(kMax, kMax);
    feed(reader, {chunks[0]});
    const auto arriving = reader.find("w1", 1);
    ASSERT_NE(arriving, nullptr);
    EXPECT_FALSE(arriving->abandoned());
    happens(reader);
    EXPECT_TRUE(arriving->abandoned());
  };
  expect_abandoned([&](auto& reader) { (void)reader.accept("w1", chunks[2], Milliseconds(0)); });
  expect_abandoned([](auto& reader) { (void)feed(reader, {chunks_of("abcdef", 2, 1, "y")[0]}); });
  expect_abandoned([](auto& reader) { reader.drop_sender("w1"); });
  expect_abandoned(
      [](auto& reader) { (void)reader.expire(Milliseconds(10'000), Milliseconds(10)); });
}

TEST(Streams, an_empty_tensor_is_one_empty_chunk) {
  EXPECT_EQ(chunks_of("", 64).size(), 1U);
  EXPECT_EQ(chunks_of("abc", 2).size(), 2U);
}

TEST(Streams, of_two_senders_with_the_same_number_do_not_mix) {
  StreamReader reader(kMax, kMax);
  const auto a = chunks_of("aaaa", 1);
  const auto b = chunks_of("bbbb", 1);
  for (std::size_t i = 0; i < 3; ++i) {
    feed(reader, {a[i]}, "w1");
    feed(reader, {b[i]}, "w2");
  }
  EXPECT_EQ(reader.bytes(), 8U);
  EXPECT_EQ(feed(reader, {a[3]}, "w1")[0].data.text(), "aaaa");
  EXPECT_EQ(feed(reader, {b[3]}, "w2")[0].data.text(), "bbbb");
}

TEST(Streams, duplicates_are_ignored_also_after_the_end) {
  StreamReader reader(kMax, kMax);
  std::vector<Chunk> doubled;
  const auto chunks = chunks_of(pattern(100, 4), 9);
  for (const Chunk& chunk : chunks) doubled.insert(doubled.end(), {chunk, chunk});
  EXPECT_EQ(feed(reader, doubled).size(), 1U);
  EXPECT_EQ(feed(reader, {chunks.back(), chunks[1]}).size(), 0U);
}

TEST(Streams, chunks_that_overlap_add_only_what_is_new) {
  StreamReader reader(kMax, kMax);
  const std::string data = pattern(100, 5);
  const auto small = chunks_of(data, 30);
  const auto large = chunks_of(data, 40);
  EXPECT_EQ(feed(reader, {small[0], small[1], large[0], large[1]}).size(), 0U);
  const auto arrivals = feed(reader, {large[2]});
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(arrivals[0].data.text(), data);
}

TEST(Streams, with_a_gap_are_dropped_and_said_so_once) {
  StreamReader reader(kMax, kMax);
  const auto chunks = chunks_of(pattern(100, 6), 20);
  feed(reader, {chunks[0], chunks[1]});
  const auto gap = reader.accept("w1", chunks[3], Milliseconds(0));
  ASSERT_FALSE(gap.ok());
  EXPECT_EQ(gap.error().kind, ErrorKind::corrupt);
  EXPECT_EQ(reader.bytes(), 0U);
  EXPECT_EQ(feed(reader, {chunks[4], chunks[2]}).size(), 0U);  // silent
  EXPECT_EQ(feed(reader, chunks).size(), 1U);                  // sent again
}

TEST(Streams, without_a_beginning_are_corrupt) {
  StreamReader reader(kMax, kMax);
  const auto result = reader.accept("w1", chunks_of("abcdef", 2)[1], Milliseconds(0));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::corrupt);
}

TEST(Streams, a_number_used_again_for_another_tensor_begins_anew) {
  StreamReader reader(kMax, kMax);
  feed(reader, {chunks_of(pattern(100, 7), 20)[0]});
  const std::string data = pattern(50, 8);
  const auto arrivals = feed(reader, chunks_of(data, 20, 1, "y"));
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(arrivals[0].data.text(), data);
  EXPECT_EQ(reader.bytes(), 0U);
}

TEST(Streams, lengths_that_lie_are_refused_without_overflow) {
  StreamReader reader(kMax, kMax);
  Chunk chunk = chunks_of("abcdef", 6)[0];
  for (const std::uint64_t offset : {std::uint64_t{1}, ~std::uint64_t{0}, ~std::uint64_t{0} - 5}) {
    chunk.offset = offset;
    const auto result = reader.accept("w1", chunk, Milliseconds(0));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, ErrorKind::corrupt);
  }
  chunk.offset = 0;
  chunk.total = ~std::uint64_t{0};
  const auto result = reader.accept("w1", chunk, Milliseconds(0));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::overloaded);
  EXPECT_EQ(reader.bytes(), 0U);
}

TEST(Streams, in_all_are_bounded_by_what_they_announce) {
  StreamReader reader(100, 150);
  const auto a = chunks_of(pattern(100, 1), 10, 1);
  const auto b = chunks_of(pattern(100, 2), 10, 2);
  feed(reader, {a[0]});
  const auto refused = reader.accept("w1", b[0], Milliseconds(0));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::overloaded);
  feed(reader, a);
  EXPECT_EQ(feed(reader, b).size(), 1U);  // there is room again
}

TEST(Streams, that_never_get_further_are_bounded_in_number) {
  StreamReader reader(kMax, kMax);
  Chunk chunk = chunks_of("ab", 2)[0];
  chunk.data = {};
  bool refused = false;
  for (chunk.stream = 0; chunk.stream < 5000; ++chunk.stream) {
    refused = !reader.accept("w1", chunk, Milliseconds(0)).ok();
  }
  EXPECT_TRUE(refused);
}

TEST(Streams, without_news_expire_and_say_what_they_were) {
  StreamReader reader(kMax, kMax);
  const auto old = chunks_of(pattern(100, 1), 10, 1, "old");
  const auto fresh = chunks_of(pattern(100, 2), 10, 2, "fresh");
  (void)reader.accept("w1", old[0], Milliseconds(0));
  (void)reader.accept("w1", fresh[0], Milliseconds(0));
  (void)reader.accept("w1", fresh[1], Milliseconds(900));
  const auto expired = reader.expire(Milliseconds(1000), Milliseconds(500));
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired[0].tensor, "old");
  EXPECT_TRUE(expired[0].data.empty());
  EXPECT_EQ(reader.bytes(), 100U);
}

TEST(Streams, of_a_sender_that_left_are_dropped) {
  StreamReader reader(kMax, kMax);
  const auto chunks = chunks_of(pattern(100, 1), 10);
  feed(reader, {chunks[0]}, "w1");
  feed(reader, {chunks[0]}, "w2");
  reader.drop_sender("w1");
  EXPECT_EQ(reader.bytes(), 100U);
  EXPECT_FALSE(reader.accept("w1", chunks[1], Milliseconds(0)).ok());
  EXPECT_TRUE(reader.accept("w2", chunks[1], Milliseconds(0)).ok());
}

// Whatever is lost, doubled or delayed, what arrives is right, and the bytes held stay bounded.
TEST(Streams, never_deliver_wrong_bytes_under_loss_and_disorder) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    StreamReader reader(kMax, 4000);
    std::vector<std::string> data;
    std::vector<Chunk> all;
    for (std::uint64_t stream = 0; stream < 5; ++stream) {
      data.push_back(pattern(random.below(1000), seed * 10 + stream));
      for (Chunk& chunk : chunks_of(data.back(), 1 + random.below(200), stream)) {
        if (random.below(20) == 0) continue;
        all.push_back(chunk);
        if (random.below(10) == 0) all.push_back(chunk);
      }
    }
    for (int swap = 0; swap < 3 && all.size() > 1; ++swap) {
      const std::size_t at = random.below(all.size() - 1);
      std::swap(all[at], all[at + 1]);
    }
    for (const Chunk& chunk : all) {
      const auto result = reader.accept("w1", chunk, Milliseconds(0));
      if (result.ok() && result.value()) {
        EXPECT_EQ(result.value()->data.text(), data[chunk.stream]) << seed;
      }
      EXPECT_LE(reader.bytes(), 4000U);
    }
  }
}

}  // namespace
}  // namespace hyps::protocol
