// What only the store on disk promises: it outlives its process, and damage is told, not hidden.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/base/file.hpp"
#include "common/store/store.hpp"

namespace hyps::store {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Store> open(const fs::path& folder) {
  auto store = open_rocksdb(folder);
  if (!store.ok()) {
    ADD_FAILURE() << store.error().message;
    return make_memory_store();
  }
  return std::move(store).value();
}

Batch batch_of(int n, std::size_t bytes, bool sync) {
  Batch batch;
  const std::string value(bytes, static_cast<char>('a' + n % 26));
  batch.puts = {{"left/" + std::to_string(n), Blob::copy_of(value)},
                {"right/" + std::to_string(n), Blob::copy_of(value)}};
  batch.sync = sync;
  return batch;
}

TEST(RocksDb, ReopensWithEverything) {
  const TemporaryFolder folder;
  {
    auto store = open(folder.path() / "db");
    for (int n = 0; n < 50; ++n) ASSERT_TRUE(store->write(batch_of(n, 100'000, false)).ok());
  }
  auto store = open(folder.path() / "db");
  EXPECT_EQ(store->warning(), "");
  int keys = 0;
  ASSERT_TRUE(store->scan_keys("left/", [&](std::string_view) { return ++keys > 0; }));
  EXPECT_EQ(keys, 50);
  EXPECT_EQ(store->get("right/7")->size(), 100'000U);
}

TEST(RocksDb, SecondOpenOfTheSameFolderIsRefused) {
  const TemporaryFolder folder;
  auto store = open(folder.path() / "db");
  const auto second = open_rocksdb(folder.path() / "db");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::io);
}

TEST(RocksDb, FolderThatCannotBeMadeIsAnError) {
  const auto store = open_rocksdb("/proc/nowhere/db");
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().kind, ErrorKind::io);
}

TEST(RocksDb, DeletedFeatureMapsGiveTheirSpaceBack) {
  const TemporaryFolder folder;
  auto store = open(folder.path() / "db");
  for (int job = 0; job < 300; ++job) {
    Batch batch;
    batch.puts = {{"c/" + std::to_string(job) + "/a", Blob::of(std::string(1U << 20U, 'x'))}};
    if (job >= 4) batch.delete_prefixes = {"c/" + std::to_string(job - 4) + "/"};
    ASSERT_TRUE(store->write(batch).ok());
  }
  store.reset();
  store = open(folder.path() / "db");
  std::uintmax_t used = 0;
  for (const auto& file : fs::directory_iterator(folder.path() / "db")) {
    if (file.is_regular_file()) used += file.file_size();
  }
  EXPECT_LT(used, 200U << 20U) << "300 MB written, 4 MB of it alive";
}

// ---- a child that is killed: this program again, running one disabled test ---------------------

constexpr const char* kFolderVariable = "HYPS_STORE_TEST_FOLDER";

fs::path folder_from_environment() {
  const char* folder = std::getenv(kFolderVariable);  // NOLINT(concurrency-mt-unsafe)
  return folder == nullptr ? fs::path{} : fs::path(folder);
}

TEST(StoreChild, DISABLED_WritesUntilKilled) {
  if (folder_from_environment().empty()) GTEST_SKIP() << "only as a child of another test";
  auto store = open(folder_from_environment());
  for (int n = 0; n < 1'000'000; ++n) {
    if (!store->write(batch_of(n, 20'000, true)).ok()) break;
    if (::write(STDERR_FILENO, ".", 1) != 1) break;
  }
}

TEST(StoreChild, DISABLED_WritesPastItsFileSizeLimit) {
  if (folder_from_environment().empty()) GTEST_SKIP() << "only as a child of another test";
  auto store = open(folder_from_environment());
  ASSERT_TRUE(store->write(batch_of(0, 1000, true)).ok());
  (void)std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{1U << 20U, 1U << 20U};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const Status status = store->write(batch_of(1, 2U << 20U, true));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::io);
  EXPECT_FALSE(store->get("left/1").ok());
  EXPECT_TRUE(store->get("left/0").ok());
}

struct Child {
  pid_t pid = -1;
  int output = -1;  // its standard error
};

Child start_child(const char* test, const fs::path& folder) {
  std::array<int, 2> pipe_ends{};
  EXPECT_EQ(::pipe(pipe_ends.data()), 0);
  const std::string filter = std::string("--gtest_filter=StoreChild.") + test;
  const std::string self = fs::read_symlink("/proc/self/exe").string();
  ::setenv(kFolderVariable, folder.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(pipe_ends[1], STDERR_FILENO);
    ::close(pipe_ends[0]);
    ::execl(self.c_str(), self.c_str(), filter.c_str(), "--gtest_also_run_disabled_tests",
            "--gtest_output=", nullptr);
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  return {pid, pipe_ends[0]};
}

int exit_status(const Child& child) {
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  ::close(child.output);
  return status;
}

int count_dots(int fd, int enough) {
  int dots = 0;
  char c = 0;
  while (dots < enough && ::read(fd, &c, 1) == 1) dots += c == '.' ? 1 : 0;
  return dots;
}

TEST(RocksDb, SyncedBatchesOutliveKillNineAndAreWhole) {
  const TemporaryFolder folder;
  const Child child = start_child("DISABLED_WritesUntilKilled", folder.path() / "db");
  const int acknowledged = count_dots(child.output, 60);
  ::kill(child.pid, SIGKILL);
  exit_status(child);
  ASSERT_EQ(acknowledged, 60);

  auto store = open(folder.path() / "db");
  EXPECT_EQ(store->warning(), "") << "a torn tail is no damage";
  for (int n = 0; n < acknowledged; ++n) {
    EXPECT_TRUE(store->get("left/" + std::to_string(n)).ok()) << n;
  }
  ASSERT_TRUE(store->scan_keys("left/", [&](std::string_view key) {
    const std::string n(key.substr(5));
    EXPECT_EQ(store->get("left/" + n)->size(), store->get("right/" + n)->size()) << n;
    return true;
  }));
}

TEST(RocksDb, WriteThatTheSystemRefusesIsAnErrorAndLeavesNothing) {
  const TemporaryFolder folder;
  const Child child = start_child("DISABLED_WritesPastItsFileSizeLimit", folder.path() / "db");
  EXPECT_EQ(exit_status(child), 0);
  auto store = open(folder.path() / "db");
  EXPECT_TRUE(store->get("left/0").ok());
  EXPECT_FALSE(store->get("left/1").ok());
}

// ---- damage
// --------------------------------------------------------------------------------------

fs::path file_with_extension(const fs::path& folder, const std::string& extension) {
  fs::path largest;
  for (const auto& file : fs::directory_iterator(folder)) {
    if (file.path().extension() != extension) continue;
    if (largest.empty() || file.file_size() > fs::file_size(largest)) largest = file.path();
  }
  return largest;
}

void flip_byte(const fs::path& path, std::streamoff offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(offset);
  const int byte = file.get();
  file.seekp(offset);
  file.put(static_cast<char>(byte ^ 0x55));
}

// A crash leaves the log unflushed; closing would flush it, so a killed child writes it.
void write_and_die(const fs::path& folder) {
  const Child child = start_child("DISABLED_WritesUntilKilled", folder);
  count_dots(child.output, 40);
  ::kill(child.pid, SIGKILL);
  exit_status(child);
}

TEST(RocksDb, DamageInTheMiddleOfTheLogIsToldAndACopyKept) {
  const TemporaryFolder folder;
  const fs::path db = folder.path() / "db";
  write_and_die(db);
  const fs::path log = file_with_extension(db, ".log");
  flip_byte(log, static_cast<std::streamoff>(fs::file_size(log) / 2));

  auto store = open(db);
  EXPECT_NE(store->warning(), "");
  const fs::path copy = folder.path() / "db.damaged";
  EXPECT_NE(store->warning().find(copy.string()), std::string::npos) << store->warning();
  EXPECT_FALSE(file_with_extension(copy, ".log").empty());
  EXPECT_TRUE(fs::exists(copy / "CURRENT"));
  EXPECT_TRUE(store->get("left/0").ok()) << "before the damage";
  ASSERT_TRUE(store->write(batch_of(1'000'001, 10, true)).ok());
  store.reset();
  EXPECT_EQ(open(db)->warning(), "") << "told once";
}

TEST(RocksDb, RottenValueIsCorruptWhenRead) {
  const TemporaryFolder folder;
  const fs::path db = folder.path() / "db";
  {
    auto store = open(db);
    for (int n = 0; n < 30; ++n) ASSERT_TRUE(store->write(batch_of(n, 1U << 20U, false)).ok());
  }
  ASSERT_TRUE(open(db)->get("left/0").ok());
  const fs::path blob = file_with_extension(db, ".blob");
  ASSERT_FALSE(blob.empty());
  for (int i = 1; i < 20; ++i) {
    flip_byte(blob,
              static_cast<std::streamoff>(fs::file_size(blob) * static_cast<unsigned>(i) / 20));
  }
  auto store = open(db);
  int corrupt = 0;
  for (int n = 0; n < 30; ++n) {
    const auto value = store->get("left/" + std::to_string(n));
    if (!value.ok() && value.error().kind == ErrorKind::corrupt) ++corrupt;
  }
  EXPECT_GT(corrupt, 0);
}

TEST(RocksDb, RottenSmallValuesAreToldOneByOneAndTheirKeysListed) {
  const TemporaryFolder folder;
  const fs::path db = folder.path() / "db";
  constexpr int kKeys = 2000;
  {
    auto store = open(db);
    Batch batch;
    for (int n = 0; n < kKeys; ++n) {
      batch.puts.emplace_back(fmt::format("small/{:04}", n), Blob::of(std::string(100, 'x')));
    }
    ASSERT_TRUE(store->write(batch).ok());
  }
  ASSERT_TRUE(open(db)->get("small/0000").ok());  // the log is now a table
  const fs::path table = file_with_extension(db, ".sst");
  ASSERT_FALSE(table.empty());
  flip_byte(table, static_cast<std::streamoff>(fs::file_size(table) / 2));
  auto store = open(db);
  int listed = 0;
  int corrupt = 0;
  ASSERT_TRUE(store->scan_keys("small/", [&](std::string_view key) {
    ++listed;
    const auto value = store->get(key);
    EXPECT_TRUE(value.ok() || value.error().kind == ErrorKind::corrupt) << key;
    corrupt += value.ok() ? 0 : 1;
    return true;
  }));
  EXPECT_EQ(listed, kKeys);
  EXPECT_GT(corrupt, 0);
  EXPECT_LT(corrupt, kKeys / 10);
}

// Every blob file, at one place in the middle.
void flip_blobs(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".blob") continue;
    std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
    const auto middle = static_cast<std::streamoff>(entry.file_size() / 2);
    file.seekg(middle);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(middle);
    file.put(byte);
  }
}

TEST(RocksDb, RottenBlobsThatACompactionMeetsStopNoWrites) {
  const TemporaryFolder folder;
  const fs::path place = folder.path() / "db";
  constexpr std::size_t kBytes = 1U << 20U;
  {
    auto store = open(place);
    for (int n = 0; n < 12; ++n) ASSERT_TRUE(store->write(batch_of(n, kBytes, false)).ok());
  }
  open(place).reset();  // the log becomes tables and blobs
  flip_blobs(place);
  auto store = open(place);
  for (int n = 100; n < 180; ++n) {  // enough tables for compactions
    const Status written = store->write(batch_of(n, kBytes, false));
    ASSERT_TRUE(written.ok()) << n << ": " << written.error().message;
  }
  int rotten = 0;
  for (int n = 0; n < 12; ++n) {
    const auto value = store->get("left/" + std::to_string(n));
    if (value.ok()) continue;
    EXPECT_EQ(value.error().kind, ErrorKind::corrupt) << value.error().message;
    ++rotten;
  }
  for (int n = 0; n < 12; ++n) {
    const auto value = store->get("right/" + std::to_string(n));
    if (!value.ok()) ++rotten;
  }
  EXPECT_GT(rotten, 0);
}

TEST(RocksDb, ValueWhoseBlobFileIsGoneIsCorruptWhenRead) {
  const TemporaryFolder folder;
  const fs::path place = folder.path() / "db";
  ASSERT_TRUE(open(place)->write(batch_of(1, 100'000, true)).ok());
  open(place).reset();
  auto store = open(place);
  for (const auto& entry : fs::directory_iterator(place)) {
    if (entry.path().extension() == ".blob") fs::remove(entry.path());
  }
  const auto value = store->get("left/1");
  ASSERT_FALSE(value.ok());
  EXPECT_EQ(value.error().kind, ErrorKind::corrupt) << value.error().message;
}

TEST(RocksDb, BackupRemovesWhatOneThatWasKilledHasLeft) {
  const TemporaryFolder folder;
  auto store = open(folder.path() / "db");
  ASSERT_TRUE(store->write(batch_of(1, 100, true)).ok());
  const fs::path left = folder.path() / "monday.tmp";
  fs::create_directories(left);
  std::ofstream(left / "CURRENT") << "half of it";
  ASSERT_TRUE(store->backup(folder.path() / "monday").ok());
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(open(folder.path() / "monday")->get("left/1").ok());
}

}  // namespace
}  // namespace hyps::store
