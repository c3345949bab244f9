// What primitives share: scratchpads of ours, post-ops, and which implementation to take.
#pragma once

#include <dnnl.hpp>
#include <string_view>

#include "common/engine/program.hpp"

namespace hyps::engine {

// oneDNN's name and two parameters of a unary function.
struct Eltwise {
  dnnl::algorithm algorithm;
  float alpha = 0;
  float beta = 0;
};
Eltwise eltwise_of(const cnn::UnaryKernel& kernel);
// Whether f(0) is 0, as the padding channels of a blocked map demand.
bool keeps_zero(const cnn::UnaryKernel& kernel);

// A scratchpad given by us, and the post-ops.
dnnl::primitive_attr attributes_with(const std::vector<PostOp>& post);

inline bool is_scalar_form(const char* implementation) {
  return std::string_view(implementation).starts_with("ref");
}

// Moves on to the first implementation that is not one of the batch-reduce family: those demand
// channels innermost, where no part of the channels is contiguous, so that one thread would have to
// compute the whole map. The direct ones are as fast. Stays where it is if there is no other.
// REQUIRES: the operation descriptor that `desc` was made of still lives.
template <typename PrimitiveDesc>
void prefer_sliceable(PrimitiveDesc& desc) {
  const auto unwanted = [&] { return std::string_view(desc.impl_info_str()).starts_with("br"); };
  if (!unwanted()) return;
  PrimitiveDesc candidate = desc;
  while (candidate.next_impl()) {
    if (std::string_view(candidate.impl_info_str()).starts_with("br")) continue;
    if (!is_scalar_form(candidate.impl_info_str())) desc = candidate;
    return;
  }
}

}  // namespace hyps::engine
