// The network that is simulated: six layers that turn texts into texts, three ways to cut it, and
// what each tensor is for an image: the oracle, which knows neither plan nor cluster.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/blob.hpp"
#include "common/partition/plan.hpp"
#include "common/protocol/messages.hpp"

namespace hyps::sim {

inline constexpr const char* kModel = "net";

// "t2" whole, or a slice of it: "t2#0.2". REQUIRES: one of this network.
std::string tensor_of(const std::string& image, const std::string& tensor);
// The "top" of the answer.
std::string top_of(const std::string& image);

// Whether this is the tensor, in anybody's arithmetic.
bool is_right(const std::string& image, const std::string& tensor, std::string_view data);

// What a partition makes of its inputs, by tensor. Two arithmetics, 0 and 1, differ by one bit in
// each float; what is made of either is the same.
std::map<std::string, Blob> compute(const partition::Partition& partition,
                                    const std::map<std::string, Blob>& inputs, int arithmetic);

// All of the same network: layer 2 in two slices; no slices; layer 3 in three slices. Each without
// replicas, and with each of `replications()`.
inline constexpr std::size_t kShapes = 3;
const std::vector<partition::Plan>& plans();
// The first one is none.
const std::vector<partition::Replication>& replications();
// REQUIRES: shape < kShapes, and one of those.
std::size_t plan_index(std::size_t shape, const partition::Replication& replication);
const partition::Plan* find_plan(const PlanId& id);

struct NamedFile {
  protocol::FileRef ref;
  Blob data;
};
std::vector<NamedFile> model_files();
std::vector<NamedFile> bundle_of(const partition::Plan& plan, const partition::Partition& part);

}  // namespace hyps::sim
