// Nothing a stranger sends crashes the decoder; what is cut short is refused.
#include <gtest/gtest.h>

#include "common/base/random.hpp"
#include "tests/unit/image/pictures.hpp"

namespace hyps::image {
namespace {

using testing::Jpeg;
using testing::jpeg_of;
using testing::noise;
using testing::Png;
using testing::png_of;
using testing::ppm_of;
using testing::smooth;

struct Sample {
  const char* name;
  std::string bytes;
};

std::vector<Sample> samples() {
  const Image picture = smooth(40, 33);
  return {{"jpeg", jpeg_of(picture, Jpeg::colour)},
          {"progressive jpeg", jpeg_of(picture, Jpeg::progressive)},
          {"gray jpeg", jpeg_of(picture, Jpeg::gray)},
          {"cmyk jpeg", jpeg_of(noise(20, 20, 5), Jpeg::cmyk)},
          {"png", png_of(picture, Png::rgb)},
          {"palette png", png_of(picture, Png::palette)},
          {"16 bit png", png_of(picture, Png::rgb16)},
          {"interlaced png", png_of(picture, Png::interlaced)},
          {"ppm", ppm_of(picture)}};
}

TEST(HostileImage, IsRefusedWhereverItIsCut) {
  for (const Sample& sample : samples()) {
    ASSERT_TRUE(decode(Blob::copy_of(sample.bytes)).ok()) << sample.name;
    for (std::size_t size = 0; size < sample.bytes.size(); size += 1 + size / 64) {
      const auto decoded = decode(Blob::copy_of(sample.bytes.substr(0, size)));
      ASSERT_FALSE(decoded.ok()) << sample.name << " cut to " << size << " bytes";
      EXPECT_EQ(decoded.error().kind, ErrorKind::invalid);
      EXPECT_FALSE(decoded.error().message.empty());
    }
    EXPECT_FALSE(decode(Blob::copy_of(sample.bytes.substr(0, sample.bytes.size() - 1))).ok());
  }
}

TEST(HostileImage, IsDecodedOrRefusedWhateverIsFlipped) {
  for (const Sample& sample : samples()) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      Random random(seed);
      std::string bytes = sample.bytes;
      // Half of the flips hit the headers, which lead to more places.
      const std::size_t reach =
          seed % 2 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 200);
      for (std::uint64_t flips = 1 + random.below(6); flips > 0; --flips) {
        bytes[random.below(reach)] = static_cast<char>(random.next() >> 56);
      }
      const auto decoded = decode(Blob::copy_of(bytes));
      if (!decoded.ok()) continue;
      const auto pixels =
          static_cast<std::size_t>(decoded->width) * static_cast<std::size_t>(decoded->height);
      ASSERT_EQ(decoded->rgb.size(), pixels * 3) << sample.name << " seed " << seed;
      ASSERT_LE(pixels, static_cast<std::size_t>(kMaxPixels));
    }
  }
}

TEST(HostileImage, OfRandomBytesBehindAMagicNumberIsRefused) {
  for (const std::string magic : {"\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n", "P6 "}) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      const Image filler = noise(20, 20, seed);
      EXPECT_FALSE(
          decode(Blob::copy_of(magic + std::string(filler.rgb.begin(), filler.rgb.end()))).ok());
    }
  }
}

TEST(HostileImage, OfADamagedScanIsRefused) {
  // The last quarter of the entropy-coded data becomes 1-bits, which no Huffman code is.
  std::string bytes = jpeg_of(noise(64, 64, 6), Jpeg::colour);
  for (std::size_t k = bytes.size() * 3 / 4; k + 2 < bytes.size(); ++k)
    bytes[k] = k % 2 == 0 ? '\xff' : '\0';
  EXPECT_FALSE(decode(Blob::copy_of(bytes)).ok());
}

TEST(HostileImage, OfEndlessScansIsRefused) {
  std::string bytes = jpeg_of(smooth(64, 64), Jpeg::progressive);
  const std::size_t last_scan = bytes.rfind("\xff\xda");
  const std::string scan = bytes.substr(last_scan, bytes.size() - 2 - last_scan);
  std::string longer = bytes.substr(0, bytes.size() - 2);
  for (int k = 0; k < 5000; ++k) longer += scan;
  EXPECT_FALSE(decode(Blob::copy_of(longer + "\xff\xd9")).ok());
}

// 40 x 30 pixels are 3600 bytes; all coefficients of a progressive one, with halved colours, as
// many again and more.
TEST(HostileImage, OfMorePixelsThanThereIsMemoryForIsRefused) {
  const Image picture = smooth(40, 30);
  const std::vector<std::pair<std::string, std::string>> images{
      {"jpeg", jpeg_of(picture, Jpeg::colour)},
      {"png", png_of(picture, Png::rgb)},
      {"ppm", ppm_of(picture)}};
  for (const auto& [name, bytes] : images) {
    EXPECT_TRUE(decode(Blob::copy_of(bytes), 3600).ok()) << name;
    const auto refused = decode(Blob::copy_of(bytes), 3599);
    ASSERT_FALSE(refused.ok()) << name;
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid);
    EXPECT_NE(refused.error().message.find("40x30"), std::string::npos);
  }
  const Blob progressive = Blob::copy_of(jpeg_of(picture, Jpeg::progressive));
  EXPECT_FALSE(decode(progressive, 2 * 3600).ok());
  EXPECT_TRUE(decode(progressive, 5 * 3600).ok());
}

}  // namespace
}  // namespace hyps::image
