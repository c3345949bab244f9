// The compiled form of a graph: steps over one arena.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/engine/engine.hpp"
#include "common/engine/onednn/builder.hpp"

namespace hyps::engine {

class OneDnnExecutable : public Executable {
 public:
  using AfterStep = std::function<void(const std::string& step)>;
  OneDnnExecutable(const cnn::Graph& graph, Builder builder, std::shared_ptr<Pool> pool,
                   AfterStep after_step);
  Result<std::vector<cnn::Tensor>> run(const std::vector<cnn::Tensor>& inputs) override;
  [[nodiscard]] std::size_t resident_bytes() const override { return resident_bytes_; }

 private:
  void plan_memory();
  void bind_inputs(const std::vector<cnn::Tensor>& inputs);
  [[nodiscard]] std::vector<cnn::Tensor> take_outputs() const;

  const std::string name_;
  const std::vector<cnn::Value> inputs_;
  const std::vector<cnn::Value> outputs_;
  const std::vector<BufferId> output_buffers_;
  std::vector<Buffer> buffers_;
  AlignedBytes arena_;
  Addresses addresses_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<Binding> input_bindings_;  // set anew for each run
  std::shared_ptr<Pool> pool_;
  const AfterStep after_step_;
  std::size_t resident_bytes_ = 0;
};

// What went wrong while doing `what` to the graph, as one of our errors.
Error translated(const std::exception& error, const std::string& what, const std::string& graph);

std::string effective_isa();

}  // namespace hyps::engine
