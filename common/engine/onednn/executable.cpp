#include "common/engine/onednn/executable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <set>

#include "common/cnn/sharing.hpp"
#include "common/engine/arena.hpp"
#include "common/engine/inputs.hpp"
#include "common/engine/onednn/one_thread.hpp"

namespace hyps::engine {
namespace {

// Memory besides the arena that a batch may take; more images go one part after another.
constexpr std::size_t kMostCarriedBytes = std::size_t{4} << 20U;

// The declared outputs with the types that inference found.
std::vector<cnn::Value> typed_outputs(const Builder& builder) {
  std::vector<cnn::Value> outputs;
  for (const auto& output : builder.graph().outputs) outputs.push_back(builder.value(output.name));
  return outputs;
}

}  // namespace

OneDnnExecutable::OneDnnExecutable(const cnn::Graph& graph, Builder builder, Constants& constants,
                                   std::shared_ptr<Shared> shared, AfterStep after_step)
    : name_(graph.name),
      inputs_(graph.inputs),
      outputs_(typed_outputs(builder)),
      output_buffers_(std::move(builder.outputs)),
      buffers_(std::move(builder.buffers)),
      steps_(std::move(builder.steps)),
      addresses_(buffers_.size(), nullptr),
      shared_(std::move(shared)),
      after_step_(std::move(after_step)) {
  find_own_outputs();
  plan_memory();
  plan_batches(cnn::cost_of(graph).flops);
  take_weights(constants);
  bind(std::move(builder.bindings));
}

// Its activations may have been the largest: nobody else's memory need stay as large.
OneDnnExecutable::~OneDnnExecutable() { shared_->arena.trim(); }

// Outputs are computed where their readers will have them, except one that is given twice or lies
// within another value: that one is copied in the end.
void OneDnnExecutable::find_own_outputs() {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const auto id = output_buffers_[i];
    auto& buffer = buffers_[id];
    const bool once = std::ranges::count(output_buffers_, id) == 1;
    const bool all_of_it = buffer.bytes == static_cast<std::size_t>(outputs_[i].bytes());
    if (buffer.kind == Buffer::Kind::arena && once && all_of_it && buffer.bytes > 0) {
      buffer.kind = Buffer::Kind::output;
    }
  }
}

void OneDnnExecutable::plan_memory() {
  std::vector<Lifetime> lifetimes;
  for (BufferId id = 0; id < buffers_.size(); ++id) {
    const auto& buffer = buffers_[id];
    if (!buffer.used || buffer.kind != Buffer::Kind::arena) continue;
    lifetimes.push_back({buffer.bytes, buffer.first, buffer.last});
    in_arena_.push_back({id, 0});
  }
  const auto plan = plan_arena(lifetimes);
  for (std::size_t i = 0; i < in_arena_.size(); ++i) in_arena_[i].offset = plan.offsets[i];
  arena_bytes_ = plan.bytes;
  footprint_.activations = plan.bytes;
  for (const auto& output : outputs_) {
    footprint_.activations += static_cast<std::size_t>(output.bytes());
  }
}

void OneDnnExecutable::take_weights(Constants& constants) {
  auto all = constants.finish();
  std::vector<bool> used(all.size(), false);
  for (const auto& buffer : buffers_) {
    if (buffer.used && buffer.kind == Buffer::Kind::constant) used[buffer.constant] = true;
  }
  for (std::size_t number = 0; number < all.size(); ++number) {
    if (!used[number]) all[number] = {};
    footprint_.window = std::max(footprint_.window, all[number].size());
  }
  weights_ = Weights(std::move(all), constants.are_mapped(), uses(0, steps_.size()));
  footprint_.weights = weights_.bytes();
  footprint_.streamable = weights_.streamable_bytes();
  footprint_.window *= static_cast<std::size_t>(shared_->pool.lanes());
  for (BufferId id = 0; id < buffers_.size(); ++id) {
    // Constants are only ever read; oneDNN's arguments know no const.
    if (buffers_[id].used && buffers_[id].kind == Buffer::Kind::constant) {
      addresses_[id] = const_cast<std::byte*>(weights_.data(buffers_[id].constant));
    }
  }
}

