// Element-wise work over whole memories, divided anywhere.
#pragma once

#include <functional>

#include "common/engine/onednn/builder.hpp"

namespace hyps::engine {

// Pieces over [0, elements) of dense memory; make(desc of that many floats, byte offset) gives one.
void add_flat(Builder& builder, std::int64_t elements,
              const std::function<PieceDraft(const Desc&, std::size_t)>& make);

}  // namespace hyps::engine
