#include "common/engine/pool.hpp"

#include <omp.h>

#include <utility>

namespace hyps::engine {
namespace {

// 50 to 100 microseconds: most gaps between two steps are shorter, and a thread that sleeps needs
// that long to wake.
constexpr int kSpins = 4000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Spins, then sleeps, until the state is one that `done` accepts; that state.
template <typename State, typename Done>
State wait_until(const std::atomic<State>& state, const Done& done) {
  State now = state.load(std::memory_order_acquire);
  for (int spin = 0; spin < kSpins && !done(now); ++spin) {
    relax();
    now = state.load(std::memory_order_acquire);
  }
  while (!done(now)) {
    state.wait(now, std::memory_order_acquire);
    now = state.load(std::memory_order_acquire);
  }
  return now;
}

}  // namespace

Pool::Pool(int threads) {
  for (int lane = 1; lane < threads && lane <= kMaxHelpers; ++lane) {
    helpers_.emplace_back([this, lane] { help(lane); });
  }
}

Pool::~Pool() {
  state_.fetch_or(kStop);
  state_.notify_all();
  for (auto& helper : helpers_) helper.join();
}

void Pool::run(int pieces, const Body& body) {
  std::unique_lock turn(turn_, std::defer_lock);
  if (pieces <= 1 || helpers_.empty() || !turn.try_lock()) {
    for (int piece = 0; piece < pieces; ++piece) body(piece, 0);
    return;
  }
  body_ = &body;
  pieces_ = pieces;
  next_.store(0, std::memory_order_relaxed);
  state_.fetch_add(kRound + kOpen, std::memory_order_acq_rel);  // it was closed, with nobody inside
  state_.notify_all();
  compute(body, pieces, 0);
  state_.fetch_and(~kOpen, std::memory_order_acq_rel);
  wait_until(state_, [](State now) { return (now & kInside) == 0; });
  const std::lock_guard lock(failure_mutex_);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Pool::compute(const Body& body, int pieces, int lane) {
  const auto take = [this] { return next_.fetch_add(1, std::memory_order_relaxed); };
  for (int piece = take(); piece < pieces; piece = take()) {
    try {
      body(piece, lane);
    } catch (...) {
      const std::lock_guard lock(failure_mutex_);
      failure_ = std::current_exception();
    }
  }
}

// A state of another round than `seen`, or the end.
Pool::State Pool::next_round(State seen) const {
  return wait_until(
      state_, [seen](State now) { return now / kRound != seen / kRound || (now & kStop) != 0; });
}

// False where the round that `state` belongs to is over already.
bool Pool::come_in(State& state) {
  const auto round = state / kRound;
  while ((state & kOpen) != 0 && state / kRound == round) {
    if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void Pool::leave() {
  const auto before = state_.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & kOpen) == 0 && (before & kInside) == 1) state_.notify_all();
}

void Pool::help(int lane) {
  omp_set_num_threads(1);  // of this thread only: oneDNN called here starts no team of its own
  State seen = 0;
  for (auto state = next_round(seen); (state & kStop) == 0; state = next_round(seen)) {
    seen = state;
    if (!come_in(state)) continue;  // too late: others took all the pieces
    compute(*body_, pieces_, lane);
    leave();
  }
}

}  // namespace hyps::engine
