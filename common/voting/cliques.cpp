#include "common/voting/cliques.hpp"

namespace hyps::voting {

Set largest_clique(const Edges& edges, Set nodes) {
  if (nodes == 0) return 0;
  const std::size_t node = first_of(nodes);
  const Set rest = nodes & ~single(node);
  const Set with = single(node) | largest_clique(edges, rest & edges[node]);
  if ((rest & ~edges[node]) == 0) return with;  // everybody's neighbour: never in the way
  const Set without = largest_clique(edges, rest);
  return size_of(with) >= size_of(without) ? with : without;
}

namespace {

struct Search {
  const Edges& edges;
  const Edges& opposed;
  std::size_t size;

  // `candidates`: neighbours of all that were picked; `others`: opposed to all of them.
  [[nodiscard]] bool find(std::size_t picked, Set candidates, Set others) const {
    if (size_of(others) < size) return false;
    if (picked == size) return size_of(largest_clique(edges, others)) >= size;
    while (candidates != 0) {
      const std::size_t node = first_of(candidates);
      candidates &= ~single(node);
      if (find(picked + 1, candidates & edges[node], others & opposed[node])) return true;
    }
    return false;
  }
};

}  // namespace

bool has_opposed_cliques(const Edges& edges, const Edges& opposed, Set nodes, std::size_t size) {
  if (size_of(nodes) < 2 * size) return false;
  return Search{edges, opposed, size}.find(0, nodes, nodes);
}

}  // namespace hyps::voting
