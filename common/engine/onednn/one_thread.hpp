// While it lives, oneDNN called by this thread makes and runs primitives for one thread. The
// setting belongs to the calling thread alone, and is put back.
#pragma once

#include <omp.h>

namespace hyps::engine {

class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  const int before_;
};

}  // namespace hyps::engine
