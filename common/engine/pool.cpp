#include "common/engine/pool.hpp"

#include <omp.h>

#include <algorithm>
#include <utility>

namespace hyps::engine {
namespace {

// About 50 microseconds: the usual gap between two steps is shorter, and a helper that sleeps
// needs that long to wake.
constexpr int kSpins = 2000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

Pool::Pool(int threads) {
  for (int lane = 1; lane < std::max(threads, 1); ++lane) {
    helpers_.emplace_back([this, lane] { help(lane); });
  }
}

Pool::~Pool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    round_.fetch_add(1);
  }
  work_.notify_all();
  for (auto& helper : helpers_) helper.join();
}

void Pool::run(int pieces, const Body& body) {
  std::unique_lock turn(turn_, std::defer_lock);
  if (pieces <= 1 || helpers_.empty() || !turn.try_lock()) {
    for (int piece = 0; piece < pieces; ++piece) body(piece, 0);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    body_ = &body;
    pieces_ = pieces;
    next_.store(0);
    failure_ = nullptr;
    round_.fetch_add(1);
  }
  work_.notify_all();
  compute(body, pieces, 0);
  std::unique_lock lock(mutex_);
  body_ = nullptr;
  idle_.wait(lock, [&] { return busy_ == 0; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Pool::compute(const Body& body, int pieces, int lane) {
  for (int piece = next_.fetch_add(1); piece < pieces; piece = next_.fetch_add(1)) {
    try {
      body(piece, lane);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
  }
}

Pool::Work Pool::wait_for_work(std::uint64_t& seen) {
  for (int spin = 0; spin < kSpins && round_.load() == seen; ++spin) relax();
  std::unique_lock lock(mutex_);
  work_.wait(lock, [&] { return round_.load() != seen; });
  seen = round_.load();
  if (!stop_ && body_ != nullptr) ++busy_;
  return {stop_, stop_ ? nullptr : body_, pieces_};
}

void Pool::help(int lane) {
  omp_set_num_threads(1);  // of this thread only: oneDNN called here starts no team of its own
  std::uint64_t seen = 0;
  for (auto work = wait_for_work(seen); !work.stop; work = wait_for_work(seen)) {
    if (work.body == nullptr) continue;  // too late: others took all the pieces
    compute(*work.body, work.pieces, lane);
    const std::lock_guard lock(mutex_);
    if (--busy_ == 0) idle_.notify_all();
  }
}

}  // namespace hyps::engine
