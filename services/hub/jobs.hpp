// The life of a job between acceptance and its announced answer.
#pragma once

#include <string>

#include "services/hub/state.hpp"

namespace hyps::hub {

// Adds an event to the job's timeline; tell() publishes it.
TimelineEvent note(State& s, Job& job, TimelineEvent event);
void tell(State& s, const JobSummary& job, const TimelineEvent& event);
void note_and_tell(State& s, Job& job, TimelineEvent event);

// The job runs by this plan from now on; partitions whose outputs are stored count as done.
void bind_plan(Job& job, const PlanState& plan);
bool inputs_stored(const Job& job, const partition::Partition& partition);
// REQUIRES: they are stored.
std::vector<protocol::TensorRef> inputs_of(const Job& job, const partition::Partition& partition);
bool outputs_stored(const Job& job, const partition::Partition& partition);
protocol::TaskKey key_of(const Job& job, const partition::Partition& partition);

// Ends with an explicit failure, once that is on disk.
void fail_job(State& s, Job& job, const std::string& message);
// Errors: invalid (what the report partition made is no JSON object).
Status check_report(const Blob& report);
// Decides the outcome "done". The caller writes add_closing_records() and calls finish_job() when
// they are on disk. REQUIRES: check_report().
void close_with_answer(State& s, Job& job, const Blob& report);
void add_closing_records(const State& s, const Job& job, store::Batch& batch);
void finish_job(State& s, const JobId& id);

std::string failed_answer(const JobId& job, const ModelName& model, const char* state,
                          const std::string& error);
// To the asker's response topic, or the output topic where it named none.
void publish_answer(State& s, const JobId& job, const ModelName& model, const std::string& answer,
                    const Asker& asker);

// The broker has one of the messages with its answer, or the bus did not take it.
void on_answer_sent(State& s, const JobId& id, bool sent);
// Publishes again what the bus did not take; takes the mark off what the broker has.
void announce(State& s);

}  // namespace hyps::hub
