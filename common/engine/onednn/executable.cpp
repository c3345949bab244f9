#include "common/engine/onednn/executable.hpp"

#include <fmt/format.h>

#include <cstring>
#include <new>

#include "common/engine/arena.hpp"
#include "common/engine/inputs.hpp"
#include "common/engine/onednn/one_thread.hpp"

namespace hyps::engine {
namespace {

// The declared outputs with the types that inference found.
std::vector<cnn::Value> typed_outputs(const Builder& builder) {
  std::vector<cnn::Value> outputs;
  for (const auto& output : builder.graph().outputs) outputs.push_back(builder.value(output.name));
  return outputs;
}

}  // namespace

OneDnnExecutable::OneDnnExecutable(const cnn::Graph& graph, Builder builder,
                                   std::shared_ptr<Pool> pool, AfterStep after_step)
    : name_(graph.name),
      inputs_(graph.inputs),
      outputs_(typed_outputs(builder)),
      output_buffers_(std::move(builder.outputs)),
      buffers_(std::move(builder.buffers)),
      steps_(std::move(builder.steps)),
      pool_(std::move(pool)),
      after_step_(std::move(after_step)) {
  plan_memory();
  for (auto& binding : builder.bindings) {
    if (buffers_[binding.buffer].kind == Buffer::Kind::input) {
      input_bindings_.push_back(binding);
    } else {
      binding.memory.set_data_handle(addresses_[binding.buffer] + binding.offset);
    }
  }
}

void OneDnnExecutable::plan_memory() {
  std::vector<Lifetime> lifetimes;
  std::vector<BufferId> in_arena;
  for (BufferId id = 0; id < buffers_.size(); ++id) {
    auto& buffer = buffers_[id];
    if (!buffer.used) {
      buffer.packed.reset();
      buffer.blob = {};
    } else if (buffer.kind == Buffer::Kind::arena) {
      lifetimes.push_back({buffer.bytes, buffer.first, buffer.last});
      in_arena.push_back(id);
    } else if (buffer.kind == Buffer::Kind::constant) {
      resident_bytes_ += buffer.bytes;
    }
  }
  const auto plan = plan_arena(lifetimes);
  arena_ = AlignedBytes(plan.bytes);
  resident_bytes_ += plan.bytes;
  addresses_.assign(buffers_.size(), nullptr);
  for (std::size_t i = 0; i < in_arena.size(); ++i) {
    addresses_[in_arena[i]] = arena_.data() + plan.offsets[i];
  }
  for (BufferId id = 0; id < buffers_.size(); ++id) {
    // Constants are only ever read; oneDNN's arguments know no const.
    if (buffers_[id].used && buffers_[id].kind == Buffer::Kind::constant) {
      addresses_[id] = const_cast<std::byte*>(buffers_[id].constant);
    }
  }
}

void OneDnnExecutable::bind_inputs(const std::vector<cnn::Tensor>& inputs) {
  for (BufferId id = 0; id < buffers_.size(); ++id) {
    if (buffers_[id].kind != Buffer::Kind::input) continue;
    addresses_[id] = const_cast<std::byte*>(inputs[buffers_[id].input].data.data());
  }
  for (auto& binding : input_bindings_) {
    binding.memory.set_data_handle(addresses_[binding.buffer] + binding.offset);
  }
}

std::vector<cnn::Tensor> OneDnnExecutable::take_outputs() const {
  std::vector<cnn::Tensor> outputs;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const auto& value = outputs_[i];
    const std::span bytes(addresses_[output_buffers_[i]], static_cast<std::size_t>(value.bytes()));
    auto copy = std::make_shared<AlignedBytes>(bytes.size());
    if (!bytes.empty()) std::memcpy(copy->data(), bytes.data(), bytes.size());
    const std::span view(copy->data(), copy->size());
    outputs.push_back({value.type, value.shape, Blob(std::move(copy), view)});
  }
  return outputs;
}

Result<std::vector<cnn::Tensor>> OneDnnExecutable::run(const std::vector<cnn::Tensor>& inputs) {
  HYPS_CHECK(check_inputs(inputs_, inputs));
  const OneThread one_thread;
  try {
    bind_inputs(inputs);
    for (const auto& step : steps_) {
      step->run(addresses_, *pool_);
      if (after_step_) after_step_(step->label);
    }
    return take_outputs();
  } catch (const std::exception& error) {
    return translated(error, "run", name_);
  }
}

Error translated(const std::exception& error, const std::string& what, const std::string& graph) {
  const auto* from_dnnl = dynamic_cast<const dnnl::error*>(&error);
  const bool memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
                      (from_dnnl != nullptr && from_dnnl->status == dnnl_out_of_memory);
  if (memory) {
    return {
        ErrorKind::overloaded,
        fmt::format("not enough memory to {} '{}'; give it less or smaller layers", what, graph)};
  }
  return {ErrorKind::invalid, fmt::format("could not {} '{}': {}", what, graph, error.what())};
}

std::string effective_isa() {
#if defined(__aarch64__)
  return "asimd";
#else
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return "generic";
  }
#endif
}

}  // namespace hyps::engine
