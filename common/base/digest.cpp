#include "common/base/digest.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace hyps {

namespace {
Digest from(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }
}  // namespace

std::string Digest::hex() const {
  std::array<char, 33> text{};
  (void)std::snprintf(text.data(), text.size(), "%016llx%016llx",
                      static_cast<unsigned long long>(high), static_cast<unsigned long long>(low));
  return text.data();
}

std::optional<Digest> Digest::from_hex(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  Digest digest;
  const char* middle = text.data() + 16;
  const char* end = text.data() + 32;
  if (std::from_chars(text.data(), middle, digest.high, 16).ptr != middle) return std::nullopt;
  if (std::from_chars(middle, end, digest.low, 16).ptr != end) return std::nullopt;
  return digest;
}

Digest digest_of(std::span<const std::byte> bytes) {
  return from(XXH3_128bits(bytes.data(), bytes.size()));
}

Digest digest_of(std::string_view text) { return digest_of(std::as_bytes(std::span(text))); }

std::uint64_t checksum_of(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

struct Digester::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() {
    if (xxh == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Digester::Digester() : state_(std::make_unique<State>()) {}
Digester::~Digester() = default;
Digester::Digester(Digester&&) noexcept = default;
Digester& Digester::operator=(Digester&&) noexcept = default;

void Digester::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
}

Digest Digester::result() const { return from(XXH3_128bits_digest(state_->xxh)); }

}  // namespace hyps
