// Kernels: the closed set of things a fast engine must be able to do. An operator (open set, one
// file each in ops/) says which kernel it is for given shapes; an engine implements kernels and
// knows no operator. Operand i of a kernel is input i of the node. All maps are NCHW, float32.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace hyps::cnn {

// Spatial window of convolution and pooling, per spatial axis (1 to 3 of them).
struct Window {
  std::vector<std::int64_t> kernel;
  std::vector<std::int64_t> strides;
  std::vector<std::int64_t> dilations;  // 1 = dense
  std::vector<std::int64_t> pads_begin;
  std::vector<std::int64_t> pads_end;  // may exceed what floor division uses (ceil_mode)
};

// inputs: x [N,C,...], w [M,C/groups,...], optional bias [M]
struct ConvKernel {
  Window window;
  std::int64_t groups = 1;
};

// inputs: x [N,C,...], w [C,M/groups,...], optional bias [M]; the window is the convolution's whose
// gradient this is: it slides over the output
struct DeconvKernel {
  Window window;
  std::int64_t groups = 1;
};

// inputs: x
struct PoolKernel {
  enum class Kind { max, average_with_pads, average_without_pads };
  Kind kind = Kind::max;
  Window window;
};

// inputs: a, b, optional c: alpha * op(a) * op(b) + beta * c, c broadcast to the output.
// a and b may have leading batch axes (broadcast) only when neither is transposed.
struct MatMulKernel {
  bool transpose_a = false;
  bool transpose_b = false;
  float alpha = 1;
  float beta = 1;
};

// inputs: x; y = f(x)
struct UnaryKernel {
  // leaky_relu: times alpha below zero; clip: to [alpha, beta]; the others have no
  // parameter
  enum class Function { relu, leaky_relu, clip, sigmoid, tanh, abs, sqrt, exp, hard_swish };
  Function function = Function::relu;
  float alpha = 0;
  float beta = 0;
};

// inputs: two or more, broadcast as ONNX (numpy) does; folded from the left
struct BinaryKernel {
  enum class Function { add, multiply, subtract, divide, maximum, minimum };
  Function function = Function::add;
};

// inputs: x, slope (constant, broadcast to x); y = x where positive, else slope * x
struct PReluKernel {};

// inputs: x; y = scale[c] * x + shift[c] along axis 1
struct AffineKernel {
  std::vector<float> scale;
  std::vector<float> shift;
};

// inputs: x, seen as [outer, length, inner]; softmax along `length`
struct SoftmaxKernel {
  std::int64_t outer = 1;
  std::int64_t length = 1;
  std::int64_t inner = 1;
};

// inputs: x; across channels: x / (bias + alpha / size * sum of squares over the window)^beta
struct LrnKernel {
  std::int64_t size = 1;
  float alpha = 0;
  float beta = 0;
  float bias = 0;
};

// inputs: all; concatenated along axis
struct ConcatKernel {
  std::int64_t axis = 1;
};

// inputs: x; the same elements in the same order under the output's shape: no copy is needed
struct ViewKernel {};

// No faster form than the reference: the engine calls Operator::reference on plain tensors.
struct ReferenceKernel {};

using Kernel = std::variant<ConvKernel, DeconvKernel, PoolKernel, MatMulKernel, UnaryKernel,
                            BinaryKernel, PReluKernel, AffineKernel, SoftmaxKernel, LrnKernel,
                            ConcatKernel, ViewKernel, ReferenceKernel>;

}  // namespace hyps::cnn
