// A plan as JSON, by hand or from a stranger. One that is read and checked can be written, read
// again as the same, and drawn.
#include "common/partition/plan.hpp"

#include "tests/fuzz/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyps;
  const auto plan = partition::plan_from_json(fuzz::text_of(data, size));
  if (!plan.ok() || !partition::check(*plan).ok()) return 0;
  const std::string json = partition::to_json(*plan);
  const auto again = partition::plan_from_json(json);
  fuzz::require(again.ok(), "a plan that was written cannot be read");
  fuzz::require(partition::to_json(*again) == json, "a plan changes when it is read again");
  fuzz::require(again->id() == plan->id(), "a plan's id changes when it is read again");
  (void)partition::to_table(*plan);
  (void)partition::to_svg(*plan, {});
  return 0;
}
