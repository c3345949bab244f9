// Pictures written by libjpeg and libpng come back as they were.
#include <gmock/gmock.h>
#include <zlib.h>

#include "tests/unit/image/pictures.hpp"

namespace hyps::image {
namespace {

using ::testing::HasSubstr;
using testing::Jpeg;
using testing::jpeg_of;
using testing::largest_difference;
using testing::noise;
using testing::Png;
using testing::png_of;
using testing::ppm_of;
using testing::smooth;

Result<Image> decode_text(const std::string& bytes) { return decode(Blob::copy_of(bytes)); }

Image red_channel_only(Image image) {
  for (std::size_t k = 0; k < image.rgb.size(); k += 3) {
    image.rgb[k + 1] = image.rgb[k + 2] = image.rgb[k];
  }
  return image;
}

TEST(Decode, GivesBackAJpegsColours) {
  for (const Jpeg kind : {Jpeg::colour, Jpeg::progressive}) {
    const Image original = smooth(123, 77);
    const auto decoded = decode_text(jpeg_of(original, kind));
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_LE(largest_difference(*decoded, original), 8);
  }
}

TEST(Decode, GivesThreeEqualChannelsForAGrayJpeg) {
  const Image original = red_channel_only(smooth(64, 50));
  const auto decoded = decode_text(jpeg_of(original, Jpeg::gray));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_LE(largest_difference(*decoded, original), 8);
}

TEST(Decode, TakesCmykAsAdobeWritesIt) {
  const Image original = smooth(60, 61);
  const auto decoded = decode_text(jpeg_of(original, Jpeg::cmyk));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_LE(largest_difference(*decoded, original), 8);
}

TEST(Decode, GivesBackEveryPixelOfAPng) {
  const Image original = noise(37, 29, 1);
  for (const Png kind : {Png::rgb, Png::rgba, Png::rgb16, Png::interlaced}) {
    const auto decoded = decode_text(png_of(original, kind));
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ(largest_difference(*decoded, original), 0) << static_cast<int>(kind);
  }
}

TEST(Decode, GivesThreeEqualChannelsForAGrayPng) {
  const Image original = red_channel_only(noise(37, 29, 2));
  for (const Png kind : {Png::gray, Png::gray_alpha, Png::palette}) {
    const auto decoded = decode_text(png_of(original, kind));
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ(largest_difference(*decoded, original), 0) << static_cast<int>(kind);
  }
}

TEST(Decode, SpreadsOneBitOverTheWholeRange) {
  Image original = red_channel_only(noise(37, 29, 3));
  for (std::uint8_t& value : original.rgb) value = value >= 128 ? 255 : 0;
  const auto decoded = decode_text(png_of(original, Png::gray1));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(largest_difference(*decoded, original), 0);
}

TEST(Decode, GivesBackEveryPixelOfAPpm) {
  const Image original = noise(31, 17, 4);
  for (const char* end : {"255\n", "# a comment\n255 ", " \t255\n"}) {
    const auto decoded = decode_text(ppm_of(original, end));
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ(largest_difference(*decoded, original), 0) << end;
  }
}

TEST(Decode, ScalesAPpmsRange) {
  const auto small = decode_text(std::string("P6 1 1 3\n") + '\x01' + '\x02' + '\x03');
  ASSERT_TRUE(small.ok()) << small.error().message;
  EXPECT_THAT(small->rgb, ::testing::ElementsAre(85, 170, 255));
  const auto wide = decode_text("P6 1 1 65535\n" + std::string("\x00\x00\x80\x00\xff\xff", 6));
  ASSERT_TRUE(wide.ok()) << wide.error().message;
  EXPECT_THAT(wide->rgb, ::testing::ElementsAre(0, 128, 255));
}

TEST(Decode, SaysWhatItTakesWhenGivenSomethingElse) {
  EXPECT_THAT(decode_text("GIF89a").error().message, HasSubstr("JPEG, PNG and PPM"));
  EXPECT_THAT(decode_text("").error().message, HasSubstr("no bytes"));
  EXPECT_FALSE(looks_like_image(Blob::copy_of("GIF89a")));
  EXPECT_TRUE(looks_like_image(Blob::copy_of(ppm_of(noise(2, 2, 1)))));
}

// The size in a JPEG's frame header.
std::string with_jpeg_size(std::string jpeg, unsigned width, unsigned height) {
  const std::size_t frame = jpeg.find("\xff\xc0");
  for (const auto& [at, value] : {std::pair{frame + 5, height}, std::pair{frame + 7, width}}) {
    jpeg[at] = static_cast<char>(value >> 8);
    jpeg[at + 1] = static_cast<char>(value & 255);
  }
  return jpeg;
}

TEST(Decode, RefusesThirtyThousandSquaredFromTheHeader) {
  const auto jpeg =
      decode_text(with_jpeg_size(jpeg_of(smooth(16, 16), Jpeg::colour), 30000, 30000));
  ASSERT_FALSE(jpeg.ok());
  EXPECT_THAT(jpeg.error().message, HasSubstr("30000x30000"));
  const auto ppm = decode_text("P6 30000 30000 255\nabc");
  ASSERT_FALSE(ppm.ok());
  EXPECT_THAT(ppm.error().message, HasSubstr("30000x30000"));
  EXPECT_THAT(decode_text("P6 70000 1 255\nabc").error().message, HasSubstr("70000x1"));
}

// A PNG of one pixel whose header claims another size, with the header's checksum set right.
std::string with_png_size(std::string png, std::uint32_t width, std::uint32_t height) {
  const auto put = [&png](std::size_t at, std::uint32_t value) {
    for (int k = 0; k < 4; ++k) png[at++] = static_cast<char>(value >> (24 - 8 * k));
  };
  put(16, width);
  put(20, height);
  put(29, static_cast<std::uint32_t>(crc32(0, reinterpret_cast<unsigned char*>(&png[12]), 17)));
  return png;
}

TEST(Decode, RefusesAPngByItsHeader) {
  const std::string pixel = png_of(noise(1, 1, 1), Png::rgb);
  EXPECT_TRUE(decode_text(with_png_size(pixel, 1, 1)).ok());
  const auto large = decode_text(with_png_size(pixel, 30000, 30000));
  ASSERT_FALSE(large.ok());
  EXPECT_THAT(large.error().message, HasSubstr("30000x30000"));
  // Small enough, but these few bytes cannot hold so many pixels.
  const auto lying = decode_text(with_png_size(pixel, 8000, 8000));
  ASSERT_FALSE(lying.ok());
  EXPECT_THAT(lying.error().message, HasSubstr("ends early"));
}

}  // namespace
}  // namespace hyps::image
