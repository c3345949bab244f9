// The hub's heap.
#pragma once

namespace hyps::hub {

// At the start of the process: what is freed stays with it, up to a bound, for the next feature
// map. A page of fresh memory costs more than what is copied into it.
void keep_heap_warm();

}  // namespace hyps::hub
