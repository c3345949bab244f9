// What must be true of jobs whatever was killed: an independent look at answers and timelines.
#pragma once

#include "tests/support/client.hpp"
#include "tests/support/pictures.hpp"

namespace hyps::test {

struct Expected {
  std::string label;
  std::string digest;  // of the model's output, bit for bit
};

struct Figures {
  int jobs = 0;
  int recovered = 0;      // partitions that were taken back from whoever was killed
  int resumed = 0;        // jobs that a new hub went on with
  int started_again = 0;  // partitions given out more than once: none of them was stored then
};

// All events of a job, from its timeline and from the events topic (a killed hub forgets those
// after its last record), by number.
inline std::map<std::uint64_t, json> events_of(Client& client, const std::string& job) {
  std::map<std::uint64_t, json> events;
  const json reply = client.query("job", job);
  if (!reply.is_object() || !reply.contains("timeline")) {
    ADD_FAILURE() << "no timeline of " << job << ": " << reply.dump();
    return events;
  }
  for (const json& event : reply.at("timeline")) events[event.at("n")] = event;
  for (const json& event : client.events()) {
    if (event.value("job", "") != job) continue;
    const auto [known, added] = events.emplace(event.at("n"), event);
    EXPECT_TRUE(added || known->second == event)
        << "two events with one number: " << known->second << " and " << event;
  }
  return events;
}

// After a partition is stored it is never started again.
inline void check_timeline(Client& client, const std::string& job, Figures& figures) {
  std::set<std::string> started;
  std::set<std::string> stored;
  std::string all;
  for (const auto& [n, event] : events_of(client, job)) {
    const std::string what = event.value("event", "");
    const std::string partition = event.value("partition", "");
    all += "\n  " + event.dump();
    if (what == "started") {
      EXPECT_FALSE(stored.contains(partition))
          << job << ": " << partition << " was stored and is computed again:" << all;
      if (!started.insert(partition).second) ++figures.started_again;
    }
    if (what == "stored") {
      EXPECT_TRUE(stored.insert(partition).second) << partition << " is stored twice:" << all;
    }
    if (what == "recovered") ++figures.recovered;
    if (what == "resumed") ++figures.resumed;
  }
  ++figures.jobs;
}

// However often it is announced, there is one answer, and it is the right one.
inline void check_answers(const Client& client, const std::string& job, const Expected& expected) {
  const auto found = client.answers().find(job);
  ASSERT_NE(found, client.answers().end()) << "no answer for " << job;
  const Answer& first = found->second.front();
  ASSERT_EQ(first.body.value("state", ""), "done") << first.text;
  EXPECT_EQ(first.body.at("outputs").at(0).at("digest"), expected.digest) << first.text;
  EXPECT_EQ(first.body.at("top").at(0).at("label"), expected.label) << first.text;
  for (const Answer& answer : found->second) {
    EXPECT_EQ(answer.text, first.text) << job << " has two different answers";
  }
}

}  // namespace hyps::test
