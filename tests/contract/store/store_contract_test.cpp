// What every Store promises, run on each implementation.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include "common/base/digest.hpp"
#include "common/base/file.hpp"
#include "common/base/random.hpp"
#include "common/store/store.hpp"

namespace hyps::store {
namespace {

struct Made {
  std::unique_ptr<TemporaryFolder> folder;
  std::unique_ptr<Store> store;
};

Made make_rocksdb() {
  auto folder = std::make_unique<TemporaryFolder>();
  auto store = open_rocksdb(folder->path() / "db");
  EXPECT_TRUE(store.ok()) << (store.ok() ? "" : store.error().message);
  return {std::move(folder), std::move(store).value()};
}

Made make_memory() { return {nullptr, make_memory_store()}; }

struct Implementation {
  const char* name;
  Made (*make)();
};

class StoreContract : public testing::TestWithParam<Implementation> {
 protected:
  void put(const std::string& key, const std::string& value) {
    Batch batch;
    batch.puts.emplace_back(key, Blob::copy_of(value));
    ASSERT_TRUE(store().write(batch).ok());
  }
  std::vector<std::string> keys(std::string_view prefix) {
    std::vector<std::string> found;
    EXPECT_TRUE(store().scan_keys(prefix, [&](std::string_view key) {
      found.emplace_back(key);
      return true;
    }));
    return found;
  }
  std::string text(std::string_view key) {
    const auto value = store().get(key);
    return value.ok() ? std::string(value->text()) : "<" + value.error().message + ">";
  }
  Store& store() { return *made_.store; }

