#include "common/engine/onednn/elementwise.hpp"

#include "common/engine/onednn/pieces.hpp"

namespace hyps::engine {

void add_flat(Builder& builder, std::int64_t elements,
              const std::function<PieceDraft(const Desc&, std::size_t)>& make) {
  // Eight operations for each element, as much time as reading and writing it takes.
  std::vector<PieceDraft> pieces;
  for (const auto& range : split(elements, 16, 8.0 * static_cast<double>(elements))) {
    pieces.push_back(
        make(plain_desc({range.size()}), static_cast<std::size_t>(range.begin) * sizeof(float)));
  }
  builder.add(pieces);
}

}  // namespace hyps::engine
