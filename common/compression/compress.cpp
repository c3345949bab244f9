#include "common/compression/compress.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>

#include "common/base/memory.hpp"

namespace hyps::compression {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are little-endian in FORMAT.md");

using Length = std::uint32_t;
using Bytes = std::span<const std::byte>;
constexpr int kLevel = 1;
constexpr std::size_t kWord = 4;
constexpr std::size_t kBlockWords = kBlockBytes / kWord;
constexpr std::size_t kMaskBytes = kBlockWords / 8;

struct Free {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// A block taken apart: which words are not 0, and the bytes of those, by their place in the word.
struct Parts {
  std::array<std::uint8_t, kMaskBytes> mask;
  std::array<std::array<std::uint8_t, kBlockWords + 1>, kWord> planes;  // one may be read beyond
};

struct Compressor {
  std::unique_ptr<ZSTD_CCtx, Free> context{ZSTD_createCCtx()};
  Parts parts;
};

struct Decompressor {
  std::unique_ptr<ZSTD_DCtx, Free> context{ZSTD_createDCtx()};
  Parts parts;
};

// One a thread, made when it is needed first.
template <typename T>
T& mine() {
  thread_local const auto it = std::make_unique<T>();
  return *it;
}

std::size_t mask_bytes(std::size_t words) { return (words + 7) / 8; }

// Without a branch: where zeros are is anybody's guess. Returns how many words are not 0.
std::size_t take_apart(const std::byte* raw, std::size_t words, Parts& parts) {
  std::size_t count = 0;
  for (std::size_t start = 0; start < words; start += 8) {
    const std::size_t here = std::min<std::size_t>(8, words - start);
    unsigned bits = 0xFFU << here;  // so another number of words is noticed
    for (std::size_t i = 0; i < here; ++i) {
      std::uint32_t word = 0;
      std::memcpy(&word, raw + kWord * (start + i), kWord);
      for (std::size_t k = 0; k < kWord; ++k) {
        parts.planes[k][count] = static_cast<std::uint8_t>(word >> (8 * k));
      }
      const unsigned is_there = word != 0 ? 1U : 0U;
      bits |= is_there << i;
      count += is_there;
    }
    parts.mask[start / 8] = static_cast<std::uint8_t>(bits);
  }
  return count;
}

void put_together(const Parts& parts, std::size_t words, std::byte* raw) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < words; ++i) {
    const std::uint32_t is_there = (static_cast<std::uint32_t>(parts.mask[i / 8]) >> (i % 8)) & 1U;
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < kWord; ++k) {
      word |= static_cast<std::uint32_t>(parts.planes[k][at]) << (8 * k);
    }
    word &= 0U - is_there;
    std::memcpy(raw + kWord * i, &word, kWord);
    at += is_there;
  }
}

// Appends the section: its length, and its bytes compressed, or as they are if that is no gain.
std::byte* write_section(ZSTD_CCtx* context, const std::uint8_t* bytes, std::size_t size,
                         std::byte* to) {
  std::byte* const data = to + sizeof(Length);
  const std::size_t compressed =
      size < 2 ? size : ZSTD_compressCCtx(context, data, size - 1, bytes, size, kLevel);
  const bool gains = size >= 2 && ZSTD_isError(compressed) == 0;
  if (!gains && size > 0) std::memcpy(data, bytes, size);
  const auto length = static_cast<Length>(gains ? compressed : size);
  std::memcpy(to, &length, sizeof(length));
  return data + length;
}

std::byte* write_block(Compressor& compressor, const std::byte* raw, std::size_t words,
                       std::byte* to) {
  Parts& parts = compressor.parts;
  const std::size_t count = take_apart(raw, words, parts);
  to = write_section(compressor.context.get(), parts.mask.data(), mask_bytes(words), to);
  for (const auto& plane : parts.planes) {
    to = write_section(compressor.context.get(), plane.data(), count, to);
  }
  return to;
}

Error corrupt(const char* what) {
  return {ErrorKind::corrupt, std::string("compressed bytes are damaged: ") + what};
}

// Takes a section of `size` bytes, decompressed, from the front of `compressed`.
Status read_section(ZSTD_DCtx* context, Bytes& compressed, std::uint8_t* bytes, std::size_t size) {
  Length length = 0;
  if (compressed.size() < sizeof(length)) return corrupt("they end early");
  std::memcpy(&length, compressed.data(), sizeof(length));
  compressed = compressed.subspan(sizeof(length));
  if (length > compressed.size() || length > size) return corrupt("a length is wrong");
  const Bytes data = compressed.first(length);
  compressed = compressed.subspan(length);
  if (length == size) {
    if (size > 0) std::memcpy(bytes, data.data(), size);
    return {};
  }
  // It never writes beyond `size`, whatever the bytes say.
  if (ZSTD_decompressDCtx(context, bytes, size, data.data(), data.size()) != size) {
    return corrupt("a part of them cannot be decompressed");
  }
  return {};
}

Status read_block(Decompressor& decompressor, Bytes& compressed, std::byte* raw,
                  std::size_t words) {
  Parts& parts = decompressor.parts;
  ZSTD_DCtx* const context = decompressor.context.get();
  const std::size_t bytes = mask_bytes(words);
  HYPS_CHECK(read_section(context, compressed, parts.mask.data(), bytes));
  const std::size_t unused = 8 * bytes - words;
  if (parts.mask[bytes - 1] >> (8 - unused) != 0xFF >> (8 - unused)) {
    return corrupt("they are of another number of words");
  }
  std::size_t count = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    count += static_cast<std::size_t>(std::popcount(parts.mask[i]));
  }
  count -= unused;
  for (auto& plane : parts.planes) {
    HYPS_CHECK(read_section(context, compressed, plane.data(), count));
  }
  put_together(parts, words, raw);
  return {};
}

}  // namespace

Blob compress(Bytes raw) {
  const std::size_t words = raw.size() / kWord;
  const std::size_t blocks = (words + kBlockWords - 1) / kBlockWords;
  const std::size_t most =
      raw.size() + blocks * ((kWord + 1) * sizeof(Length)) + mask_bytes(words) + blocks;
  const std::shared_ptr<std::byte[]> bytes = untouched_bytes(most);
  std::byte* to = bytes.get();
  for (std::size_t start = 0; start < words; start += kBlockWords) {
    to = write_block(mine<Compressor>(), raw.data() + kWord * start,
                     std::min(kBlockWords, words - start), to);
  }
  const Bytes rest = raw.subspan(kWord * words);
  to = std::copy(rest.begin(), rest.end(), to);
  return {bytes, {bytes.get(), static_cast<std::size_t>(to - bytes.get())}};
}

Status decompress(Bytes compressed, std::span<std::byte> raw) {
  const std::size_t words = raw.size() / kWord;
  for (std::size_t start = 0; start < words; start += kBlockWords) {
    HYPS_CHECK(read_block(mine<Decompressor>(), compressed, raw.data() + kWord * start,
                          std::min(kBlockWords, words - start)));
  }
  if (compressed.size() != raw.size() % kWord)
    return corrupt("their end is not where it should be");
  std::copy(compressed.begin(), compressed.end(),
            raw.begin() + static_cast<std::ptrdiff_t>(kWord * words));
  return {};
}

}  // namespace hyps::compression
