// Paho's pauses are short where its usleep is ours.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>

#if defined(__SANITIZE_THREAD__)
constexpr bool kOwnUsleep = false;  // ThreadSanitizer has its own
#else
constexpr bool kOwnUsleep = true;
#endif

namespace hyps::bus {
namespace {

const char* object_of(const void* address) {
  Dl_info info{};
  return ::dladdr(address, &info) == 0 ? nullptr : info.dli_fname;
}

TEST(PahoPause, PahoFindsThisProgramsUsleep) {
  if (!kOwnUsleep) GTEST_SKIP();
  const void* found = ::dlsym(RTLD_DEFAULT, "usleep");
  ASSERT_NE(found, nullptr);
  const auto own = reinterpret_cast<const void*>(&object_of);
  EXPECT_STREQ(object_of(found), object_of(own));
}

// It pauses a hundred times at most, and Paho's sending thread sleeps for a second: freed too
// early, its lists crashed it.
TEST(PahoPause, WhoDestroysTheLastClientWaitsLongerThanPahosThreadsSleep) {
  if (!kOwnUsleep) GTEST_SKIP();
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(::usleep(100'000), 0);
  EXPECT_GT((std::chrono::steady_clock::now() - begin) * 100, std::chrono::seconds(2));
}

}  // namespace
}  // namespace hyps::bus