void OneDnnExecutable::bind(std::vector<Binding> bindings) {
  for (auto& binding : bindings) {
    const auto kind = buffers_[binding.buffer].kind;
    if (kind == Buffer::Kind::constant) {
      binding.memory.set_data_handle(addresses_[binding.buffer] + binding.offset);
    } else if (kind == Buffer::Kind::arena) {
      arena_bindings_.push_back(std::move(binding));
    } else {
      run_bindings_.push_back(std::move(binding));
    }
  }
}

void OneDnnExecutable::place_inputs(const std::vector<cnn::Tensor>& inputs) {
  for (BufferId id = 0; id < buffers_.size(); ++id) {
    if (buffers_[id].kind != Buffer::Kind::input) continue;
    addresses_[id] = const_cast<std::byte*>(inputs[buffers_[id].input].data.data());
  }
}

void OneDnnExecutable::place_arena(std::byte* arena) {
  if (arena == arena_) return;
  arena_ = arena;
  for (const auto& [id, offset] : in_arena_) addresses_[id] = arena + offset;
  for (auto& binding : arena_bindings_) {
    binding.memory.set_data_handle(addresses_[binding.buffer] + binding.offset);
  }
}

std::vector<cnn::Tensor> OneDnnExecutable::place_outputs() {
  std::vector<cnn::Tensor> outputs;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const auto& value = outputs_[i];
    auto memory = std::make_shared<AlignedBytes>(static_cast<std::size_t>(value.bytes()));
    const auto id = output_buffers_[i];
    if (buffers_[id].kind == Buffer::Kind::output) addresses_[id] = memory->data();
    const std::span bytes(memory->data(), memory->size());
    outputs.push_back({value.type, value.shape, Blob(std::move(memory), bytes)});
  }
  return outputs;
}

void OneDnnExecutable::fill_outputs(const Addresses& addresses,
                                    std::vector<cnn::Tensor>& outputs) const {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto id = output_buffers_[i];
    const auto bytes = outputs[i].data.bytes();
    if (buffers_[id].kind == Buffer::Kind::output || bytes.empty()) continue;
    std::memcpy(const_cast<std::byte*>(bytes.data()), addresses[id], bytes.size());
  }
}

std::vector<std::size_t> OneDnnExecutable::uses(std::size_t begin, std::size_t end) const {
  std::vector<std::size_t> order;
  for (std::size_t i = begin; i < end; ++i) {
    for (const auto number : steps_[i]->streams()) order.push_back(number);
  }
  return order;
}

void OneDnnExecutable::run_steps(std::size_t begin, std::size_t end) {
  for (auto& binding : run_bindings_) {
    binding.memory.set_data_handle(addresses_[binding.buffer] + binding.offset);
  }
  if (weights_.stream()) weights_.begin(uses(begin, end));
  for (std::size_t i = begin; i < end; ++i) {
    steps_[i]->run(addresses_, shared_->pool, weights_);
    if (after_step_) after_step_(steps_[i]->label);
  }
}

Result<std::vector<cnn::Tensor>> OneDnnExecutable::run(const std::vector<cnn::Tensor>& inputs) {
  HYPS_CHECK(check_inputs(inputs_, inputs));
  const OneThread one_thread;
  try {
    auto arena = shared_->arena.take(arena_bytes_);
    place_inputs(inputs);
    place_arena(arena.data());
    auto outputs = place_outputs();
    run_steps(0, steps_.size());
    fill_outputs(addresses_, outputs);
    shared_->arena.give_back(std::move(arena));
    return outputs;
  } catch (const std::exception& error) {
    return translated(error, "run", name_);
  }
}

// ---- batches ----------------------------------------------------------------------------------

std::int64_t OneDnnExecutable::shared_bytes() const {
  std::set<std::size_t> numbers;
  for (const auto& step : steps_) {
    if (!step->shares_weights()) continue;
    for (const auto number : step->streams()) numbers.insert(number);
  }
  std::size_t bytes = 0;
  for (const auto& buffer : buffers_) {
    const bool is_constant = buffer.used && buffer.kind == Buffer::Kind::constant;
    if (is_constant && numbers.erase(buffer.constant) > 0) bytes += buffer.bytes;
  }
  return static_cast<std::int64_t>(bytes);
}

