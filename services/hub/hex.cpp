#include "services/hub/hex.hpp"

namespace hyps::hub {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

unsigned digit(char c) {
  const auto at = kDigits.find(c);
  return at == std::string_view::npos ? 0U : static_cast<unsigned>(at);
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

std::string from_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>((digit(text[i]) << 4U) | digit(text[i + 1]));
  }
  return bytes;
}

}  // namespace hyps::hub
