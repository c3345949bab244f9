#include <new>

#include "common/engine/engine.hpp"
#include "common/engine/inputs.hpp"

namespace hyps::engine {
namespace {

// Keeps the whole graph: the scalar operators read the weights where they are.
class ReferenceExecutable : public Executable {
 public:
  explicit ReferenceExecutable(cnn::Graph graph) : graph_(std::move(graph)) {}

  Result<std::vector<cnn::Tensor>> run(const std::vector<cnn::Tensor>& inputs) override {
    HYPS_CHECK(check_inputs(graph_.inputs, inputs));
    try {
      return cnn::run_reference(graph_, inputs);
    } catch (const std::bad_alloc&) {
      return Error{ErrorKind::overloaded, "not enough memory to run '" + graph_.name + "'"};
    }
  }

  // Every value of a run is counted, as the oracle frees none early.
  [[nodiscard]] Footprint footprint() const override {
    Footprint bytes;
    for (const auto& [name, weight] : graph_.weights) bytes.weights += weight.data.size();
    for (const auto& [name, value] : graph_.values)
      bytes.activations += static_cast<std::size_t>(value.bytes());
    return bytes;
  }

 private:
  cnn::Graph graph_;
};

class ReferenceEngine : public Engine {
 public:
  // Packs nothing.
  Result<std::unique_ptr<Executable>> compile(const cnn::Graph& graph,
                                              const Packing& /*packing*/) override {
    return std::unique_ptr<Executable>(std::make_unique<ReferenceExecutable>(graph));
  }
  [[nodiscard]] std::string isa() const override { return "scalar"; }
  [[nodiscard]] std::string packer() const override { return "scalar"; }
};

}  // namespace

std::unique_ptr<Engine> make_reference_engine() { return std::make_unique<ReferenceEngine>(); }

}  // namespace hyps::engine
