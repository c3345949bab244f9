#include "tests/unit/image/pictures.hpp"

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
// clang-format off: jpeglib.h needs size_t and FILE from the lines above
#include <jpeglib.h>
#include <png.h>
// clang-format on

#include "common/base/random.hpp"

namespace hyps::image::testing {
namespace {

std::uint8_t byte(double value) { return static_cast<std::uint8_t>(std::lround(value)); }

// One component or four from RGB.
std::vector<std::uint8_t> components(const Image& image, Jpeg kind) {
  if (kind != Jpeg::gray && kind != Jpeg::cmyk) return image.rgb;
  std::vector<std::uint8_t> all;
  for (std::size_t k = 0; k < image.rgb.size(); k += 3) {
    all.push_back(image.rgb[k]);
    if (kind == Jpeg::gray) continue;
    // Inverted, as Adobe writes it: no black ink, so the values are those of RGB.
    all.push_back(image.rgb[k + 1]);
    all.push_back(image.rgb[k + 2]);
    all.push_back(255);
  }
  return all;
}

struct PngForm {
  int colour_type;
  int depth;
  int interlace;
};

PngForm form_of(Png kind) {
  switch (kind) {
    case Png::rgb:
      return {PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE};
    case Png::rgba:
      return {PNG_COLOR_TYPE_RGB_ALPHA, 8, PNG_INTERLACE_NONE};
    case Png::gray:
      return {PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_NONE};
    case Png::gray_alpha:
      return {PNG_COLOR_TYPE_GRAY_ALPHA, 8, PNG_INTERLACE_NONE};
    case Png::gray1:
      return {PNG_COLOR_TYPE_GRAY, 1, PNG_INTERLACE_NONE};
    case Png::palette:
      return {PNG_COLOR_TYPE_PALETTE, 8, PNG_INTERLACE_NONE};
    case Png::rgb16:
      return {PNG_COLOR_TYPE_RGB, 16, PNG_INTERLACE_NONE};
    case Png::interlaced:
      return {PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7};
  }
  std::abort();
}

std::vector<std::uint8_t> png_row(const Image& image, Png kind, int y) {
  std::vector<std::uint8_t> row;
  for (int x = 0; x < image.width; ++x) {
    const std::uint8_t* rgb =
        image.rgb.data() + (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                            static_cast<std::size_t>(x)) *
                               3;
    const bool colour =
        kind == Png::rgb || kind == Png::rgba || kind == Png::rgb16 || kind == Png::interlaced;
    for (int c = 0; c < (colour ? 3 : 1); ++c) {
      row.push_back(rgb[c]);
      if (kind == Png::rgb16) row.push_back(rgb[c]);  // v * 257 is exactly v in 16 bits
    }
    if (kind == Png::rgba || kind == Png::gray_alpha) row.push_back(static_cast<std::uint8_t>(x));
  }
  if (kind != Png::gray1) return row;
  std::vector<std::uint8_t> bits((row.size() + 7) / 8);
  for (std::size_t k = 0; k < row.size(); ++k) {
    if (row[k] >= 128) bits[k / 8] = static_cast<std::uint8_t>(bits[k / 8] | 128U >> k % 8);
  }
  return bits;
}

void append(png_structp png, png_bytep bytes, png_size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<char*>(bytes), size);
}

}  // namespace

Image smooth(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.rgb.push_back(byte(127 + 120 * std::sin(x * 0.06)));
      image.rgb.push_back(byte(127 + 120 * std::cos(y * 0.05)));
      image.rgb.push_back(byte(127 + 60 * std::sin((x + y) * 0.04)));
    }
  }
  return image;
}

Image noise(int width, int height, std::uint64_t seed) {
  Image image{width, height, {}};
  Random random(seed);
  const auto count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  for (std::size_t k = 0; k < count; ++k) {
    image.rgb.push_back(static_cast<std::uint8_t>(random.next() >> 56));
  }
  return image;
}

std::string jpeg_of(const Image& image, Jpeg kind, int quality) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = kind == Jpeg::gray ? 1 : kind == Jpeg::cmyk ? 4 : 3;
  info.in_color_space = kind == Jpeg::gray   ? JCS_GRAYSCALE
                        : kind == Jpeg::cmyk ? JCS_CMYK
                                             : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  if (kind == Jpeg::progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  std::vector<std::uint8_t> pixels = components(image, kind);
  const auto stride = static_cast<std::size_t>(image.width * info.input_components);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = pixels.data() + info.next_scanline * stride;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string bytes(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return bytes;
}

std::string png_of(const Image& image, Png kind) {
  std::string bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &bytes, append, nullptr);
  const PngForm form = form_of(kind);
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width),
               static_cast<png_uint_32>(image.height), form.depth, form.colour_type, form.interlace,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (kind == Png::palette) {
    std::vector<png_color> grays;
    for (int k = 0; k < 256; ++k) {
      const auto value = static_cast<png_byte>(k);
      grays.push_back({value, value, value});
    }
    png_set_PLTE(png, info, grays.data(), 256);
  }
  png_write_info(png, info);
  const int passes = kind == Png::interlaced ? png_set_interlace_handling(png) : 1;
  for (int pass = 0; pass < passes; ++pass) {
    for (int y = 0; y < image.height; ++y) png_write_row(png, png_row(image, kind, y).data());
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

std::string ppm_of(const Image& image, const std::string& header_end) {
  return "P6\n" + std::to_string(image.width) + " " + std::to_string(image.height) + "\n" +
         header_end + std::string(image.rgb.begin(), image.rgb.end());
}

int largest_difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height || a.rgb.size() != b.rgb.size()) return 256;
  int largest = 0;
  for (std::size_t k = 0; k < a.rgb.size(); ++k) {
    largest = std::max(largest, std::abs(a.rgb[k] - b.rgb[k]));
  }
  return largest;
}

}  // namespace hyps::image::testing
