// Each operator begins with the opset in which ONNX has it, or with the oldest of ours.
#ifndef ONNX_ML
#define ONNX_ML 1
#define ONNX_NAMESPACE onnx
#endif
#include <gtest/gtest.h>
#include <onnx/defs/schema.h>

#include "common/cnn/operator.hpp"

namespace hyps::conformance {
namespace {

constexpr int kOldest = 7;

TEST(OnnxConformance, OperatorsBeginWithTheirOpset) {
  for (const auto& op : cnn::all_operators()) {
    const auto has = [&](int opset) {
      return ::onnx::OpSchemaRegistry::Schema(std::string(op.type), opset, "") != nullptr;
    };
    EXPECT_TRUE(has(op.opset_min)) << op.type;
    EXPECT_TRUE(op.opset_min == kOldest || !has(op.opset_min - 1)) << op.type;
  }
}

}  // namespace
}  // namespace hyps::conformance
