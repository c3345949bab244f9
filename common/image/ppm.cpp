// Binary PPM: "P6", width, height, largest value, one white space, then the pixels. '#' starts a
// comment that runs to the end of its line.
#include <charconv>

#include "common/image/decoders.hpp"

namespace hyps::image {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Takes white space, comments and a number from the front of `text`; -1 if there is none.
std::int64_t take_number(std::string_view& text) {
  while (!text.empty() && (is_space(text[0]) || text[0] == '#')) {
    const std::size_t end = text[0] == '#' ? text.find('\n') : 0;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  std::int32_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return -1;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::uint8_t scaled(unsigned value, unsigned largest) {
  if (value > largest) value = largest;
  return static_cast<std::uint8_t>((value * 255 + largest / 2) / largest);
}

}  // namespace

bool is_ppm(const Blob& bytes) {
  const std::string_view text = bytes.text();
  return text.starts_with("P6") && text.size() > 2 && (is_space(text[2]) || text[2] == '#');
}

Result<Image> decode_ppm(const Blob& bytes, std::int64_t most_bytes) {
  std::string_view text = bytes.text().substr(2);
  const std::int64_t width = take_number(text);
  const std::int64_t height = take_number(text);
  const std::int64_t largest = take_number(text);
  if (width < 0 || height < 0 || largest < 1 || largest > 65535 || text.empty() ||
      !is_space(text[0])) {
    return broken("PPM", "its header is not 'P6 width height maximum'");
  }
  HYPS_CHECK(check_size(width, height, {most_bytes}));
  text.remove_prefix(1);
  const auto count = static_cast<std::size_t>(width * height * 3);
  const std::size_t wide = largest > 255 ? 2 : 1;
  if (text.size() < count * wide) return broken("PPM", "the file ends early");
  Image image{static_cast<int>(width), static_cast<int>(height), std::vector<std::uint8_t>(count)};
  for (std::size_t k = 0; k < count; ++k) {
    unsigned value = static_cast<std::uint8_t>(text[k * wide]);
    if (wide == 2) value = value << 8 | static_cast<std::uint8_t>(text[k * 2 + 1]);
    image.rgb[k] = scaled(value, static_cast<unsigned>(largest));
  }
  return image;
}

}  // namespace hyps::image
