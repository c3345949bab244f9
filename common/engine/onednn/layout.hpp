// Memory descriptors: plain ones, and parts of blocked ones that are contiguous.
#pragma once

#include <cstddef>
#include <dnnl.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/cnn/tensor.hpp"

namespace hyps::engine {

using Desc = dnnl::memory::desc;

// Row-major float32; a scalar has the shape [1].
Desc plain_desc(const cnn::Shape& shape);
Desc any_desc(const cnn::Shape& shape);
Desc strided_desc(const cnn::Shape& shape, const cnn::Shape& strides);

// True if the bytes are those of plain_desc of the same extents.
bool is_plain(const Desc& desc);
// True if every byte of the memory is an element (no padding of channels).
bool is_dense(const Desc& desc);

// The same layout for another number of images. REQUIRES: desc is of one image.
std::optional<Desc> with_batch(const Desc& desc, std::int64_t batch);

// The same layout for another number of channels. REQUIRES: desc is of one image.
std::optional<Desc> with_channels(const Desc& desc, std::int64_t channels);

// Channels [begin, end) of image `n`, if they are contiguous in `whole`.
struct Slice {
  std::size_t offset = 0;  // bytes
  Desc desc;               // of one image
};
std::optional<Slice> channel_slice(const Desc& whole, std::int64_t n, std::int64_t begin,
                                   std::int64_t end);
// The numbers that make the layout, at the end of `numbers`: equal for equal layouts.
void append_layout(const Desc& desc, std::vector<std::int64_t>& numbers);
// How many channels lie together in one block: 1 where the layout does not block channels.
std::int64_t channel_block(const Desc& desc);

}  // namespace hyps::engine
