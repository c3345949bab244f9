// Pool: helper threads that share the pieces of one step. What the pieces are is fixed by shapes,
// never by the number of threads, and each piece is computed by one thread: so the bits of a result
// cannot depend on who computed which piece.
//
// Unlike an OpenMP team, the caller waits only for helpers that have begun a piece: a helper the
// kernel has not scheduled yet costs nothing. Nobody takes a lock or enters the kernel between two
// steps that follow each other closely: helpers, and a caller who waits for the last piece, spin
// for a moment before they sleep.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hyps::engine {

class Pool {
 public:
  // body(piece, lane): lanes are 0 .. lanes() - 1, and no two pieces run on one lane at a time.
  using Body = std::function<void(int piece, int lane)>;

  static constexpr int kMaxHelpers = 0xfff;
  explicit Pool(int threads);  // starts threads - 1 helpers, kMaxHelpers at most
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  [[nodiscard]] int lanes() const { return static_cast<int>(helpers_.size()) + 1; }

  // Runs every piece once and returns when all are done; rethrows what a piece threw. Thread-safe:
  // while another caller has the helpers, a caller computes its pieces alone.
  void run(int pieces, const Body& body);

 private:
  // What helpers and the caller agree on, in one word: how many helpers are inside (the low 12
  // bits), whether more may come in, whether the pool ends, and the number of the round above.
  using State = std::uint32_t;
  static constexpr State kInside = 0xfff;
  static constexpr State kOpen = 0x1000;
  static constexpr State kStop = 0x2000;
  static constexpr State kRound = 0x4000;

  void help(int lane);
  State next_round(State seen) const;
  bool come_in(State& state);
  void leave();
  void compute(const Body& body, int pieces, int lane);

  std::vector<std::thread> helpers_;
  std::mutex turn_;  // held by the caller whose pieces the helpers share

  std::atomic<State> state_{0};
  std::atomic<int> next_{0};  // first piece nobody has taken

  // Written by the caller while nobody is inside, before it opens the round.
  const Body* body_ = nullptr;
  int pieces_ = 0;

  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

}  // namespace hyps::engine
