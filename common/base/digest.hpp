// Digest: 128-bit XXH3 over bytes. Finds accidents and names content; it is not cryptographic.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hyps {

struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  [[nodiscard]] std::string hex() const;  // 32 lower-case digits
  static std::optional<Digest> from_hex(std::string_view text);
  auto operator<=>(const Digest&) const = default;
};

Digest digest_of(std::span<const std::byte> bytes);
Digest digest_of(std::string_view text);

// 64-bit XXH3: guards a frame against damage on its way.
std::uint64_t checksum_of(std::span<const std::byte> bytes);

// Incremental form, for bytes that arrive in pieces.
class Digester {
 public:
  Digester();
  ~Digester();
  Digester(Digester&&) noexcept;
  Digester& operator=(Digester&&) noexcept;
  void add(std::span<const std::byte> bytes);
  [[nodiscard]] Digest result() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hyps
