// NumPy archives. What is read keeps to the bound on what it unpacks to, and can be written and
// read again as the same.
#include "common/npz/npz.hpp"

#include "tests/fuzz/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyps;
  constexpr std::uint64_t kMostBytes = 1 << 20U;
  const auto arrays = npz::parse_npz(Blob::of(fuzz::text_of(data, size)), kMostBytes);
  if (!arrays.ok()) {
    fuzz::require(!arrays.error().message.empty(), "an error without a message");
    return 0;
  }
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : *arrays) bytes += tensor.data.size();
  fuzz::require(bytes <= kMostBytes, "more than was allowed");
  const auto written = npz::to_npz(*arrays);
  if (!written.ok()) return 0;  // a name that is no UTF-8
  const auto again = npz::parse_npz(Blob::of(*written), 2 * kMostBytes);
  fuzz::require(again.ok(), "what was written cannot be read");
  fuzz::require(again->size() == arrays->size(), "arrays were lost");
  for (const auto& [name, tensor] : *arrays) {
    const auto found = again->find(name);
    fuzz::require(found != again->end() && found->second.data == tensor.data &&
                      found->second.shape == tensor.shape && found->second.type == tensor.type,
                  "an array changed");
  }
  return 0;
}
