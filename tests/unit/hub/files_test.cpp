// Files in parts: idempotent, checked, bounded, collected.
#include "services/hub/files.hpp"

#include <gtest/gtest.h>

#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

using protocol::kPartBytes;

class HubFiles : public testing::Test {
 protected:
  static std::string content(std::size_t bytes) {
    std::string text(bytes, ' ');
    for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 31 + i / 1000);
    return text;
  }
  protocol::PartPut part(const std::string& file, std::uint64_t offset) {
    const std::size_t size = std::min<std::size_t>(kPartBytes, file.size() - offset);
    return {digest_of(std::string_view(file)), file.size(), offset,
            Blob::copy_of(std::string_view(file).substr(offset, size))};
  }
  template <typename T>
  const T* put(const protocol::PartPut& message) {
    w.to_client.clear();
    w.request(message);
    return w.to_client.empty() ? nullptr : std::get_if<T>(&w.to_client.back());
  }
  bool whole(const std::string& file) {
    return is_whole(w.state(), {"f", file.size(), digest_of(std::string_view(file))});
  }
  World w;
};

TEST_F(HubFiles, PartsInOrderMakeAWholeFile) {
  const std::string file = content(3 * kPartBytes + 17);
  for (std::uint64_t offset = 0; offset < file.size(); offset += kPartBytes) {
    EXPECT_FALSE(whole(file));
    ASSERT_NE(put<protocol::PartStored>(part(file, offset)), nullptr) << offset;
  }
  EXPECT_TRUE(whole(file));
}

TEST_F(HubFiles, PartsInAnyOrderAndTwiceMakeAWholeFile) {
  const std::string file = content(5 * kPartBytes);
  for (const int i : {3, 1, 3, 4, 0, 0, 2, 2}) {
    put<protocol::PartStored>(part(file, static_cast<std::uint64_t>(i) * kPartBytes));
  }
  EXPECT_TRUE(whole(file));
  EXPECT_NE(put<protocol::PartStored>(part(file, kPartBytes)), nullptr);
}

TEST_F(HubFiles, UploadGoesOnAfterARestart) {
  const std::string file = content(4 * kPartBytes);
  put<protocol::PartStored>(part(file, 0));
  put<protocol::PartStored>(part(file, kPartBytes));
  w.crash_hub(1000);
  w.start_hub();
  put<protocol::PartStored>(part(file, 2 * kPartBytes));
  put<protocol::PartStored>(part(file, 3 * kPartBytes));
  EXPECT_TRUE(whole(file));
  w.crash_hub(1000);
  w.start_hub();
  EXPECT_TRUE(whole(file));
}

TEST_F(HubFiles, FileThatIsNotItsDigestIsRefusedAndGone) {
  const std::string file = content(2 * kPartBytes);
  auto wrong = part(file, 0);
  wrong.data = Blob::copy_of(std::string(kPartBytes, 'x'));
  put<protocol::PartStored>(wrong);
  const auto* refused = put<protocol::Refused>(part(file, kPartBytes));
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->kind, "corrupt");
  EXPECT_EQ(w.disk.keys(kFileParts), 0U);
  EXPECT_EQ(w.disk.keys(kFiles), 0U);
  put<protocol::PartStored>(part(file, 0));
  put<protocol::PartStored>(part(file, kPartBytes));
  EXPECT_TRUE(whole(file));
}

TEST_F(HubFiles, ImpossiblePartsAreRefused) {
  const std::string file = content(2 * kPartBytes);
  auto bad = part(file, 0);
  bad.offset = 5;
  EXPECT_NE(put<protocol::Refused>(bad), nullptr);
  bad = part(file, 0);
  bad.offset = 2 * kPartBytes;
  EXPECT_NE(put<protocol::Refused>(bad), nullptr);
  bad = part(file, 0);
  bad.data = bad.data.slice(0, 10);
  EXPECT_NE(put<protocol::Refused>(bad), nullptr);
  bad = part(file, 0);
  bad.bytes = 1ULL << 60U;
  EXPECT_NE(put<protocol::Refused>(bad), nullptr);
  EXPECT_NE(put<protocol::PartStored>(part(file, 0)), nullptr);
  bad = part(file, 0);
  bad.bytes = 7 * kPartBytes;
  EXPECT_NE(put<protocol::Refused>(bad), nullptr) << "another size than before";
}

