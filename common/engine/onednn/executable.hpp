// The compiled form of a graph: steps over an arena, which it has only while it runs.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/engine/engine.hpp"
#include "common/engine/onednn/batch.hpp"
#include "common/engine/onednn/builder.hpp"
#include "common/engine/onednn/shared_arena.hpp"
#include "common/engine/onednn/weights.hpp"

namespace hyps::engine {

// What the executables of one engine share.
struct Shared {
  Pool pool;
  SharedArena arena;

  explicit Shared(int threads) : pool(threads) {}
};

class OneDnnExecutable : public Executable {
 public:
  using AfterStep = std::function<void(const std::string& step)>;
  OneDnnExecutable(const cnn::Graph& graph, Builder builder, Constants& constants,
                   std::shared_ptr<Shared> shared, AfterStep after_step);
  ~OneDnnExecutable() override;
  OneDnnExecutable(const OneDnnExecutable&) = delete;
  OneDnnExecutable& operator=(const OneDnnExecutable&) = delete;

  Result<std::vector<cnn::Tensor>> run(const std::vector<cnn::Tensor>& inputs) override;
  Result<std::vector<std::vector<cnn::Tensor>>> run_many(
      const std::vector<std::vector<cnn::Tensor>>& batch) override;
  [[nodiscard]] bool gains_from_batches() const override { return !batch_plan_.stretches.empty(); }
  [[nodiscard]] Footprint footprint() const override { return footprint_; }
  void keep_weights(std::size_t bytes) override { weights_.keep(bytes); }
  void prefetch() override { weights_.prefetch(); }

 private:
  struct InArena {
    BufferId buffer = 0;
    std::size_t offset = 0;
  };
  void find_own_outputs();
  void plan_memory();
  [[nodiscard]] std::int64_t shared_bytes() const;  // of weights, by the images of a batch
  void plan_batches(std::int64_t flops);            // that a run takes
  void take_weights(Constants& constants);
  void bind(std::vector<Binding> bindings);
  void place_inputs(const std::vector<cnn::Tensor>& inputs);
  void place_arena(std::byte* arena);
  [[nodiscard]] std::vector<cnn::Tensor> place_outputs();
  void fill_outputs(const Addresses& addresses, std::vector<cnn::Tensor>& outputs) const;
  void run_steps(std::size_t begin, std::size_t end);
  // The constants that steps use, one after another.
  [[nodiscard]] std::vector<std::size_t> uses(std::size_t begin, std::size_t end) const;
  // Some images of a batch, each with its own memory for what it carries.
  std::vector<std::vector<cnn::Tensor>> run_together(
      std::span<const std::vector<cnn::Tensor>> batch);
  // Each image with the addresses of its inputs, its outputs and what it carries.
  void run_stretches(const std::vector<Addresses>& images);
  void run_stretch(const Stretch& stretch, const Addresses& image);

  const std::string name_;
  const std::vector<cnn::Value> inputs_;
  const std::vector<cnn::Value> outputs_;
  const std::vector<BufferId> output_buffers_;
  std::vector<Buffer> buffers_;
  std::vector<std::unique_ptr<Step>> steps_;
  Weights weights_;
  Addresses addresses_;
  std::vector<InArena> in_arena_;
  std::size_t arena_bytes_ = 0;
  std::byte* arena_ = nullptr;           // where it was in the last run
  std::vector<Binding> arena_bindings_;  // set anew where the arena has moved
  std::vector<Binding> run_bindings_;    // of inputs and outputs: set anew for each run
  BatchPlan batch_plan_;                 // without stretches: nothing is to be shared
  std::shared_ptr<Shared> shared_;
  const AfterStep after_step_;
  Footprint footprint_;
};

// What went wrong while doing `what` to the graph, as one of our errors.
Error translated(const std::exception& error, const std::string& what, const std::string& graph);

std::string effective_isa();

}  // namespace hyps::engine
