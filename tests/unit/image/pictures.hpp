// Pictures for the tests, and files of them written by libjpeg and libpng themselves.
#pragma once

#include <cstdint>
#include <string>

#include "common/image/image.hpp"

namespace hyps::image::testing {

// Smooth colours, so that JPEG changes little.
Image smooth(int width, int height);
// Every byte from the seed.
Image noise(int width, int height, std::uint64_t seed);

enum class Jpeg { colour, progressive, gray, cmyk };
std::string jpeg_of(const Image& image, Jpeg kind, int quality = 95);

enum class Png { rgb, rgba, gray, gray_alpha, gray1, palette, rgb16, interlaced };
// gray forms hold the red channel; palette the red channel's values as its 256 grays.
std::string png_of(const Image& image, Png kind);

std::string ppm_of(const Image& image, const std::string& header_end = "255\n");

// The largest difference of two bytes; 256 if the sizes differ.
int largest_difference(const Image& a, const Image& b);

}  // namespace hyps::image::testing
