// Pool: helper threads that share the pieces of one step. What the pieces are is fixed by shapes,
// never by the number of threads, and each piece is computed by one thread: so the bits of a result
// cannot depend on who computed which piece.
//
// Unlike an OpenMP team, the caller waits only for helpers that have begun a piece: a helper the
// kernel has not scheduled yet costs nothing. Helpers spin for a moment between steps, then sleep.
#pragma once

#include <atomic>
#include <condition_variable>
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

  explicit Pool(int threads);  // starts threads - 1 helpers
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  [[nodiscard]] int lanes() const { return static_cast<int>(helpers_.size()) + 1; }

  // Runs every piece once and returns when all are done; rethrows what a piece threw. Thread-safe:
  // while another caller has the helpers, a caller computes its pieces alone.
  void run(int pieces, const Body& body);

 private:
  struct Work {
    bool stop = false;
    const Body* body = nullptr;
    int pieces = 0;
  };
  void help(int lane);
  Work wait_for_work(std::uint64_t& seen);
  void compute(const Body& body, int pieces, int lane);

  std::vector<std::thread> helpers_;
  std::mutex turn_;  // held by the caller whose pieces the helpers share

  std::atomic<std::uint64_t> round_{0};  // rises when there is work, or at the end
  std::atomic<int> next_{0};             // first piece nobody has taken

  std::mutex mutex_;  // guards what follows
  std::condition_variable work_;
  std::condition_variable idle_;
  const Body* body_ = nullptr;  // null when no helper may join in any more
  int pieces_ = 0;
  int busy_ = 0;  // helpers inside compute()
  bool stop_ = false;
  std::exception_ptr failure_;
};

}  // namespace hyps::engine
