#include "common/engine/onednn/attributes.hpp"

namespace hyps::engine {

Eltwise eltwise_of(const cnn::UnaryKernel& kernel) {
  switch (kernel.function) {
    case cnn::UnaryKernel::Function::relu:
      return {dnnl::algorithm::eltwise_relu, 0, 0};
    case cnn::UnaryKernel::Function::leaky_relu:
      return {dnnl::algorithm::eltwise_relu, kernel.alpha, 0};
    case cnn::UnaryKernel::Function::clip:
      return {dnnl::algorithm::eltwise_clip, kernel.alpha, kernel.beta};
  }
  return {dnnl::algorithm::eltwise_relu, 0, 0};
}

dnnl::primitive_attr attributes_with(const std::vector<PostOp>& post) {
  dnnl::post_ops ops;
  for (const auto& op : post) {
    if (op.kind == PostOp::Kind::add) {
      ops.append_sum();
    } else {
      const auto [algorithm, alpha, beta] = eltwise_of(op.unary);
      ops.append_eltwise(1, algorithm, alpha, beta);
    }
  }
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_post_ops(ops);
  return attributes;
}

}  // namespace hyps::engine
