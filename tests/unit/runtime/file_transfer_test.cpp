// Fetcher and uploader against a hub that answers from memory over a line that loses, doubles,
// reorders and damages.
#include "common/runtime/file_transfer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "common/base/file.hpp"
#include "common/base/random.hpp"

namespace hyps::runtime {
namespace {

using protocol::kPartBytes;

std::string pattern(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::string text(size, '\0');
  std::generate(text.begin(), text.end(), [&] { return static_cast<char>(random.next()); });
  return text;
}

protocol::FileRef ref_of(const std::string& data, const std::string& name = "f") {
  return {name, data.size(), digest_of(data)};
}

// Messages under way in one direction.
template <typename Message>
class Line {
 public:
  Line(std::uint64_t seed, bool faulty) : random_(seed), faulty_(faulty) {}
  void put(std::vector<Message> messages) {
    for (Message& message : messages) {
      if (faulty_ && random_.below(5) == 0) continue;
      if (faulty_ && random_.below(5) == 0) messages_.push_back(message);
      messages_.push_back(std::move(message));
    }
  }
  std::vector<Message> take() {
    std::vector<Message> messages = std::exchange(messages_, {});
    for (std::size_t i = messages.size(); faulty_ && i > 1; --i) {
      std::swap(messages[i - 1], messages[random_.below(i)]);
    }
    return messages;
  }

 private:
  Random random_;
  bool faulty_;
  std::vector<Message> messages_;
};

struct FakeHub {
  std::map<Digest, std::string> files;

