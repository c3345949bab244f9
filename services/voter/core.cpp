#include "services/voter/core.hpp"

#include <fmt/format.h>

#include <utility>

namespace hyps::voter {

using protocol::Ballot;
using protocol::Verdict;
using Outcome = Verdict::Outcome;

namespace {

constexpr const char* kTooLarge = "its values are more than max_value_bytes";
constexpr const char* kHub = "hub";  // the only one that writes to our inbox

Outcome outcome_of(const Verdict& verdict) { return static_cast<Outcome>(verdict.outcome); }

std::string names_of(const std::vector<WorkerId>& workers) {
  std::string text;
  for (const WorkerId& worker : workers) text += (text.empty() ? "" : ", ") + worker.text;
  return text;
}

Verdict plain_verdict(const Ballot& ballot, Outcome outcome, const std::string& reason) {
  Verdict verdict;
  verdict.task = ballot.task;
  verdict.number = ballot.number;
  verdict.outcome = static_cast<std::uint32_t>(outcome);
  verdict.reason = reason;
  return verdict;
}

}  // namespace

Core::Core(CoreConfig config)
    : config_(std::move(config)), streams_(config_.max_value_bytes, config_.max_value_bytes) {}

Effects Core::step(const Event& event, Now now) {
  now_ = now;
  effects_.clear();
  std::visit([this](const auto& e) { on(e); }, event);
  return std::exchange(effects_, {});
}

// ---- connection -------------------------------------------------------------------------------

void Core::on(const Connected&) {
  connected_ = true;
  begin_session();
}

void Core::on(const Disconnected&) {
  connected_ = false;
  forget_all();
}

void Core::on(const HubOnline&) {
  if (connected_) begin_session();
}

// Every open ballot comes again, and values that were on their way are lost.
void Core::begin_session() {
  forget_all();
  say_hello(false);
}

void Core::say_hello(bool again) {
  last_hello_ = now_.steady;
  effects_.emplace_back(Publish{protocol::VoterHello{config_.id, again}});
}

void Core::forget_all() {
  waiting_.clear();
  streams_.drop_sender(kHub);
}

// ---- in ---------------------------------------------------------------------------------------

void Core::on(const Malformed& event) {
  log(Log::Level::warn, "frame.malformed", {{"reason", event.reason}});
}

void Core::on(const Received& event) {
  std::visit([this](const auto& message) { on_message(message); }, event.message);
}

template <typename Other>
void Core::on_message(const Other&) {
  log(Log::Level::warn, "message.foreign",
      {{"type", std::to_string(protocol::Message(Other{}).index())}});
}

void Core::on_message(const Ballot& ballot) {
  if (const auto known = waiting_.find(ballot.task); known != waiting_.end()) {
    Waiting& waiting = known->second;
    const bool is_older = ballot.number < waiting.ballot().number;
    if (is_older && now_.steady - waiting.shown < config_.late_ballots) return;  // it came late
    if (!is_older) waiting.replace(ballot, now_.steady);
    waiting.told.reset();  // it is said again: perhaps nobody has heard it
    waiting.answered = 0;
    if (!is_older && reserved_bytes() <= config_.max_value_bytes) return judge_and_forget(known);
    waiting_.erase(known);  // another round, or larger votes: all over again
  }
  begin(ballot);
}

void Core::on_message(const protocol::Chunk& chunk) {
  const auto entry = waiting_.find(chunk.task);
  if (entry == waiting_.end()) return;
  Waiting& waiting = entry->second;
  if (waiting.is_forged(chunk)) return judge_and_forget(entry);
  if (!waiting.wants(chunk)) return;
  waiting.news = now_.steady;
  const auto arrival = streams_.accept(kHub, chunk, now_.steady);
  if (!arrival.ok()) {  // it is asked for again
    return log(Log::Level::warn, "values.lost", {{"why", arrival.error().message}});
  }
  if (!*arrival) return;
  waiting.take(**arrival);
  judge_and_forget(entry);
}

// ---- values -----------------------------------------------------------------------------------

std::uint64_t Core::reserved_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [task, waiting] : waiting_) bytes += waiting.asked_bytes();
  return bytes;
}

// An answer goes before the question who else lies.
bool Core::make_room(const Waiting& waiting, bool is_told) {
  const auto has_room = [&] { return reserved_bytes() <= config_.max_value_bytes; };
  for (auto entry = waiting_.begin(); !is_told && !has_room() && entry != waiting_.end();) {
    const auto here = entry++;
    if (here->second.told && &here->second != &waiting) waiting_.erase(here);
  }
  return has_room();
}

// Where digests tell all, nothing is kept. Where there is no room now the ballot has no answer: the
// hub shows it again.
void Core::begin(const Ballot& ballot) {
  const Verdict verdict = voting::tally(ballot, {});
  const bool is_told = outcome_of(verdict) == Outcome::agreed;
  if (!is_told && outcome_of(verdict) != Outcome::values) return say(verdict);
  if (waiting_.size() < kMaxWaiting) {
    return judge_and_forget(waiting_.emplace(ballot.task, Waiting(ballot, now_.steady)).first);
  }
  if (is_told) return say(verdict);
  log(Log::Level::warn, "values.no_room", {{"job", ballot.task.job.text}});
}

