#include "services/cli/local_run.hpp"

#include <cmath>
#include <limits>
#include <map>

#include "common/base/file.hpp"
#include "common/partition/partition.hpp"
#include "services/worker/runner.hpp"

namespace hyps::cli {

namespace {

using Tensors = std::map<std::string, Blob>;

Result<std::vector<Blob>> collect(const Tensors& tensors, const std::vector<cnn::Value>& values) {
  std::vector<Blob> found;
  for (const cnn::Value& value : values) {
    const auto tensor = tensors.find(value.name);
    if (tensor == tensors.end()) {
      return Error{ErrorKind::invalid, "the plan gives no tensor '" + value.name + "'"};
    }
    found.push_back(tensor->second);
  }
  return found;
}

Status run_bundle(const std::filesystem::path& folder, const partition::Partition& part,
                  engine::Engine& engine, Tensors& tensors) {
  HYPS_TRY(const auto inputs, collect(tensors, part.inputs));
  auto runner =
      worker::open_bundle(folder / part.name.text, partition::to_string(part.kind), engine);
  if (!runner) return runner.error().about(part.name.text);
  auto outputs = (*runner)->run(inputs);
  if (!outputs) return outputs.error().about(part.name.text);
  for (std::size_t i = 0; i < part.outputs.size(); ++i) {
    tensors[part.outputs[i].name] = (*outputs)[i];
  }
  return {};
}

}  // namespace

Result<std::vector<cnn::Tensor>> run_whole(const cnn::Graph& graph,
                                           const std::vector<cnn::Tensor>& inputs,
                                           engine::Engine& engine) {
  HYPS_TRY(const auto executable, engine.compile(graph));
  return executable->run(inputs);
}

Result<std::map<std::string, cnn::Tensor>> run_all(const cnn::Graph& graph,
                                                   const partition::Plan& plan,
                                                   const std::vector<cnn::Tensor>& given,
                                                   engine::Engine& engine) {
  std::map<std::string, cnn::Tensor> tensors;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    tensors[graph.inputs[i].name] = given.at(i);
  }
  for (const partition::Partition& part : plan.partitions) {
    if (part.kind == partition::Kind::ingest || part.kind == partition::Kind::report) continue;
    HYPS_TRY(const cnn::Graph piece, partition::extract(graph, plan, part));
    HYPS_TRY(const auto executable, engine.compile(piece));
    std::vector<cnn::Tensor> inputs;
    for (const cnn::Value& value : piece.inputs) inputs.push_back(tensors.at(value.name));
    HYPS_TRY(const auto outputs, executable->run(inputs));
    for (std::size_t i = 0; i < outputs.size(); ++i) tensors[piece.outputs[i].name] = outputs[i];
  }
  return tensors;
}

Result<std::vector<cnn::Tensor>> run_partitioned(const cnn::Graph& graph,
                                                 const partition::Plan& plan,
                                                 const std::vector<cnn::Tensor>& inputs,
                                                 engine::Engine& engine) {
  HYPS_TRY(const auto tensors, run_all(graph, plan, inputs, engine));
  std::vector<cnn::Tensor> outputs;
  for (const cnn::Value& value : graph.outputs) outputs.push_back(tensors.at(value.name));
  return outputs;
}

Result<FolderResult> run_folder(const std::filesystem::path& folder, const Blob& payload,
                                engine::Engine& engine) {
  HYPS_TRY(const Blob text, read_file(folder / "plan.json", 16U << 20U));
  HYPS_TRY(const auto plan, partition::plan_from_json(std::string(text.text())));
  HYPS_CHECK(partition::check(plan));
  Tensors tensors{{partition::kImageTensor, payload}};
  for (const partition::Partition& part : plan.partitions) {
    HYPS_CHECK(run_bundle(folder, part, engine, tensors));
  }
  FolderResult result;
  result.output_values = plan.partitions.back().inputs;
  for (const cnn::Value& value : result.output_values) {
    result.outputs.push_back({value.type, value.shape, tensors.at(value.name)});
  }
  result.answer = std::string(tensors.at(partition::kAnswerTensor).text());
  return result;
}

double relative_error(const cnn::Tensor& a, const cnn::Tensor& b) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (a.shape != b.shape || a.type != b.type) return kInfinite;
  if (a.type != cnn::DType::f32) return a.data == b.data ? 0 : kInfinite;
  const auto x = a.f32();
  const auto y = b.f32();
  double largest_error = 0;
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) {
      if (std::isfinite(y[i])) largest = std::max(largest, std::abs(static_cast<double>(y[i])));
      continue;
    }
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) return kInfinite;
    largest_error = std::max(largest_error, std::abs(static_cast<double>(x[i]) - y[i]));
    largest = std::max(largest, std::abs(static_cast<double>(y[i])));
  }
  if (largest_error == 0) return 0;
  return largest == 0 ? kInfinite : largest_error / largest;
}

}  // namespace hyps::cli
