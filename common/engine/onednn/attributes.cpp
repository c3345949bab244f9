#include "common/engine/onednn/attributes.hpp"

#include <cmath>

namespace hyps::engine {

Eltwise eltwise_of(const cnn::UnaryKernel& kernel) {
  using Function = cnn::UnaryKernel::Function;
  using dnnl::algorithm;
  switch (kernel.function) {
    case Function::relu:
      return {algorithm::eltwise_relu, 0, 0};
    case Function::leaky_relu:
      return {algorithm::eltwise_relu, kernel.alpha, 0};
    case Function::clip:
      return {algorithm::eltwise_clip, kernel.alpha, kernel.beta};
    case Function::sigmoid:
      return {algorithm::eltwise_logistic, 0, 0};
    case Function::tanh:
      return {algorithm::eltwise_tanh, 0, 0};
    case Function::abs:
      return {algorithm::eltwise_abs, 0, 0};
    case Function::sqrt:
      return {algorithm::eltwise_sqrt, 0, 0};
    case Function::exp:
      return {algorithm::eltwise_exp, 0, 0};
    case Function::hard_swish:
      return {algorithm::eltwise_hardswish, 0, 0};
  }
  return {algorithm::eltwise_relu, 0, 0};
}

bool keeps_zero(const cnn::UnaryKernel& kernel) {
  using Function = cnn::UnaryKernel::Function;
  switch (kernel.function) {
    case Function::clip:
      return kernel.alpha <= 0 && kernel.beta >= 0;
    case Function::sigmoid:
    case Function::exp:
      return false;
    case Function::leaky_relu:
      return std::isfinite(kernel.alpha);
    case Function::relu:
    case Function::tanh:
    case Function::abs:
    case Function::sqrt:
    case Function::hard_swish:
      return true;
  }
  return false;
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
