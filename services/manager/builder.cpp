#include "services/manager/builder.hpp"

#include <limits>
#include <utility>

#include "common/base/file.hpp"
#include "common/onnx/onnx.hpp"
#include "common/partition/partition.hpp"
#include "common/planning/planning.hpp"
#include "services/manager/bundle.hpp"
#include "services/manager/given_inputs.hpp"

namespace hyps::manager {

namespace {

using Cause = PrepareFailed::Cause;

constexpr std::size_t kMaxTextBytes = 16U << 20U;

BuildFailure failure(const Error& error) {
  const bool passing = error.kind == ErrorKind::io || error.kind == ErrorKind::overloaded ||
                       error.kind == ErrorKind::corrupt;
  return {passing ? Cause::passing : Cause::model, error.message};
}

Result<std::string> read_text(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::string();
  HYPS_TRY(const Blob text, read_file(file, kMaxTextBytes));
  return std::string(text.text());
}

Result<cnn::Graph> load_model(const std::filesystem::path& files) {
  HYPS_TRY(const onnx::GivenInputs given, read_given_inputs(files));
  return onnx::load(files / "model.onnx", given);
}

Result<partition::Plan> given_plan(const cnn::Graph& graph, const std::string& json) {
  HYPS_TRY(auto plan, partition::plan_from_json(json));
  HYPS_CHECK(partition::check(plan));
  if (plan.model_digest != partition::digest_of(graph)) {
    return Error{ErrorKind::invalid, "the plan given was made for another model"};
  }
  return plan;
}

// Whether it is the model's fault that it cannot be planned: then no worker would do.
Status plan_without_limits(const cnn::Graph& graph, const std::string& name) {
  partition::Request request;
  request.model_name = name;
  request.threshold.value = std::numeric_limits<std::int64_t>::max() / 2;
  const auto plan = partition::make_plan(graph, request);
  return plan ? Status() : Status(plan.error());
}

std::variant<partition::Plan, BuildFailure> plan_of(const cnn::Graph& graph,
                                                    const BuildOrder& order) {
  if (!order.wanted_plan_json.empty()) {
    auto plan = given_plan(graph, order.wanted_plan_json);
    if (!plan) return failure(plan.error());
    return std::move(*plan);
  }
  partition::Replication replication;
  if (!order.wanted_replication.empty()) {
    auto wanted = partition::replication_from_json(order.wanted_replication);
    if (!wanted) return failure(wanted.error());
    replication = *wanted;
  }
  auto objective = Result<partition::Objective>(partition::Objective::latency);
  if (!order.wanted_objective.empty()) {
    objective = partition::objective_named(order.wanted_objective);
    if (!objective) return failure(objective.error());
  }
  auto plan = planning::plan_for(graph, order.model.text, order.devices, *objective);
  if (plan) {
    partition::replicate(*plan, replication);
    return std::move(*plan);
  }
  const Status possible = plan_without_limits(graph, order.model.text);
  if (!possible) return failure(possible.error());
  return BuildFailure{Cause::workers, plan.error().message};
}

Result<BundleInputs> read_inputs(const BuildOrder& order) {
  BundleInputs inputs;
  HYPS_TRY(inputs.labels, read_text(order.files / "labels.txt"));
  HYPS_TRY(inputs.preprocess, read_text(order.files / "preprocess.yaml"));
  return inputs;
}

}  // namespace

BuildResult build(const BuildOrder& order, const std::atomic<bool>& cancelled) {
  const auto graph = load_model(order.files);
  if (!graph) return failure(graph.error());
  const auto inputs = read_inputs(order);
  if (!inputs) return failure(inputs.error());
  auto planned = plan_of(*graph, order);
  if (auto* failed = std::get_if<BuildFailure>(&planned)) return std::move(*failed);
  const auto& plan = std::get<partition::Plan>(planned);
  Built built{partition::to_json(plan), {}};
  for (const partition::Partition& part : plan.partitions) {
    if (cancelled) return BuildFailure{Cause::passing, "the manager is stopping"};
    const Status status = write_bundle(*graph, plan, part, *inputs, order.bundles / part.name.text);
    if (!status) return failure(status.error().about(part.name.text));
    built.partitions.push_back(part.name);
  }
  return built;
}

}  // namespace hyps::manager