void Core::ask(Waiting& waiting, const std::vector<WorkerId>& workers, const std::string& reason) {
  waiting.ask(workers);
  waiting.news = now_.steady;
  Verdict verdict = plain_verdict(waiting.ballot(), Outcome::values, reason);
  verdict.members = workers;
  say(std::move(verdict));
  waiting.answered = waiting.ballot().number;
}

bool Core::judge(Waiting& waiting) {
  const Verdict verdict = waiting.verdict();
  const Outcome outcome = outcome_of(verdict);
  if (outcome == Outcome::agreed) return !look_closer(waiting, verdict);
  waiting.told.reset();
  if (outcome == Outcome::values) return !ask_what_is_new(waiting, verdict);
  say(verdict);
  waiting.answered = waiting.ballot().number;
  return outcome != Outcome::open;  // with more votes these values may be of use
}

// A quorum is said at once. Whoever differs from it, and whose digest does not tell more, is asked
// for its values afterwards. False: nothing is left to be known.
bool Core::look_closer(Waiting& waiting, const Verdict& verdict) {
  const Verdict& before = waiting.said;
  const bool news = waiting.answered != verdict.number || !waiting.told ||
                    before.members != verdict.members || before.liars != verdict.liars;
  if (news) say(verdict);
  waiting.said = verdict;
  waiting.answered = verdict.number;
  if (!waiting.told) waiting.told = now_.steady;
  const auto doubtful = waiting.in_doubt();
  // With more votes these values may be of use.
  if (doubtful.empty()) return waiting.asked_bytes() > 0 && waiting.ballot().outstanding > 0;
  const auto fresh = waiting.not_asked(doubtful);
  if (fresh.empty()) return true;
  waiting.ask(fresh);
  if (!make_room(waiting, true)) return false;
  ask(waiting, fresh, "who differs from those that agree?");
  return true;
}

// False: there is no room for them.
bool Core::ask_what_is_new(Waiting& waiting, const Verdict& verdict) {
  const auto fresh = waiting.not_asked(verdict.members);
  if (fresh.empty()) {
    if (waiting.answered == waiting.ballot().number) return true;
    say(plain_verdict(waiting.ballot(), Outcome::open, "values are on their way"));
    waiting.answered = waiting.ballot().number;
    return true;
  }
  waiting.ask(fresh);
  if (waiting.asked_bytes() > config_.max_value_bytes) {
    give_up(waiting, kTooLarge);
    return false;
  }
  if (!make_room(waiting, false)) {
    log(Log::Level::warn, "values.no_room", {{"job", waiting.ballot().task.job.text}});
    return false;
  }
  ask(waiting, fresh, verdict.reason);
  return true;
}

void Core::judge_and_forget(Entries::iterator entry) {
  if (judge(entry->second)) waiting_.erase(entry);
}

void Core::give_up(const Waiting& waiting, const std::string& why) {
  say(plain_verdict(waiting.ballot(), Outcome::split, why));
}

// ---- time -------------------------------------------------------------------------------------

void Core::on(const Tick&) {
  if (connected_ && now_.steady - last_hello_ >= config_.hello) say_hello(true);
  // What fell silent is asked for again, as a new stream.
  (void)streams_.expire(now_.steady, config_.ask_again);
  for (auto entry = waiting_.begin(); entry != waiting_.end();) {
    const auto here = entry++;
    if (has_ended(here->second)) waiting_.erase(here);
  }
}

bool Core::has_ended(Waiting& waiting) {
  const auto missing = waiting.missing();
  if (waiting.told && now_.steady - *waiting.told >= config_.doubts) return true;
  if (!waiting.told && now_.steady - waiting.since() >= config_.values_timeout) {
    if (!missing.empty()) give_up(waiting, "no values came from " + names_of(missing));
    return true;
  }
  if (missing.empty() || now_.steady - waiting.news < config_.ask_again) return false;
  ask(waiting, missing, "values did not come");
  return false;
}

// ---- out --------------------------------------------------------------------------------------

void Core::say(Verdict verdict) {
  const Outcome outcome = outcome_of(verdict);
  const bool ends = outcome == Outcome::agreed || outcome == Outcome::split;
  if (ends) {
    const bool well = outcome == Outcome::agreed && verdict.liars.empty();
    log(well ? Log::Level::debug : Log::Level::warn, well ? "agreed" : "disagreed",
        {{"job", verdict.task.job.text},
         {"partition", verdict.task.partition.text},
         {"agree", names_of(verdict.members)},
         {"differ", names_of(verdict.liars)},
         {"why", verdict.reason}});
  }
  effects_.emplace_back(Publish{std::move(verdict)});
}

void Core::log(Log::Level level, std::string event, runtime::Fields fields) {
  effects_.emplace_back(Log{level, std::move(event), std::move(fields)});
}

}  // namespace hyps::voter
