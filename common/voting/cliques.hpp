// Small graphs of votes: sets are bits, one a vote. Pure.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hyps::voting {

using Set = std::uint32_t;
inline constexpr std::size_t kMaxNodes = 16;

inline Set single(std::size_t node) { return Set{1} << node; }
inline std::size_t size_of(Set set) { return static_cast<std::size_t>(std::popcount(set)); }
inline bool holds(Set set, std::size_t node) { return (set & single(node)) != 0; }
inline std::size_t first_of(Set set) { return static_cast<std::size_t>(std::countr_zero(set)); }

// By node: its neighbours, never itself. REQUIRES: symmetric, at most kMaxNodes.
using Edges = std::vector<Set>;

// Of the largest sets within `nodes` whose members are all neighbours, the one that comes first.
Set largest_clique(const Edges& edges, Set nodes);

// Whether `nodes` hold two cliques of `size` with an edge of `opposed` between any two of both.
bool has_opposed_cliques(const Edges& edges, const Edges& opposed, Set nodes, std::size_t size);

}  // namespace hyps::voting