 private:
  Made made_ = GetParam().make();
};

using Keys = std::vector<std::string>;

TEST_P(StoreContract, GivesBackWhatWasWritten) {
  put("a", "first");
  EXPECT_EQ(text("a"), "first");
  put("a", "second");
  EXPECT_EQ(text("a"), "second");
}

TEST_P(StoreContract, MissingKeyIsNotFoundAndNamed) {
  const auto value = store().get("nobody");
  ASSERT_FALSE(value.ok());
  EXPECT_EQ(value.error().kind, ErrorKind::not_found);
  EXPECT_NE(value.error().message.find("nobody"), std::string::npos);
}

TEST_P(StoreContract, EmptyValueIsAValue) {
  put("empty", "");
  const auto value = store().get("empty");
  ASSERT_TRUE(value.ok());
  EXPECT_TRUE(value->empty());
  EXPECT_EQ(keys("empty"), Keys{"empty"});
}

TEST_P(StoreContract, KeysAndValuesAreAnyBytes) {
  const std::string key("k\0\xff/", 4);
  const std::string value("\0\xff\0", 3);
  put(key, value);
  EXPECT_EQ(text(key), value);
  EXPECT_EQ(keys(std::string("k\0", 2)), Keys{key});
}

TEST_P(StoreContract, ScanIsInByteOrderAndStaysBelowThePrefix) {
  for (const char* key : {"b/2", "a/9", "b/10", "b/1", "c/1", "b", "b0"}) put(key, key);
  EXPECT_EQ(keys("b/"), (Keys{"b/1", "b/10", "b/2"}));
  Keys found;
  ASSERT_TRUE(store().scan("b/", [&](std::string_view key, const Blob& value) {
    EXPECT_EQ(key, value.text());
    found.emplace_back(key);
    return true;
  }));
  EXPECT_EQ(found, (Keys{"b/1", "b/10", "b/2"}));
  EXPECT_EQ(keys("").size(), 7U);
  EXPECT_TRUE(keys("zzz").empty());
}

TEST_P(StoreContract, ScanStopsWhenToldTo) {
  for (const char* key : {"a", "b", "c"}) put(key, "");
  int calls = 0;
  ASSERT_TRUE(store().scan("", [&](std::string_view, const Blob&) { return ++calls < 2; }));
  EXPECT_EQ(calls, 2);
  calls = 0;
  ASSERT_TRUE(store().scan_keys("", [&](std::string_view) { return ++calls < 2; }));
  EXPECT_EQ(calls, 2);
}

TEST_P(StoreContract, ScanCallbackMayUseTheStore) {
  put("a/1", "x");
  put("a/2", "y");
  Batch batch;
  ASSERT_TRUE(store().scan_keys("a/", [&](std::string_view key) {
    batch.puts.emplace_back("b/" + std::string(key), *store().get(key));
    return store().write(batch).ok();
  }));
  EXPECT_EQ(keys("b/"), (Keys{"b/a/1", "b/a/2"}));
}

TEST_P(StoreContract, DeletedKeysAreGoneEverywhere) {
  put("a", "1");
  put("b", "2");
  Batch batch;
  batch.deletes = {"a", "never there"};
  ASSERT_TRUE(store().write(batch).ok());
  EXPECT_FALSE(store().get("a").ok());
  EXPECT_EQ(keys(""), Keys{"b"});
}

TEST_P(StoreContract, DeletedPrefixTakesAllBelowItAndNothingElse) {
  for (const char* key : {"j/1", "j/1/a", "j/1/b", "j/10/a", "j/2/a", "j"}) put(key, "x");
  Batch batch;
  batch.delete_prefixes = {"j/1/"};
  ASSERT_TRUE(store().write(batch).ok());
  EXPECT_EQ(keys(""), (Keys{"j", "j/1", "j/10/a", "j/2/a"}));
  EXPECT_FALSE(store().get("j/1/a").ok());
  EXPECT_TRUE(store().get("j/10/a").ok());
}

TEST_P(StoreContract, PrefixOfHighestBytesIsDeletedToo) {
  put("\xff\xff", "x");
  put("\xff\xff\x01", "x");
  put("a", "x");
  Batch batch;
  batch.delete_prefixes = {"\xff\xff"};
  ASSERT_TRUE(store().write(batch).ok());
  EXPECT_EQ(keys(""), Keys{"a"});
  batch.delete_prefixes = {""};
  ASSERT_TRUE(store().write(batch).ok());
  EXPECT_TRUE(keys("").empty());
}

TEST_P(StoreContract, BatchDeletesFirstAndPutsLast) {
  put("j/old", "x");
  put("k", "old");
  Batch batch;
  batch.delete_prefixes = {"j/"};
  batch.deletes = {"k"};
  batch.puts = {{"j/new", Blob::copy_of("y")}, {"k", Blob::copy_of("new")}};
  ASSERT_TRUE(store().write(batch).ok());
  EXPECT_EQ(keys(""), (Keys{"j/new", "k"}));
  EXPECT_EQ(text("k"), "new");
}

TEST_P(StoreContract, BatchesOfOneWriteAreAppliedInOrder) {
  put("j/old", "x");
  std::vector<Batch> batches(4);
  batches[0].puts = {{"j/new", Blob::copy_of("1")}, {"k", Blob::copy_of("1")}};
  batches[1].delete_prefixes = {"j/"};
  batches[1].sync = true;
  batches[2].puts = {{"j/again", Blob::copy_of("2")}, {"k", Blob::copy_of("2")}};
  batches[3].deletes = {"k"};
  ASSERT_TRUE(store().write(batches).ok());
  EXPECT_EQ(keys(""), (Keys{"j/again"}));
  EXPECT_EQ(text("k").front(), '<');
  EXPECT_EQ(text("j/new").front(), '<');
  EXPECT_TRUE(store().write(std::span<const Batch>()).ok());
}

TEST_P(StoreContract, PrefixesOfFewAndOfManyKeysAreDeletedAlike) {
  for (const int count : {1, 31, 32, 33, 34, 500}) {
    for (int i = 0; i < count; ++i) put("j/" + std::to_string(i), "x");
    put("i", "before");
    put("j0", "after");
    Batch batch;
    batch.delete_prefixes = {"j/"};
    ASSERT_TRUE(store().write(batch).ok());
    EXPECT_EQ(keys(""), (Keys{"i", "j0"})) << count;
    EXPECT_EQ(text("j/0").front(), '<');
  }
}

TEST_P(StoreContract, LargeValuesKeepTheirBytes) {
  std::string large(13U << 20U, '\0');
  Random random(7);
  for (std::size_t i = 0; i < large.size(); i += 8) large[i] = static_cast<char>(random.next());
  put("large", large);
  const auto value = store().get("large");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->size(), large.size());
  EXPECT_EQ(digest_of(value->bytes()), digest_of(large));
}

TEST_P(StoreContract, ValuesThatGrowAndShrinkAreTheLatestAlways) {
  for (const std::size_t size : {1U, 2047U, 2048U, 2049U, 5000U, 10U, 100'000U, 0U, 2049U}) {
    const std::string value(size, static_cast<char>('a' + size % 20));
    put("k", value);
    EXPECT_EQ(text("k"), value) << size;
    std::size_t found = 0;
    EXPECT_TRUE(store().scan("k", [&](std::string_view, const Blob& scanned) {
      EXPECT_EQ(scanned.text(), value) << size;
      ++found;
      return true;
    }));
    EXPECT_EQ(found, 1U);
    EXPECT_EQ(keys(""), std::vector<std::string>{"k"});
  }
  Batch gone;
  gone.deletes = {"k"};
  ASSERT_TRUE(store().write(gone).ok());
  EXPECT_EQ(store().get("k").error().kind, ErrorKind::not_found);
  put("k", "small");
  EXPECT_EQ(text("k"), "small");
}

TEST_P(StoreContract, ValueOutlivesItsDeletion) {
  put("a", std::string(100'000, 'x'));
  const auto value = store().get("a");
  Batch batch;
  batch.deletes = {"a"};
  ASSERT_TRUE(store().write(batch).ok());
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->text(), std::string(100'000, 'x'));
}

TEST_P(StoreContract, ManyKeys) {
  for (int group = 0; group < 20; ++group) {
    Batch batch;
    for (int i = 0; i < 1000; ++i) {
      const int n = group * 1000 + (i * 7) % 1000;
      batch.puts.emplace_back("n/" + std::to_string(100'000 + n), Blob::copy_of(std::to_string(n)));
    }
    ASSERT_TRUE(store().write(batch).ok());
  }
  const Keys found = keys("n/");
  ASSERT_EQ(found.size(), 20'000U);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
  EXPECT_EQ(text("n/112345"), "12345");
}

TEST_P(StoreContract, AgreesWithAPlainMapOverRandomBatches) {
  std::map<std::string, std::string> expected;
  Random random(42);
  std::vector<Batch> together;
  for (int step = 0; step < 400; ++step) {
    Batch& batch = together.emplace_back();
    batch.sync = random.below(50) == 0;
    if (random.below(10) == 0) {
      const std::string prefix = std::to_string(random.below(20)) + "/";
      batch.delete_prefixes = {prefix};
      std::erase_if(expected, [&](const auto& item) { return item.first.starts_with(prefix); });
    }
    for (std::uint64_t i = random.below(4); i > 0; --i) {
      const std::string key =
          std::to_string(random.below(20)) + "/" + std::to_string(random.below(20));
      std::string value(random.below(12'000), static_cast<char>('a' + random.below(26)));
      batch.puts.emplace_back(key, Blob::copy_of(value));
      expected[key] = value;
    }
    if (step < 399 && random.below(3) > 0) continue;
    ASSERT_TRUE(store().write(together).ok());
    together.clear();
  }
  std::map<std::string, std::string> actual;
  ASSERT_TRUE(store().scan("", [&](std::string_view key, const Blob& value) {
    actual.emplace(key, value.text());
    return true;
  }));
  EXPECT_EQ(actual, expected);
}

std::map<std::string, std::string> all_of(const Store& store) {
  std::map<std::string, std::string> all;
  EXPECT_TRUE(store.scan("", [&](std::string_view key, const Blob& value) {
    all.emplace(key, value.text());
    return true;
  }));
  return all;
}

TEST_P(StoreContract, BackupIsAStoreOfWhatWasThere) {
  const TemporaryFolder folder;
  const auto place = folder.path() / "not" / "there" / "yet";
  for (int i = 0; i < 300; ++i) {
    put("n/" + std::to_string(i), std::string(static_cast<std::size_t>(i) * 100, 'x'));
  }
  Batch gone;
  gone.delete_prefixes = {"n/1"};
  ASSERT_TRUE(store().write(gone).ok());
  const auto before = all_of(store());
  ASSERT_TRUE(store().backup(place));
  put("n/2", "changed later");
  put("new", "and this");
  auto copy = open_rocksdb(place);
  ASSERT_TRUE(copy.ok()) << copy.error().message;
  EXPECT_EQ((*copy)->warning(), "");
  EXPECT_EQ(all_of(**copy), before);
  // Neither is the other's: each goes on by itself.
  Batch batch;
  batch.delete_prefixes = {""};
  ASSERT_TRUE((*copy)->write(batch));
  EXPECT_EQ(text("n/2"), "changed later");
  EXPECT_EQ(text("n/299").size(), 29'900U);
}

TEST_P(StoreContract, BackupNeverWritesOverAnything) {
  const TemporaryFolder folder;
  put("a", "1");
  const auto taken = folder.path() / "taken";
  ASSERT_TRUE(write_file(taken, "a file"));
  std::filesystem::create_directory(folder.path() / "full");
  ASSERT_TRUE(write_file(folder.path() / "full" / "file", "another"));
  std::filesystem::create_directory(folder.path() / "empty");
  std::filesystem::create_directory_symlink(folder.path() / "empty", folder.path() / "link");
  for (const char* name : {"taken", "full", "link"}) {
    const Status status = store().backup(folder.path() / name);
    ASSERT_FALSE(status.ok()) << name;
    EXPECT_EQ(status.error().kind, ErrorKind::invalid);
    EXPECT_NE(status.error().message.find(name), std::string::npos);
  }
  EXPECT_EQ(read_file(taken, 100)->text(), "a file");
  EXPECT_EQ(read_file(folder.path() / "full" / "file", 100)->text(), "another");
  EXPECT_TRUE(store().backup(folder.path() / "empty")) << "an empty folder may be used";
  EXPECT_FALSE(store().backup(folder.path() / "empty").ok()) << "but once only";
}

TEST_P(StoreContract, BackupWhereNothingCanBeWrittenIsAnError) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder.path() / "file", ""));
  const Status status = store().backup(folder.path() / "file" / "below");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::io);
}

// Taken in the middle of writing, it holds what one moment held: keys 0 to n, each batch whole.
TEST_P(StoreContract, BackupWhileWritingIsOfOneMoment) {
  const TemporaryFolder folder;
  constexpr int kBatches = 400;
  std::atomic<int> written{0};
  std::thread writer([&] {
    for (int i = 0; i < kBatches; ++i) {
      Batch batch;
      const std::string n = std::to_string(100'000 + i);
      batch.puts.emplace_back("a/" + n, Blob::of(std::string(8000, 'a')));
      batch.puts.emplace_back("b/" + n, Blob::of(std::string(10, 'b')));
      EXPECT_TRUE(store().write(batch));
      ++written;
    }
  });
  while (written.load() < kBatches / 4) std::this_thread::yield();
  const int before = written.load();
  ASSERT_TRUE(store().backup(folder.path() / "copy"));
  writer.join();
  const auto copy = open_rocksdb(folder.path() / "copy");
  ASSERT_TRUE(copy.ok());
  const auto all = all_of(**copy);
  const int batches = static_cast<int>(all.size()) / 2;
  EXPECT_GE(batches, before);
  for (int i = 0; i < batches; ++i) {
    const std::string n = std::to_string(100'000 + i);
    ASSERT_TRUE(all.contains("a/" + n) && all.contains("b/" + n)) << i << " of " << batches;
  }
}

TEST_P(StoreContract, ReportsFreeAndTotalBytes) {
  EXPECT_GT(store().free_bytes(), 0);
  EXPECT_GE(store().total_bytes(), store().free_bytes());
}

INSTANTIATE_TEST_SUITE_P(Store, StoreContract,
                         testing::Values(Implementation{"RocksDb", make_rocksdb},
                                         Implementation{"Memory", make_memory}),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace hyps::store
