// Paho's pauses are short where its usleep is ours.
#include <dlfcn.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace hyps::bus
