// Preloaded into a process under test (LD_PRELOAD): what its machine does to it, as files in the
// folder $HYPS_FAULTS say. They may change while it runs.
//   clock   so many seconds are added to the time of day; the monotonic clock goes on as it does
//   fsync   writing through to the disk fails with this errno
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

constexpr long kNsPerS = 1'000'000'000;
constexpr long kLookEvery_ns = 10'000'000;
constexpr long kSlice_ns = 20'000'000;

template <typename Function>
Function real(const char* name, const char* version = nullptr) {
  void* found = version == nullptr ? nullptr : ::dlvsym(RTLD_NEXT, name, version);
  return reinterpret_cast<Function>(found == nullptr ? ::dlsym(RTLD_NEXT, name) : found);
}

int real_clock(clockid_t clock, timespec* time) {
  static const auto next = real<int (*)(clockid_t, timespec*)>("clock_gettime");
  return next(clock, time);
}

// 0: there is no such file.
long number_in(const char* name) {
  const char* folder = std::getenv("HYPS_FAULTS");  // NOLINT(concurrency-mt-unsafe)
  if (folder == nullptr) return 0;
  char path[4096];
  std::snprintf(path, sizeof(path), "%s/%s", folder, name);
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return 0;
  long number = 0;
  if (std::fscanf(file, "%ld", &number) != 1) number = 0;
  (void)std::fclose(file);
  return number;
}

// The file is looked at now and then only: clocks are read all the time.
long shift_s() {
  static std::atomic<long> shift{0};
  static std::atomic<long> looked_ns{0};
  timespec now{};
  real_clock(CLOCK_MONOTONIC, &now);
  const long now_ns = now.tv_sec * kNsPerS + now.tv_nsec;
  long last = looked_ns.load();
  if (now_ns - last > kLookEvery_ns && looked_ns.compare_exchange_strong(last, now_ns)) {
    shift = number_in("clock");
  }
  return shift;
}

timespec after(timespec time, long ns) {
  time.tv_nsec += ns;
  time.tv_sec += time.tv_nsec / kNsPerS;
  time.tv_nsec %= kNsPerS;
  return time;
}
bool earlier(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

// Waits for a time of day as the kernel would: jumps while it waits count. `wait` waits for a real
// one.
template <typename Wait>
int wait_until(const timespec& deadline, Wait wait) {
  while (true) {
    timespec now{};
    real_clock(CLOCK_REALTIME, &now);
    timespec goal = deadline;
    goal.tv_sec -= shift_s();
    const timespec slice_end = after(now, kSlice_ns);
    const bool is_last = earlier(goal, slice_end);
    const timespec until = is_last ? goal : slice_end;
    const int result = wait(until);
    if (result != ETIMEDOUT || is_last) return result;
  }
}

int fsync_error() { return static_cast<int>(number_in("fsync")); }

int sync_with(const char* name, int fd) {
  if (const int error = fsync_error(); error != 0) {
    errno = error;
    return -1;
  }
  return real<int (*)(int)>(name)(fd);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) {
  const int result = real_clock(clock, time);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time->tv_sec += shift_s();
  return result;
}

int gettimeofday(timeval* time, void*) {
  timespec now{};
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return result;
}

time_t time(time_t* where) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (where != nullptr) *where = now.tv_sec;
  return now.tv_sec;
}

int pthread_cond_timedwait(pthread_cond_t* cond, pthread_mutex_t* mutex, const timespec* deadline) {
  using Function = int (*)(pthread_cond_t*, pthread_mutex_t*, const timespec*);
  // The older version of this function knows another layout of conditions.
  static const auto next = real<Function>("pthread_cond_timedwait", "GLIBC_2.3.2");
  return wait_until(*deadline, [&](const timespec& until) { return next(cond, mutex, &until); });
}

int sem_timedwait(sem_t* semaphore, const timespec* deadline) {
  static const auto next = real<int (*)(sem_t*, const timespec*)>("sem_timedwait");
  const int error = wait_until(
      *deadline, [&](const timespec& until) { return next(semaphore, &until) == 0 ? 0 : errno; });
  if (error == 0) return 0;
  errno = error;
  return -1;
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }

}  // extern "C"
