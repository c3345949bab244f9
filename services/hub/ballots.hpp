// Replicated partitions: who computes, what they vote, whose outputs are taken.
#pragma once

#include "services/hub/ballot.hpp"
#include "services/hub/recovery.hpp"
#include "services/hub/state.hpp"

namespace hyps::hub {

// ---- a round: asking, voting, taking ----
// Gives an idle task of a partition that votes to its replicas, if enough of them are there and
// have room; or asks the next member of a verdict for the outputs.
void open_or_continue(State& s, Job& job, std::size_t index);
// False: this worker has no vote on this task.
bool on_vote(State& s, const WorkerId& worker, const protocol::TaskDone& done);
void on_verdict(State& s, const protocol::Verdict& verdict);
// `again`: nothing new, if it is known.
void on_voter_hello(State& s, const Peer& voter, bool again);
void on_voter_status(State& s, const Peer& voter, bool online);

// The member that was asked for its outputs sent others than it had announced.
void accuse(State& s, const protocol::TaskKey& key, const WorkerId& worker, const std::string& why);

// ---- values ----
// What a verdict asks for is sent here, and on to the voter.
void show_values(State& s, Ballot& ballot, const protocol::Verdict& verdict);
// The result is stored: the voter is shown it, if it has asked for it.
void show_taken(State& s, const protocol::TaskKey& key, const Ballot& ballot);
// The outputs of a replica, if its values are needed. False: they are not.
bool show_to_voter(State& s, const WorkerId& worker, const protocol::Arrival& arrival);

// ---- what ends it ----
// It will not vote (any more). The round begins anew when too few are left.
void lose_copy(State& s, const protocol::TaskKey& key, const WorkerId& worker,
               const std::string& why, TakeBack how = TakeBack::lost);
void lose_copies(State& s, const WorkerId& worker, const std::string& why);
void lose_moved_copies(State& s, const PlanState& plan);
void on_ballot_stored(State& s, const protocol::TaskKey& key);
// Nobody needs the result: the replicas forget the task.
void close_ballot(State& s, const protocol::TaskKey& key);
void expire_ballots(State& s);
// This round gives no result: the task is idle again.
void end_round(State& s, const TaskPlace& at, const std::string& why, TakeBack how);
// Whoever has voted is done, once there is a verdict and the result is stored or not needed.
void settle_ballot(State& s, const protocol::TaskKey& key);
void end_doubts(State& s, const protocol::TaskKey& key);  // nothing can settle them any more

// ---- secrecy ----
enum class OwedVotes { none, late, needed };
// What this worker owes on inputs of the partition; a late one does not matter any more.
OwedVotes owed_votes_on_inputs(State& s, const JobId& job, const PlanState& plan,
                               const partition::Partition& partition, const WorkerId& worker);
void forgo_votes_on_inputs(State& s, const JobId& job, const PlanState& plan,
                           const partition::Partition& partition, const WorkerId& worker);

// ---- looking up ----
Ballot* find_ballot(State& s, const protocol::TaskKey& key);
Copy* find_copy(State& s, const protocol::TaskKey& key, const WorkerId& worker);
// Whether results of this job were forwarded that nobody has confirmed yet.
bool has_unconfirmed(const State& s, const JobId& job);
// Sends replicas what they have not answered (again).
void resend_copy(State& s, const protocol::TaskKey& key, const WorkerId& worker);
void resend_copies(State& s, const WorkerId& worker);
void send_ballot(State& s, const protocol::TaskKey& key);

}  // namespace hyps::hub
