// A usleep for Paho. Its receive thread sleeps 100 ms after every poll that found nothing: after a
// second without a message, and at the start of a connection whenever it is ahead of the thread
// that opens the socket. Until then it is deaf, and destroying a client waits for it too. No option
// of Paho's changes that, so the usleep that it finds is this one: a program's symbols come before
// those of its libraries.
//
// Who destroys the last client pauses a hundred times at most until Paho's threads have ended, then
// frees what they use. The sending one looks up once a second only: so these pauses together have
// to be longer than that.
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <ctime>

namespace {

constexpr useconds_t kPahoPause = 100'000;
constexpr useconds_t kReceiverPause = 5'000;
constexpr useconds_t kOtherPause = 25'000;
constexpr useconds_t kSecond = 1'000'000;

useconds_t pause_of_this_thread() {
  std::array<char, 16> name{};
  const bool is_named = ::pthread_getname_np(::pthread_self(), name.data(), name.size()) == 0;
  return is_named && std::strcmp(name.data(), "MQTTAsync_rcv") == 0 ? kReceiverPause : kOtherPause;
}

}  // namespace

// As POSIX says, but for the one length that only Paho asks for.
extern "C" int usleep(useconds_t microseconds) {
  const useconds_t length = microseconds == kPahoPause ? pause_of_this_thread() : microseconds;
  const timespec time{static_cast<std::time_t>(length / kSecond),
                      static_cast<long>(length % kSecond) * 1000};
  return ::nanosleep(&time, nullptr);
}