  [[nodiscard]] std::vector<protocol::Part> answer(const protocol::PartGet& get) const {
    const std::string& data = files.at(get.file);
    const auto size = std::min<std::size_t>(kPartBytes, data.size() - get.offset);
    return {{get.file, get.offset, Blob::copy_of(std::string_view(data).substr(get.offset, size))}};
  }
  std::vector<protocol::PartStored> store(const protocol::PartPut& put) {
    std::string& data = files[put.file];
    data.resize(put.bytes);
    data.replace(put.offset, put.data.size(), put.data.text());
    return {{put.file, put.offset}};
  }
};

// Steps of 100 ms of a clock that is ours. Returns the largest number of requests made at once.
std::size_t fetch_all(FileFetcher& fetcher, const FakeHub& hub, std::uint64_t seed, bool faulty) {
  Line<protocol::PartGet> requests(seed, faulty);
  Line<protocol::Part> answers(seed + 1, faulty);
  std::size_t most = 0;
  for (Milliseconds now{0}; !fetcher.idle() && now < Milliseconds(1'000'000);
       now += Milliseconds(100)) {
    requests.put(fetcher.on_tick(now));
    const auto asked = requests.take();
    most = std::max(most, asked.size());
    for (const auto& get : asked) answers.put(hub.answer(get));
    for (const auto& part : answers.take()) requests.put(fetcher.on_part(part, now));
  }
  return most;
}

void upload_all(FileUploader& uploader, FakeHub& hub, std::uint64_t seed, bool faulty) {
  Line<protocol::PartPut> puts(seed, faulty);
  Line<protocol::PartStored> answers(seed + 1, faulty);
  for (Milliseconds now{0}; !uploader.idle() && now < Milliseconds(1'000'000);
       now += Milliseconds(100)) {
    puts.put(uploader.on_tick(now));
    for (const auto& put : puts.take()) answers.put(hub.store(put));
    for (const auto& stored : answers.take()) puts.put(uploader.on_stored(stored, now));
  }
}

std::vector<std::string> sample_files() {
  return {"", "x", pattern(kPartBytes, 1), pattern(kPartBytes + 1, 2),
          pattern(10 * kPartBytes - 7, 3)};
}

class Transfers : public testing::TestWithParam<bool> {
 protected:
  TemporaryFolder folder_;
};

TEST_P(Transfers, fetch_every_file_whole) {
  FakeHub hub;
  FileFetcher fetcher(folder_.path() / "cache", 4);
  std::uint64_t bytes = 0;
  for (const std::string& data : sample_files()) {
    hub.files[digest_of(data)] = data;
    fetcher.want(ref_of(data));
    bytes += data.size();
  }
  EXPECT_EQ(fetcher.bytes_total(), bytes);
  const std::size_t most = fetch_all(fetcher, hub, 7, GetParam());
  ASSERT_TRUE(fetcher.idle());
  EXPECT_EQ(fetcher.bytes_done(), bytes);
  EXPECT_EQ(fetcher.bytes_total(), bytes);
  EXPECT_TRUE(GetParam() || most <= 4U);
  for (const std::string& data : sample_files()) {
    ASSERT_TRUE(fetcher.has(ref_of(data)));
    EXPECT_EQ(map_file(fetcher.path_of(ref_of(data))).value().text(), data);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / "cache")) {
    EXPECT_EQ(entry.path().extension(), "") << entry.path();
  }
}

TEST_P(Transfers, upload_every_file_whole) {
  FakeHub hub;
  FileUploader uploader(4);
  std::uint64_t bytes = 0;
  for (const std::string& data : sample_files()) {
    const auto path = folder_.path() / std::to_string(data.size());
    ASSERT_TRUE(write_file(path, data).ok());
    const auto file = uploader.add(path, "n");
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(*file, ref_of(data, "n"));
    bytes += data.size();
  }
  upload_all(uploader, hub, 9, GetParam());
  ASSERT_TRUE(uploader.idle());
  EXPECT_EQ(uploader.bytes_done(), bytes);
  EXPECT_EQ(uploader.bytes_total(), bytes);
  for (const std::string& data : sample_files()) EXPECT_EQ(hub.files.at(digest_of(data)), data);
}

INSTANTIATE_TEST_SUITE_P(Line, Transfers, testing::Bool(),
                         [](const auto& faulty) { return faulty.param ? "faulty" : "clean"; });

TEST(FileFetcher, does_not_fetch_what_is_there) {
  const TemporaryFolder folder;
  const std::string data = pattern(1000, 1);
  ASSERT_TRUE(write_file(folder.path() / digest_of(data).hex(), data).ok());
  FileFetcher fetcher(folder.path());
  fetcher.want(ref_of(data));
  EXPECT_TRUE(fetcher.idle());
  EXPECT_TRUE(fetcher.on_tick(Milliseconds(0)).empty());
}

TEST(FileFetcher, asks_again_after_two_seconds_and_not_before) {
  const TemporaryFolder folder;
  FileFetcher fetcher(folder.path(), 2);
  fetcher.want(ref_of(pattern(3 * kPartBytes, 1)));
  EXPECT_EQ(fetcher.on_tick(Milliseconds(0)).size(), 2U);
  EXPECT_EQ(fetcher.on_tick(Milliseconds(1999)).size(), 0U);
  EXPECT_EQ(fetcher.on_tick(Milliseconds(2000)).size(), 2U);
}

// A line that carries one part every two seconds: a window takes far longer than the first
// patience.
TEST(FileFetcher, a_slow_line_was_flooded_with_repeated_requests) {
  const TemporaryFolder folder;
  FakeHub hub;
  const std::string data = pattern(40 * kPartBytes, 1);
  hub.files[digest_of(data)] = data;
  FileFetcher fetcher(folder.path(), 8);
  fetcher.want(ref_of(data));
  std::deque<protocol::PartGet> line;
  std::size_t asked = 0;
  const auto put = [&](const std::vector<protocol::PartGet>& requests) {
    asked += requests.size();
    line.insert(line.end(), requests.begin(), requests.end());
  };
  for (Milliseconds now{0}; !fetcher.idle() && now < Milliseconds(1'000'000);
       now += Milliseconds(100)) {
    put(fetcher.on_tick(now));
    if (now.count() % 2000 != 0 || now.count() == 0) continue;
    const auto get = line.front();
    line.pop_front();
    put(fetcher.on_part(hub.answer(get).front(), now));
  }
  EXPECT_TRUE(fetcher.has(ref_of(data)));
  EXPECT_LT(asked, 40U + 40U);
}

TEST(FileFetcher, asks_a_silent_hub_less_often_and_is_quick_again_when_it_answers) {
  const TemporaryFolder folder;
  FakeHub hub;
  const std::string data = pattern(3 * kPartBytes, 1);
  hub.files[digest_of(data)] = data;
  FileFetcher fetcher(folder.path(), 1);
  fetcher.want(ref_of(data));
  std::vector<std::int64_t> asked_ms;
  Milliseconds now{0};
  std::vector<protocol::PartGet> last;
  for (; now < Milliseconds(60'000); now += Milliseconds(1000)) {
    const auto requests = fetcher.on_tick(now);
    if (requests.empty()) continue;
    last = requests;
    asked_ms.push_back(now.count());
  }
  EXPECT_EQ(asked_ms, (std::vector<std::int64_t>{0, 2000, 6000, 14'000, 22'000, 30'000, 38'000,
                                                 46'000, 54'000}));
  const auto second = fetcher.on_part(hub.answer(last.front()).front(), now);
  const auto third = fetcher.on_part(hub.answer(second.front()).front(), now + Milliseconds(10));
  ASSERT_EQ(third.size(), 1U);
  EXPECT_EQ(fetcher.on_tick(now + Milliseconds(2000)).size(), 0U);
  EXPECT_EQ(fetcher.on_tick(now + Milliseconds(2010)).size(), 1U);
}

TEST(FileFetcher, a_full_disk_cost_three_downloads_before_it_was_noticed) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  const TemporaryFolder folder;
  FakeHub hub;
  const std::string data = pattern(20 * kPartBytes, 1);
  hub.files[digest_of(data)] = data;
  const auto file = ref_of(data);
  std::filesystem::create_symlink("/dev/full", folder.path() / (file.digest.hex() + ".part"));
  FileFetcher fetcher(folder.path(), 4);
  fetcher.want(file);
  const auto requests = fetcher.on_tick(Milliseconds(0));
  (void)fetcher.on_part(hub.answer(requests.front()).front(), Milliseconds(0));
  EXPECT_TRUE(fetcher.idle());
  EXPECT_FALSE(fetcher.has(file));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_NE(fetcher.problem().find("No space left on device"), std::string::npos)
      << fetcher.problem();
}

TEST(FileFetcher, a_cache_that_was_removed_is_made_again) {
  const TemporaryFolder folder;
  FakeHub hub;
  const std::string data = pattern(kPartBytes / 2, 1);
  hub.files[digest_of(data)] = data;
  const auto file = ref_of(data);
  FileFetcher fetcher(folder.path() / "files", 4);
  std::filesystem::remove_all(folder.path() / "files");
  fetcher.want(file);
  const auto requests = fetcher.on_tick(Milliseconds(0));
  (void)fetcher.on_part(hub.answer(requests.front()).front(), Milliseconds(0));
  EXPECT_TRUE(fetcher.has(file)) << fetcher.problem();
}

// What is read back from the disk is what came out of order.
TEST(FileFetcher, parts_in_any_order_give_the_file) {
  const TemporaryFolder folder;
  FakeHub hub;
  const std::string data = pattern(3 * kPartBytes + 5, 1);
  hub.files[digest_of(data)] = data;
  const auto file = ref_of(data);
  FileFetcher fetcher(folder.path(), 4);
  fetcher.want(file);
  const auto requests = fetcher.on_tick(Milliseconds(0));
  ASSERT_EQ(requests.size(), 4U);
  for (const std::size_t i : {0U, 2U, 1U, 3U}) {
    EXPECT_FALSE(fetcher.has(file));
    (void)fetcher.on_part(hub.answer(requests[i]).front(), Milliseconds(0));
  }
  EXPECT_TRUE(fetcher.has(file));
}

TEST(FileFetcher, never_shows_a_file_whose_digest_is_wrong_and_gives_up) {
  const TemporaryFolder folder;
  FakeHub hub;
  const std::string data = pattern(2 * kPartBytes, 1);
  hub.files[digest_of(data)] = pattern(2 * kPartBytes, 2);
  FileFetcher fetcher(folder.path());
  fetcher.want(ref_of(data));
  std::size_t asked = 0;
  std::vector<protocol::PartGet> requests = fetcher.on_tick(Milliseconds(0));
  while (!requests.empty() && asked < 100) {
    ++asked;
    const auto part = hub.answer(requests.front()).front();
    requests.erase(requests.begin());
    const auto more = fetcher.on_part(part, Milliseconds(0));
    requests.insert(requests.end(), more.begin(), more.end());
  }
  EXPECT_EQ(asked, 3U * 2U);  // three starts of two parts
  EXPECT_TRUE(fetcher.idle());
  EXPECT_FALSE(fetcher.has(ref_of(data)));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(FileFetcher, a_part_damaged_once_costs_another_start_and_the_file_is_right) {
  const TemporaryFolder folder;
  FakeHub hub;
  const std::string data = pattern(5 * kPartBytes + 3, 1);
  hub.files[digest_of(data)] = data;
  FileFetcher fetcher(folder.path());
  fetcher.want(ref_of(data));
  hub.files[digest_of(data)][2 * kPartBytes] ^= 1;
  int parts = 0;
  std::vector<protocol::PartGet> requests = fetcher.on_tick(Milliseconds(0));
  while (!requests.empty() && parts < 100) {
    if (++parts == 6) hub.files[digest_of(data)] = data;
    const auto part = hub.answer(requests.front()).front();
    requests.erase(requests.begin());
    const auto more = fetcher.on_part(part, Milliseconds(0));
    requests.insert(requests.end(), more.begin(), more.end());
  }
  EXPECT_EQ(parts, 12);
  ASSERT_TRUE(fetcher.has(ref_of(data)));
  EXPECT_EQ(map_file(fetcher.path_of(ref_of(data))).value().text(), data);
}

TEST(FileFetcher, ignores_parts_that_nobody_asked_for_or_that_have_a_wrong_size) {
  const TemporaryFolder folder;
  const std::string data = pattern(2 * kPartBytes, 1);
  FileFetcher fetcher(folder.path());
  const Digest file = digest_of(data);
  const Blob part = Blob::copy_of(std::string_view(data).substr(0, kPartBytes));
  EXPECT_TRUE(fetcher.on_part({file, 0, part}, Milliseconds(0)).empty());  // not wanted
  fetcher.want(ref_of(data));
  (void)fetcher.on_tick(Milliseconds(0));
  for (const std::uint64_t offset : {std::uint64_t{1}, 2 * kPartBytes, ~std::uint64_t{0}}) {
    (void)fetcher.on_part({file, offset, part}, Milliseconds(0));
  }
  (void)fetcher.on_part({file, 0, part.slice(0, 10)}, Milliseconds(0));
  EXPECT_EQ(fetcher.bytes_done(), 0U);
}

TEST(FileFetcher, a_file_that_claims_to_be_endless_costs_a_window_only) {
  const TemporaryFolder folder;
  FileFetcher fetcher(folder.path(), 3);
  fetcher.want({"f", ~std::uint64_t{0}, {1, 2}});
  EXPECT_EQ(fetcher.on_tick(Milliseconds(0)).size(), 3U);
}

TEST(FileFetcher, a_refusal_names_the_file_and_ends_the_asking) {
  const TemporaryFolder folder;
  FileFetcher fetcher(folder.path());
  const auto file = ref_of("data", "weights.bin");
  fetcher.want(file);
  EXPECT_FALSE(fetcher.on_refused({0, {9, 9}, 0, "not found", "no"}));
  const auto error = fetcher.on_refused({0, file.digest, 0, "not found", "no such file"});
  ASSERT_TRUE(error);
  EXPECT_NE(error->message.find("weights.bin"), std::string::npos);
  EXPECT_TRUE(fetcher.idle());
}

TEST(FileUploader, a_refusal_names_the_file_and_one_of_another_file_is_not_ours) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder.path() / "f", "data").ok());
  FileUploader uploader;
  const auto file = uploader.add(folder.path() / "f", "weights.bin");
  ASSERT_TRUE(file.ok());
  EXPECT_FALSE(uploader.on_refused({0, {9, 9}, 0, "overloaded", "no"}));
  const auto error = uploader.on_refused({0, file->digest, 0, "overloaded", "the disk is full"});
  ASSERT_TRUE(error);
  EXPECT_NE(error->message.find("weights.bin"), std::string::npos);
  EXPECT_NE(error->message.find("the disk is full"), std::string::npos);
}

TEST(FileUploader, a_file_that_is_not_there_is_an_error) {
  FileUploader uploader;
  EXPECT_EQ(uploader.add("/nowhere/f", "f").error().kind, ErrorKind::not_found);
  EXPECT_TRUE(uploader.idle());
}

}  // namespace
}  // namespace hyps::runtime
