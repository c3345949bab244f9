#include "common/bus/lanes.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "common/base/random.hpp"

namespace hyps::bus {
namespace {

constexpr Milliseconds kNow{0};

Message message_of(const std::string& text, const std::string& topic = "t") {
  return {.topic = topic, .payload = Blob::copy_of(text)};
}

// Frames of the size asked for, `count` of them.
Source source_of(int count, char letter = 'x') {
  return [count, letter](std::size_t bytes) mutable -> std::optional<Blob> {
    if (count-- == 0) return std::nullopt;
    return Blob::of(std::string(bytes, letter));
  };
}

// What the bus's thread does to send one: control first, else the bulk source whose turn it is.
std::optional<Lanes::Next> send_next(Lanes& lanes) {
  if (auto control = lanes.next_control(kNow)) return control;
  while (auto bulk = lanes.take_bulk()) {
    auto frame = bulk->source(bulk->bytes);
    if (!frame) continue;
    return lanes.add_chunk(std::move(*bulk), std::move(*frame), kNow).value();
  }
  return std::nullopt;
}

std::vector<Lanes::Next> send_all(Lanes& lanes) {
  std::vector<Lanes::Next> sent;
  while (auto next = send_next(lanes)) sent.push_back(std::move(*next));
  return sent;
}

std::vector<std::string> topics_of(const std::vector<Message>& messages) {
  std::vector<std::string> topics;
  for (const Message& message : messages) topics.push_back(message.topic);
  return topics;
}

TEST(Lanes, bounds_what_waits_by_number) {
  Lanes lanes(3, 1 << 20);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(lanes.add_control(message_of("x")).ok());
  EXPECT_EQ(lanes.add_control(message_of("x")).error().kind, ErrorKind::overloaded);
  ASSERT_TRUE(lanes.next_control(kNow));
  EXPECT_TRUE(lanes.add_control(message_of("x")).ok());
}

TEST(Lanes, bounds_what_waits_by_bytes_properties_included) {
  Lanes lanes(1000, 100);
  Message message = message_of(std::string(40, 'x'));
  message.correlation = std::string(30, 'c');
  EXPECT_TRUE(lanes.add_control(message).ok());
  EXPECT_EQ(lanes.add_control(message).error().kind, ErrorKind::overloaded);
  EXPECT_TRUE(lanes.add_control(message_of("x")).ok());
}

TEST(Lanes, bounds_the_bulk_sources) {
  Lanes lanes(10, 1000);
  for (std::size_t i = 0; i < Lanes::kMaxSources; ++i) {
    ASSERT_TRUE(lanes.add_bulk("b", source_of(1)).ok());
  }
  EXPECT_EQ(lanes.add_bulk("b", source_of(1)).error().kind, ErrorKind::overloaded);
}

TEST(Lanes, a_source_that_has_nothing_yet_is_asked_again_when_woken) {
  Lanes lanes(10, 1 << 20);
  ASSERT_TRUE(lanes.add_bulk("slow", source_of(1)).ok());
  lanes.put_aside(*lanes.take_bulk());
  EXPECT_FALSE(lanes.take_bulk()) << "it is asleep";
  ASSERT_TRUE(lanes.add_bulk("quick", source_of(1)).ok());
  EXPECT_EQ(send_next(lanes)->message.topic, "quick");
  lanes.wake();
  EXPECT_EQ(send_next(lanes)->message.topic, "slow");
}

TEST(Lanes, a_source_woken_while_it_is_asked_does_not_sleep) {
  Lanes lanes(10, 1 << 20);
  ASSERT_TRUE(lanes.add_bulk("slow", source_of(1)).ok());
  auto bulk = lanes.take_bulk();
  lanes.wake();
  lanes.put_aside(std::move(*bulk));
  EXPECT_TRUE(lanes.take_bulk());
}

TEST(Lanes, sources_asleep_count_and_go_with_the_connection) {
  Lanes lanes(10, 1000);
  for (std::size_t i = 0; i < Lanes::kMaxSources; ++i) {
    ASSERT_TRUE(lanes.add_bulk("b", source_of(1)).ok());
    lanes.put_aside(*lanes.take_bulk());
  }
  EXPECT_EQ(lanes.add_bulk("b", source_of(1)).error().kind, ErrorKind::overloaded);
  EXPECT_TRUE(lanes.lost().empty());
  lanes.wake();
  EXPECT_FALSE(lanes.take_bulk());
}

// Paho takes a second to come back to a message that the socket has taken a part of.
TEST(Lanes, nothing_goes_that_the_socket_does_not_take_whole) {
  Lanes lanes(10, 1 << 20);
  ASSERT_TRUE(lanes.add_control(message_of(std::string(20'000, 'x'))).ok());
  ASSERT_TRUE(lanes.add_bulk("bulk", source_of(1)).ok());
  const Room little{10'000, 50'000};
  EXPECT_FALSE(lanes.next_control(kNow, little));
  EXPECT_FALSE(lanes.take_bulk(little)) << "control comes first";
  EXPECT_TRUE(lanes.waits_for_socket());
  EXPECT_TRUE(lanes.next_control(kNow, {30'000, 50'000}));
  EXPECT_FALSE(lanes.take_bulk(little)) << "not in small packets";
  const auto bulk = lanes.take_bulk({26'024, 50'000});
  ASSERT_TRUE(bulk);
  EXPECT_EQ(bulk->bytes, 25'000U) << "the rest of it is for heads";
  EXPECT_FALSE(lanes.waits_for_socket());
}

TEST(Lanes, what_is_larger_than_the_socket_goes_when_that_is_as_good_as_empty) {
  Lanes lanes(10, 1 << 20);
  ASSERT_TRUE(lanes.add_control(message_of(std::string(20'000, 'x'))).ok());
  EXPECT_FALSE(lanes.next_control(kNow, {8'749, 10'000}));
  EXPECT_TRUE(lanes.next_control(kNow, {8'750, 10'000}));  // an acknowledgement is on its way
  ASSERT_TRUE(lanes.add_bulk("bulk", source_of(1)).ok());
  EXPECT_EQ(lanes.take_bulk({10'000, 10'000})->bytes, 8'976U);
}

TEST(Lanes, sends_control_in_order_and_before_bulk) {
  Lanes lanes(10, 1 << 20);
  ASSERT_TRUE(lanes.add_bulk("bulk", source_of(1)).ok());
  ASSERT_TRUE(lanes.add_control(message_of("1")).ok());
  ASSERT_TRUE(lanes.add_control(message_of("2")).ok());
  const auto sent = send_all(lanes);
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[0].message.payload.text(), "1");
  EXPECT_EQ(sent[1].message.payload.text(), "2");
  EXPECT_EQ(sent[2].message.topic, "bulk");
}

TEST(Lanes, keeps_at_most_sixteen_in_flight) {
  Lanes lanes(100, 1 << 20);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(lanes.add_control(message_of("x")).ok());
  const auto sent = send_all(lanes);
  ASSERT_EQ(sent.size(), Lanes::kMaxInFlight);
  lanes.ended(sent[3].serial, kNow);
  lanes.ended(sent[3].serial, kNow);  // twice changes nothing
  lanes.ended(999'999, kNow);         // of another connection
  EXPECT_EQ(send_all(lanes).size(), 1U);
}

TEST(Lanes, keeps_at_most_a_megabyte_of_control_in_flight_but_a_large_one_goes_alone) {
  Lanes lanes(100, 64U << 20U);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(lanes.add_control(message_of(std::string(2'000'000, 'x'))).ok());
  }
  const auto first = send_all(lanes);
  ASSERT_EQ(first.size(), 1U);
  lanes.ended(first[0].serial, kNow);
  EXPECT_EQ(send_all(lanes).size(), 1U);
}

TEST(Lanes, large_control_messages_leave_room_for_bulk) {
  Lanes lanes(100, 64U << 20U);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(lanes.add_control(message_of(std::string(250'000, 'x'))).ok());
  }
  ASSERT_TRUE(lanes.add_bulk("bulk", source_of(10)).ok());
  const auto sent = send_all(lanes);
  const auto bulk = std::count_if(sent.begin(), sent.end(),
                                  [](const auto& next) { return next.message.topic == "bulk"; });
  EXPECT_EQ(bulk, static_cast<std::ptrdiff_t>(Window::kChunks));
}

TEST(Lanes, serves_bulk_sources_in_turn_and_forgets_those_that_are_through) {
  Lanes lanes(10, 1000);
  ASSERT_TRUE(lanes.add_bulk("a", source_of(2)).ok());
  ASSERT_TRUE(lanes.add_bulk("b", source_of(1)).ok());
  std::string order;
  while (auto next = send_next(lanes)) {
    order += next->message.topic;
    lanes.ended(next->serial, kNow);
  }
  EXPECT_EQ(order, "aba");
  EXPECT_FALSE(lanes.take_bulk());
}

TEST(Lanes, bulk_stops_at_its_window_and_goes_on_at_acknowledgements) {
  Lanes lanes(10, 1000);
  ASSERT_TRUE(lanes.add_bulk("b", source_of(100)).ok());
  const auto sent = send_all(lanes);
  EXPECT_EQ(sent.size(), Window::kChunks);
  lanes.ended(sent[0].serial, Milliseconds(100));
  EXPECT_EQ(send_all(lanes).size(), 1U);
}

TEST(Lanes, lost_puts_control_back_in_its_order_before_what_waits) {
  Lanes lanes(100, 1 << 20);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(lanes.add_control(message_of(std::to_string(i))).ok());
  const auto sent = send_all(lanes);
  lanes.ended(sent[0].serial, kNow);
  lanes.ended(sent[5].serial, kNow);
  EXPECT_TRUE(lanes.lost().empty());
  std::vector<std::string> again;
  while (auto next = lanes.next_control(kNow)) {
    again.emplace_back(next->message.payload.text());
    lanes.ended(next->serial, kNow);
  }
  std::vector<std::string> expected;
  for (int i = 1; i < 20; ++i) {
    if (i != 5) expected.push_back(std::to_string(i));
  }
  EXPECT_EQ(again, expected);
  EXPECT_TRUE(lanes.control_idle());
}

TEST(Lanes, lost_drops_bulk_and_forgets_its_window) {
  Lanes lanes(10, 1 << 20);
  ASSERT_TRUE(lanes.add_bulk("b", source_of(100)).ok());
  const auto sent = send_all(lanes);
  lanes.lost();
  EXPECT_FALSE(lanes.take_bulk());
  for (const auto& next : sent) lanes.ended(next.serial, kNow);  // late words change nothing
  ASSERT_TRUE(lanes.add_bulk("b", source_of(100)).ok());
  EXPECT_EQ(send_all(lanes).size(), Window::kChunks);
}

TEST(Lanes, give_up_a_message_that_was_in_flight_at_every_loss) {
  Lanes lanes(10, 1 << 20);
  ASSERT_TRUE(lanes.add_control(message_of("poison", "p")).ok());
  for (int sending = 1; sending < Lanes::kMaxSendings; ++sending) {
    ASSERT_TRUE(lanes.next_control(kNow)) << sending;
    EXPECT_TRUE(lanes.lost().empty()) << sending;
  }
  ASSERT_TRUE(lanes.next_control(kNow));
  EXPECT_EQ(topics_of(lanes.lost()), std::vector<std::string>{"p"});
  EXPECT_TRUE(lanes.control_idle());
  EXPECT_FALSE(lanes.next_control(kNow));
}

TEST(Lanes, say_what_has_ended) {
  Lanes lanes(10, 1 << 20);
  ASSERT_TRUE(lanes.add_control(message_of("x", "secret")).ok());
  ASSERT_TRUE(lanes.add_control(message_of("x", "open")).ok());
  const auto sent = send_all(lanes);
  EXPECT_EQ(lanes.ended(sent[0].serial, kNow)->topic, "secret");
  EXPECT_FALSE(lanes.ended(sent[0].serial, kNow).has_value()) << "it has ended";
  EXPECT_EQ(lanes.ended(sent[1].serial, kNow)->topic, "open");
  EXPECT_TRUE(lanes.control_idle());
}

TEST(Lanes, are_idle_only_when_nothing_waits_and_all_is_acknowledged) {
  Lanes lanes(10, 1 << 20);
  EXPECT_TRUE(lanes.control_idle());
  ASSERT_TRUE(lanes.add_control({.topic = "t"}).ok());
  EXPECT_FALSE(lanes.control_idle());
  const auto next = lanes.next_control(kNow);
  EXPECT_FALSE(lanes.control_idle());
  lanes.ended(next->serial, kNow);
  EXPECT_TRUE(lanes.control_idle());
}

TEST(Lanes, of_a_broker_with_small_packets_drop_what_it_would_not_take) {
  Lanes lanes(10, 1 << 20);
  ASSERT_TRUE(lanes.add_control(message_of(std::string(100'000, 'x'), "large")).ok());
  ASSERT_TRUE(lanes.add_control(message_of("x", "small")).ok());
  EXPECT_EQ(topics_of(lanes.limit_packets(50'000)), std::vector<std::string>{"large"});
  EXPECT_EQ(lanes.add_control(message_of(std::string(100'000, 'x'))).error().kind,
            ErrorKind::invalid);
  ASSERT_TRUE(lanes.add_bulk("b", source_of(1)).ok());
  const auto sent = send_all(lanes);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].message.topic, "small");
  EXPECT_LE(sent[1].message.payload.size(), 50'000U);
}

// Whatever is acknowledged, in whatever order the connection breaks: each message is acknowledged
// or given up, never both, never lost, and the bounds hold all the time.
TEST(Lanes, lose_no_message_under_random_breaks) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    Lanes lanes(1000, 1 << 20);
    std::map<std::string, int> ended;
    int added = 0;
    std::deque<Lanes::Next> in_flight;
    for (int step = 0; step < 500; ++step) {
      const auto what = random.below(20);
      if (what < 5) {
        const std::string name = std::to_string(added++);
        Message message = message_of(name, name);
        message.settled = [&ended, name] { ++ended[name]; };
        ASSERT_TRUE(lanes.add_control(std::move(message)).ok());
      } else if (what < 12) {
        if (auto next = lanes.next_control(kNow)) in_flight.push_back(std::move(*next));
        ASSERT_LE(in_flight.size(), Lanes::kMaxInFlight);
      } else if (what < 19 && !in_flight.empty()) {
        const auto at = static_cast<std::ptrdiff_t>(random.below(in_flight.size()));
        const auto next = in_flight[static_cast<std::size_t>(at)];
        in_flight.erase(in_flight.begin() + at);
        lanes.ended(next.serial, kNow)->settled();
      } else if (what == 19) {
        for (const Message& message : lanes.lost()) message.settled();
        in_flight.clear();
      }
    }
    for (const auto& next : in_flight) {
      lanes.ended(next.serial, kNow)->settled();
    }
    while (auto next = lanes.next_control(kNow)) {
      lanes.ended(next->serial, kNow)->settled();
    }
    EXPECT_TRUE(lanes.control_idle()) << "seed " << seed;
    EXPECT_EQ(ended.size(), static_cast<std::size_t>(added)) << "seed " << seed;
    for (const auto& [name, times] : ended) EXPECT_EQ(times, 1) << "seed " << seed;
  }
}

}  // namespace
}  // namespace hyps::bus
