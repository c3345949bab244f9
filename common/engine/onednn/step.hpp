// Step: one thing an executable does, in order. Steps name memory by buffer; where a buffer lies is
// known once the arena is planned.
#pragma once

#include <cstddef>
#include <dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/cnn/operator.hpp"
#include "common/engine/onednn/weights.hpp"
#include "common/engine/pool.hpp"

namespace hyps::engine {

using BufferId = std::size_t;

// The address of each buffer during a run.
using Addresses = std::vector<std::byte*>;

class Step {
 public:
  virtual ~Step() = default;
  virtual void run(const Addresses& addresses, Pool& pool, Weights& weights) = 0;
  // Numbers of constants as run() tells `weights` that it uses them.
  [[nodiscard]] virtual std::vector<std::size_t> streams() const { return {}; }
  // Whether run_many reads constants once for all images.
  [[nodiscard]] virtual bool shares_weights() const { return false; }
  // REQUIRES: shares_weights. As run, of each image: its addresses.
  virtual void run_many(const std::vector<Addresses>& /*images*/, Pool& /*pool*/,
                        Weights& /*weights*/) {}

  std::string label;  // what it is, for people who profile
};

// Pieces, each by a primitive made for one thread. Each lane has its own scratchpad, hence its own
// arguments. Pieces of a layer that shares its weights are many (256 of VGG16's fc6) and of one or
// two shapes: they share primitive and arguments, which are told where a piece is before it runs.
class PrimitiveStep : public Step {
 public:
  using Arguments = std::unordered_map<int, dnnl::memory>;
  struct Call {
    dnnl::primitive primitive;
    std::vector<Arguments> of_lane;
  };
  struct Moving {  // an argument that is somewhere else for each piece and image
    int argument = 0;
    BufferId buffer = 0;
    std::size_t offset = 0;
  };
  struct Piece {
    std::size_t call = 0;
    std::vector<std::size_t> constants;  // by number
    std::vector<Moving> moving;          // all arguments, of pieces that share their weights
  };
  PrimitiveStep(const dnnl::engine& engine, std::vector<Call> calls, std::vector<Piece> pieces,
                int lanes);
  void run(const Addresses& addresses, Pool& pool, Weights& weights) override;
  [[nodiscard]] std::vector<std::size_t> streams() const override;
  [[nodiscard]] bool shares_weights() const override { return !pieces_[0].moving.empty(); }
  // Pieces are the outer loop and images the inner one, so that a piece's weights stay in the
  // cache; each image by the very primitive of a single run.
  void run_many(const std::vector<Addresses>& images, Pool& pool, Weights& weights) override;

 private:
  void execute(const Piece& piece, const Addresses& addresses, std::size_t lane);
  std::vector<Call> calls_;
  std::vector<Piece> pieces_;
  std::vector<dnnl::stream> streams_;  // one for each lane
};

// An operator's scalar reference form on plain tensors.
class ReferenceStep : public Step {
 public:
  struct Input {
    bool given = false;
    BufferId buffer = 0;
    cnn::Value value;
  };
  struct Output {
    std::size_t index = 0;  // among the node's outputs
    BufferId buffer = 0;
    cnn::Value value;
  };
  // constant[i]: input i is a weight, which the operator may look at beforehand.
  ReferenceStep(const cnn::Operator& op, cnn::Node node, int opset, std::vector<Input> inputs,
                std::vector<bool> constant, std::vector<Output> outputs);
  void run(const Addresses& addresses, Pool& pool, Weights& weights) override;

 private:
  const cnn::Operator& operator_;  // in the static table
  cnn::Node node_;
  int opset_;
  std::vector<Input> inputs_;
  std::vector<bool> constant_;
  std::vector<Output> outputs_;
};

}  // namespace hyps::engine
