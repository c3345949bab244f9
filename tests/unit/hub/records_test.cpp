// Records of jobs: what comes back is what was written.
#include "services/hub/records.hpp"

#include <gtest/gtest.h>

#include "services/hub/job.hpp"

namespace hyps::hub {
namespace {

Job job_in(JobState state) {
  Job job;
  job.summary.id = JobId("j");
  job.summary.model = ModelName("m");
  job.summary.plan = PlanId("p");
  job.summary.state = state;
  job.summary.sequence = 7;
  job.summary.votes = 3;
  job.summary.error = state == JobState::failed ? "done" : "";
  job.next_event = 12;
  job.answer = R"({"timeline": ["no timeline"], "state": "running"})";
  job.askers = {{"topic", std::string("\0\1timeline", 10)}};
  for (std::uint64_t n = 0; n < 3; ++n) {
    TimelineEvent event;
    event.n = n;
    event.event = "stored";
    event.detail = "state";
    event.compute_ms = 1.5;
    job.timeline.push_back(event);
  }
  return job;
}

void expect_same_but_timeline(const Job& a, const Job& b) {
  EXPECT_EQ(a.summary.id, b.summary.id);
  EXPECT_EQ(a.summary.state, b.summary.state);
  EXPECT_EQ(a.summary.sequence, b.summary.sequence);
  EXPECT_EQ(a.summary.votes, b.summary.votes);
  EXPECT_EQ(a.summary.error, b.summary.error);
  EXPECT_EQ(a.next_event, b.next_event);
  EXPECT_EQ(a.answer, b.answer);
  EXPECT_EQ(a.askers, b.askers);
}

TEST(JobRecord, IsReadWhole) {
  for (const JobState state : {JobState::waiting, JobState::running, JobState::done}) {
    const Job job = job_in(state);
    const auto read = decode_job(encode_job(job));
    ASSERT_TRUE(read.ok());
    expect_same_but_timeline(*read, job);
    ASSERT_EQ(read->timeline.size(), 3U);
    EXPECT_EQ(read->timeline[2].detail, "state");
    EXPECT_EQ(read->timeline[2].compute_ms, 1.5);
  }
}

TEST(JobRecord, IsReadAtStartWithoutTheTimelineOfAFinishedJob) {
  for (const JobState state : {JobState::done, JobState::failed}) {
    const Job job = job_in(state);
    const auto read = decode_job_at_start(encode_job(job));
    ASSERT_TRUE(read.ok());
    expect_same_but_timeline(*read, job);
    EXPECT_TRUE(read->timeline.empty());
  }
}

TEST(JobRecord, IsReadAtStartWithTheTimelineOfAnUnfinishedJob) {
  for (const JobState state : {JobState::waiting, JobState::running}) {
    const Job job = job_in(state);
    const auto read = decode_job_at_start(encode_job(job));
    ASSERT_TRUE(read.ok());
    expect_same_but_timeline(*read, job);
    EXPECT_EQ(read->timeline.size(), 3U);
  }
}

TEST(JobRecord, IsRefusedWhenDamaged) {
  const std::string text(encode_job(job_in(JobState::done)).text());
  for (std::size_t length = 0; length < text.size(); length += 7) {
    EXPECT_FALSE(decode_job_at_start(Blob::of(text.substr(0, length))).ok());
  }
}

TEST(FeatureMapRecord, TellsItsBytes) {
  const protocol::TensorRef ref{"t", 123'456'789'012, {}};
  EXPECT_EQ(decode_ref_bytes(encode_ref(ref)), 123'456'789'012);
  EXPECT_EQ(decode_ref_bytes(Blob::of(std::string("nothing of the kind"))), 0);
  EXPECT_EQ(decode_ref_bytes(Blob::of(std::string())), 0);
}

}  // namespace
}  // namespace hyps::hub
