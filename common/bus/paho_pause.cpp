// A usleep for Paho. Its receive thread sleeps 100 ms after every poll that found nothing: after a
// second without a message, and at the start of a connection whenever it is ahead of the thread
// that opens the socket. Until then it is deaf, and destroying a client waits for it too. No option
// of Paho's changes that, so the usleep that it finds is this one: a program's symbols come before
// those of its libraries.
#include <unistd.h>

#include <ctime>

namespace {

constexpr useconds_t kPahoPause = 100'000;
constexpr useconds_t kPause = 5'000;
constexpr useconds_t kSecond = 1'000'000;

}  // namespace

// As POSIX says, but for the one length that only Paho asks for.
extern "C" int usleep(useconds_t microseconds) {
  const useconds_t length = microseconds == kPahoPause ? kPause : microseconds;
  const timespec time{static_cast<std::time_t>(length / kSecond),
                      static_cast<long>(length % kSecond) * 1000};
  return ::nanosleep(&time, nullptr);
}