TEST_F(HubFiles, FullDiskAndReserveRefuseParts) {
  const std::string file = content(100);
  w.step(DiskFree{10});
  EXPECT_NE(put<protocol::Refused>(part(file, 0)), nullptr);
  w.step(DiskFree{1LL << 40});
  w.disk.full = true;
  EXPECT_NE(put<protocol::Refused>(part(file, 0)), nullptr);
  w.disk.full = false;
  EXPECT_NE(put<protocol::PartStored>(part(file, 0)), nullptr);
  EXPECT_TRUE(whole(file));
}

TEST_F(HubFiles, PartsAreGivenBack) {
  const std::string file = content(2 * kPartBytes + 3);
  for (std::uint64_t offset = 0; offset < file.size(); offset += kPartBytes) {
    put<protocol::PartStored>(part(file, offset));
  }
  w.request(protocol::PartGet{digest_of(std::string_view(file)), 2 * kPartBytes});
  const auto* got = std::get_if<protocol::Part>(&w.to_client.back());
  ASSERT_NE(got, nullptr);
  EXPECT_EQ(got->data.text(), file.substr(2 * kPartBytes));
  w.request(protocol::PartGet{digest_of(std::string_view(file)), 3 * kPartBytes});
  EXPECT_NE(std::get_if<protocol::Refused>(&w.to_client.back()), nullptr);
  w.request(protocol::PartGet{digest_of(std::string_view("other")), 0});
  EXPECT_NE(std::get_if<protocol::Refused>(&w.to_client.back()), nullptr);
}

TEST_F(HubFiles, WorkersGetOnlyTheFilesOfTheirPartitions) {
  w.add_worker("w1", true);
  w.add_worker("w2", false);
  w.deploy();
  const Digest model = w.state().models.at(ModelName("net")).files[0].digest;
  w.network.clear();
  w.from_worker("w1", protocol::PartGet{model, 0});
  ASSERT_EQ(w.network.size(), 1U);
  EXPECT_NE(std::get_if<protocol::Refused>(&*w.network[0].message), nullptr)
      << "the whole model is not theirs";
  const auto dropped = w.state().dropped_frames;
  w.from_worker("w1", part("data", 0));
  EXPECT_EQ(w.state().dropped_frames, dropped + 1) << "and they store none";
}

TEST_F(HubFiles, UploadsThatBelongToNothingAreDroppedInTime) {
  const std::string file = content(10);
  put<protocol::PartStored>(part(file, 0));
  w.advance(500'000);
  EXPECT_TRUE(whole(file));
  w.advance(200'000);
  EXPECT_FALSE(whole(file));
  EXPECT_EQ(w.disk.keys(kFileParts), 0U);
}

TEST_F(HubFiles, EmptyFilesNeedNoParts) {
  const Digest empty = digest_of(std::string_view{});
  EXPECT_NE(put<protocol::PartStored>({empty, 0, 0, {}}), nullptr);
  w.request(protocol::PartGet{empty, 0});
  EXPECT_NE(std::get_if<protocol::Part>(&w.to_client.back()), nullptr);
}

TEST_F(HubFiles, PartsWhoseRecordIsLostAreRemovedAtStart) {
  store::Batch batch;
  batch.sync = true;
  batch.puts.emplace_back(file_part_key(Digest{1, 2}, 0), Blob::copy_of("orphan"));
  ASSERT_TRUE(w.disk.write(batch).ok());
  w.crash_hub();
  w.start_hub();
  EXPECT_EQ(w.disk.keys(kFileParts), 0U);
}

}  // namespace
}  // namespace hyps::hub
