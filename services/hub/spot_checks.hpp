// Jobs whose answer is known, mixed in among the others (README.md, "Spot checks").
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

// A user's job was accepted: now and then one whose answer is known follows it.
void maybe_spot_check(State& s, const ModelName& model);
// It has ended, one way or the other: what it was checked by is compared, then it is forgotten.
void end_spot_check(State& s, const JobId& id);
// Without a verdict.
void drop_spot_checks(State& s, const ModelName& model);

bool is_spot_check(const JobSummary& job);
nlohmann::json spot_checks_json(const State& s);
// Of the model's latest one; empty: it was right, or there was none.
std::string spot_check_problem(const State& s, const ModelName& model);

}  // namespace hyps::hub
