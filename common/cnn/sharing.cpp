#include "common/cnn/sharing.hpp"

namespace hyps::cnn {

namespace {

constexpr double kFlopsPerByte = 4;
constexpr double kLeastShare = 0.125;

}  // namespace

bool is_worth_sharing(std::int64_t weight_bytes, std::int64_t flops) {
  const double reading = kFlopsPerByte * static_cast<double>(weight_bytes);
  return reading > kLeastShare * (reading + static_cast<double>(flops));
}

}  // namespace hyps::cnn
