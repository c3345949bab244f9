// Events that one round tells of a model are one message, a line each: the broker takes and
// acknowledges messages, whatever their size.
#pragma once

#include <vector>

#include "services/hub/events.hpp"

namespace hyps::hub {

constexpr std::size_t kMostLineBytes = std::size_t{64}
                                       << 10U;  // in one message; a longer line is alone

// Lines of a topic in their order, in the place of the first of them: before the answers that the
// same round gives. Everything else stays as it is.
std::vector<Publish> join_lines(std::vector<Publish> publications);

}  // namespace hyps::hub
