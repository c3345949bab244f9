// Messages and writes in a few words, for the history; and a fault that needs a tensor's bytes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/protocol/messages.hpp"
#include "common/store/store.hpp"
#include "world.hpp"

namespace hyps::sim {

std::string describe(const protocol::Message& message);
std::string describe(const store::Batch& batch);
std::string describe(std::string_view event,
                     const std::vector<std::pair<std::string_view, std::string>>& fields);

// The feature map as it is framed: sometimes a bit has changed in memory since it was verified.
Blob flipped(World& world, const Blob& data);
// As a frame; compressed or not, whether that pays or not.
Blob encode_somehow(World& world, protocol::Chunk chunk);

}  // namespace hyps::sim