void OneDnnExecutable::plan_batches(std::int64_t flops) {
  for (const auto& output : outputs_) {
    footprint_.further_image += static_cast<std::size_t>(output.bytes());
  }
  if (!cnn::is_worth_sharing(shared_bytes(), flops)) return;
  std::vector<bool> shared;
  for (const auto& step : steps_) shared.push_back(step->shares_weights());
  std::vector<Live> live;
  for (BufferId id = 0; id < buffers_.size(); ++id) {
    const auto& buffer = buffers_[id];
    const bool lives = buffer.used && buffer.kind == Buffer::Kind::arena;
    if (lives) live.push_back({id, buffer.bytes, buffer.first, buffer.last});
  }
  auto plan = plan_batch(shared, live);
  if (plan.image_bytes > kMostCarriedBytes / 2) return;  // for no two images
  batch_plan_ = std::move(plan);
  footprint_.further_image += 2 * batch_plan_.image_bytes;  // the first image carries it too
}

Result<std::vector<std::vector<cnn::Tensor>>> OneDnnExecutable::run_many(
    const std::vector<std::vector<cnn::Tensor>>& batch) {
  if (batch.size() < 2 || batch_plan_.stretches.empty()) return Executable::run_many(batch);
  for (const auto& inputs : batch) HYPS_CHECK(check_inputs(inputs_, inputs));
  const auto most = kMostCarriedBytes / std::max<std::size_t>(batch_plan_.image_bytes, 1);
  const OneThread one_thread;
  try {
    std::vector<std::vector<cnn::Tensor>> outputs;
    for (std::size_t begin = 0; begin < batch.size(); begin += most) {
      const auto images = std::span(batch).subspan(begin, std::min(most, batch.size() - begin));
      for (auto& output : run_together(images)) outputs.push_back(std::move(output));
    }
    return outputs;
  } catch (const std::exception& error) {
    return translated(error, "run a batch of", name_);
  }
}

std::vector<std::vector<cnn::Tensor>> OneDnnExecutable::run_together(
    std::span<const std::vector<cnn::Tensor>> batch) {
  auto arena = shared_->arena.take(arena_bytes_);
  place_arena(arena.data());
  const AlignedBytes carried(batch.size() * batch_plan_.image_bytes);
  std::vector<Addresses> images;
  std::vector<std::vector<cnn::Tensor>> outputs;
  for (const auto& inputs : batch) {
    place_inputs(inputs);
    outputs.push_back(place_outputs());
    auto* own = carried.data() + images.size() * batch_plan_.image_bytes;
    images.push_back(addresses_);
    for (const auto& kept : batch_plan_.carried) images.back()[kept.buffer] = own + kept.offset;
  }
  run_stretches(images);
  for (std::size_t i = 0; i < images.size(); ++i) fill_outputs(images[i], outputs[i]);
  shared_->arena.give_back(std::move(arena));
  return outputs;
}

void OneDnnExecutable::run_stretches(const std::vector<Addresses>& images) {
  for (const auto& stretch : batch_plan_.stretches) {
    if (!stretch.shared) {
      for (const auto& image : images) run_stretch(stretch, image);
      continue;
    }
    auto& step = *steps_[stretch.begin];
    if (weights_.stream()) weights_.begin(uses(stretch.begin, stretch.end));
    step.run_many(images, shared_->pool, weights_);
    if (after_step_) after_step_(step.label);
  }
}

// In the arena, as in a run of its own.
void OneDnnExecutable::run_stretch(const Stretch& stretch, const Addresses& image) {
  for (BufferId id = 0; id < buffers_.size(); ++id) {
    const auto kind = buffers_[id].kind;
    if (kind == Buffer::Kind::input || kind == Buffer::Kind::output) addresses_[id] = image[id];
  }
  for (const std::size_t index : stretch.in) {
    const auto& kept = batch_plan_.carried[index];
    std::memcpy(addresses_[kept.buffer], image[kept.buffer], kept.bytes);
  }
  run_steps(stretch.begin, stretch.end);
  for (const std::size_t index : stretch.out) {
    const auto& kept = batch_plan_.carried[index];
    std::memcpy(image[kept.buffer], addresses_[kept.buffer], kept.bytes);
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
