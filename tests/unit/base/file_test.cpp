#include "common/base/file.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

namespace hyps {
namespace {

class Files : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path(const char* name) const { return folder_.path() / name; }
  TemporaryFolder folder_;
};

TEST_F(Files, come_back_as_they_were_written) {
  for (const std::string& text :
       {std::string(), std::string("a\0b", 3), std::string(100'000, 'x')}) {
    ASSERT_TRUE(write_file(path("f"), text).ok());
    EXPECT_EQ(read_file(path("f"), 1 << 20).value().text(), text);
    EXPECT_EQ(map_file(path("f")).value().text(), text);
  }
}

TEST_F(Files, leave_no_temporary_behind) {
  ASSERT_TRUE(write_file(path("f"), "1").ok());
  ASSERT_TRUE(write_file(path("f"), "2").ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(Files, replaced_while_mapped_keep_their_old_bytes) {
  ASSERT_TRUE(write_file(path("f"), "old").ok());
  const Blob mapped = map_file(path("f")).value();
  ASSERT_TRUE(write_file(path("f"), "new").ok());
  EXPECT_EQ(mapped.text(), "old");
}

TEST_F(Files, that_are_missing_too_large_or_no_files_are_errors_with_their_path) {
  const auto missing = map_file(path("none"));
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
  EXPECT_THAT(missing.error().message, testing::HasSubstr("none"));
  EXPECT_EQ(read_file(path("none"), 10).error().kind, ErrorKind::not_found);
  EXPECT_EQ(map_file(folder_.path()).error().kind, ErrorKind::invalid);
  ASSERT_TRUE(write_file(path("f"), "12345").ok());
  EXPECT_THAT(read_file(path("f"), 4).error().message, testing::HasSubstr("5 bytes"));
  EXPECT_FALSE(write_file(path("no/such/folder"), "x").ok());
}

// Opening a pipe for reading waits for a writer; that must not hang a service.
TEST_F(Files, that_are_pipes_are_refused_without_waiting) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(map_file(path("pipe")).error().kind, ErrorKind::invalid);
  EXPECT_EQ(read_file(path("pipe"), 10).error().kind, ErrorKind::invalid);
}

TEST_F(Files, where_none_can_be_made_are_an_error) {
  EXPECT_FALSE(write_file("/dev/full/x", "x").ok());
  EXPECT_FALSE(write_file("/proc/hyps", "x").ok());
}

TEST(TemporaryFolders, go_with_all_that_is_in_them) {
  std::filesystem::path path;
  {
    const TemporaryFolder folder("test");
    path = folder.path();
    std::filesystem::create_directories(path / "a" / "b");
    std::ofstream(path / "a" / "b" / "c") << "x";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace hyps
