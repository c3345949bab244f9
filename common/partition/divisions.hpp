// What is divided into sibling partitions, and into how many (private to this folder).
#pragma once

#include <vector>

#include "common/base/result.hpp"
#include "common/partition/partition.hpp"
#include "common/partition/slicing.hpp"

namespace hyps::partition {

// H-partitions of one layer, or tiles of a group of layers.
struct Division {
  Kind kind = Kind::horizontal;
  std::size_t layer = 0;  // the last it covers
  SliceableRun run;       // its nodes, and the axis and extent of their result
  // The value whose slices these partitions take and join themselves, because what makes it is
  // divided too and nobody else needs it; or -1.
  int joined = -1;
  std::vector<cnn::Range> ranges;
  std::vector<Footprint> footprints;  // one for each range
};

// In the order of the layers. Errors: invalid, naming the layer that fits in no way and why.
Result<std::vector<Division>> choose_divisions(const cnn::Graph& graph, const Flow& flow,
                                               const std::vector<Layer>& layers,
                                               const Request& request);

// "12.2 MB" or "30.00 M parameters".
std::string amount(std::int64_t value, Threshold::Unit unit);
std::int64_t amount_of(std::int64_t parameters, std::int64_t memory_bytes, Threshold::Unit unit);

}  // namespace hyps::partition
