#include "common/engine/onednn/step.hpp"

#include <cstring>
#include <stdexcept>

namespace hyps::engine {

PrimitiveStep::PrimitiveStep(const dnnl::engine& engine, std::vector<Call> calls,
                             std::vector<Piece> pieces, int lanes)
    : calls_(std::move(calls)), pieces_(std::move(pieces)) {
  for (int lane = 0; lane < lanes; ++lane) streams_.emplace_back(engine);
}

void PrimitiveStep::execute(const Piece& piece, const Addresses& addresses, std::size_t lane) {
  const auto& call = calls_[piece.call];
  const auto& arguments = call.of_lane[lane];
  for (const auto& [argument, buffer, offset] : piece.moving) {
    arguments.at(argument).set_data_handle(addresses[buffer] + offset);
  }
  call.primitive.execute(streams_[lane], arguments);
}

void PrimitiveStep::run(const Addresses& addresses, Pool& pool, Weights& weights) {
  pool.run(static_cast<int>(pieces_.size()), [&](int number, int lane) {
    const auto& piece = pieces_[static_cast<std::size_t>(number)];
    weights.before(piece.constants);
    execute(piece, addresses, static_cast<std::size_t>(lane));
    weights.after(piece.constants);
  });
}

std::vector<std::size_t> PrimitiveStep::streams() const {
  std::vector<std::size_t> numbers;
  for (const auto& piece : pieces_) {
    numbers.insert(numbers.end(), piece.constants.begin(), piece.constants.end());
  }
  return numbers;
}

void PrimitiveStep::run_many(const std::vector<Addresses>& images, Pool& pool, Weights& weights) {
  pool.run(static_cast<int>(pieces_.size()), [&](int number, int lane) {
    const auto& piece = pieces_[static_cast<std::size_t>(number)];
    weights.before(piece.constants);
    for (const auto& image : images) execute(piece, image, static_cast<std::size_t>(lane));
    weights.after(piece.constants);
  });
}

ReferenceStep::ReferenceStep(const cnn::Operator& op, cnn::Node node, int opset,
                             std::vector<Input> inputs, std::vector<bool> constant,
                             std::vector<Output> outputs)
    : operator_(op),
      node_(std::move(node)),
      opset_(opset),
      inputs_(std::move(inputs)),
      constant_(std::move(constant)),
      outputs_(std::move(outputs)) {}

void ReferenceStep::run(const Addresses& addresses, Pool& /*pool*/, Weights& /*weights*/) {
  std::vector<cnn::Tensor> tensors(inputs_.size());
  std::vector<const cnn::Tensor*> given(inputs_.size(), nullptr);
  cnn::NodeContext context{node_, opset_, {}, {}, {}};
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const auto& [is_given, buffer, value] = inputs_[i];
    context.inputs.push_back(value);
    if (is_given) {
      const std::span bytes(addresses[buffer], static_cast<std::size_t>(value.bytes()));
      tensors[i] = {value.type, value.shape, Blob(nullptr, bytes)};
      given[i] = &tensors[i];
    }
    context.constants.push_back(constant_[i] ? given[i] : nullptr);
  }
  for (const auto& output : outputs_) context.outputs.push_back(output.value);

  const auto results = operator_.reference(context, given);
  for (const auto& [index, buffer, value] : outputs_) {
    if (index >= results.size() ||
        results[index].data.size() != static_cast<std::size_t>(value.bytes())) {
      throw std::logic_error("result of another size than inferred: '" + value.name + "'");
    }
    std::memcpy(addresses[buffer], results[index].data.data(), results[index].data.size());
  }
}

}  // namespace hyps::engine
