// One function for each kernel. It adds the steps that compute the group's output and returns true;
// or returns false where oneDNN has no good form of it (then nothing depends on what it added).
#pragma once

#include "common/engine/onednn/builder.hpp"
#include "common/engine/program.hpp"

namespace hyps::engine {

bool emit(Builder& builder, const Group& group, const cnn::ConvKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::DeconvKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::PoolKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::MatMulKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::UnaryKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::BinaryKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::PReluKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::AffineKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::SoftmaxKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::LrnKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::ConcatKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::ViewKernel& kernel);
bool emit(Builder& builder, const Group& group, const cnn::ReferenceKernel& kernel);

}  // namespace hyps::engine
