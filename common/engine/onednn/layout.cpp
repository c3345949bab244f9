#include "common/engine/onednn/layout.hpp"

#include <algorithm>

namespace hyps::engine {
namespace {

cnn::Shape row_major(const cnn::Shape& shape) {
  cnn::Shape strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

cnn::Shape dims_of(const cnn::Shape& shape) { return shape.empty() ? cnn::Shape{1} : shape; }

bool blocks_only_channels(const dnnl_memory_desc_t& data) {
  if (data.format_kind != dnnl_blocked || data.offset0 != 0) return false;
  const auto& blocking = data.format_desc.blocking;
  return std::all_of(blocking.inner_idxs, blocking.inner_idxs + blocking.inner_nblks,
                     [](dnnl_dim_t axis) { return axis == 1; });
}

// Going along axis `outer` steps over everything that lies in the axes after it.
bool is_outermost_from(const dnnl_memory_desc_t& data, int outer) {
  const auto* strides = data.format_desc.blocking.strides;
  for (int i = outer + 1; i < data.ndims; ++i) {
    if (strides[i] > strides[outer]) return false;
  }
  return true;
}

}  // namespace

Desc plain_desc(const cnn::Shape& shape) {
  return strided_desc(dims_of(shape), row_major(dims_of(shape)));
}

Desc any_desc(const cnn::Shape& shape) {
  return {dims_of(shape), dnnl::memory::data_type::f32, dnnl::memory::format_tag::any};
}

Desc strided_desc(const cnn::Shape& shape, const cnn::Shape& strides) {
  return {shape, dnnl::memory::data_type::f32, strides};
}

bool is_plain(const Desc& desc) {
  const auto& data = desc.data;
  if (!is_dense(desc) || data.format_desc.blocking.inner_nblks != 0) return false;
  const auto expected = row_major(desc.dims());
  for (int i = 0; i < data.ndims; ++i) {
    if (data.dims[i] > 1 &&
        data.format_desc.blocking.strides[i] != expected[static_cast<std::size_t>(i)]) {
      return false;
    }
  }
  return true;
}

bool is_dense(const Desc& desc) {
  const auto& data = desc.data;
  if (data.format_kind != dnnl_blocked || data.offset0 != 0) return false;
  return desc.get_size() ==
         static_cast<std::size_t>(cnn::element_count(desc.dims())) * sizeof(float);
}

std::optional<Desc> with_batch(const Desc& desc, std::int64_t batch) {
  if (batch == 1) return desc;
  if (desc.data.ndims < 1 || !blocks_only_channels(desc.data)) return std::nullopt;
  const auto stride =
      desc.data.format_desc.blocking.strides[0] * static_cast<dnnl_dim_t>(sizeof(float));
  if (!is_outermost_from(desc.data, 0) || static_cast<std::size_t>(stride) != desc.get_size()) {
    return std::nullopt;
  }
  Desc many = desc;
  many.data.dims[0] = batch;
  many.data.padded_dims[0] = batch;
  return many;
}

std::optional<Desc> with_channels(const Desc& desc, std::int64_t channels) {
  const auto& data = desc.data;
  if (data.ndims < 2 || data.dims[0] != 1 || !blocks_only_channels(data)) return std::nullopt;
  if (!is_outermost_from(data, 0) || !is_outermost_from(data, 1)) return std::nullopt;
  const auto block = channel_block(desc);
  const auto blocks = (channels + block - 1) / block;
  Desc wide = desc;
  wide.data.dims[1] = channels;
  wide.data.padded_dims[1] = blocks * block;
  wide.data.format_desc.blocking.strides[0] = blocks * data.format_desc.blocking.strides[1];
  return wide;
}

std::int64_t channel_block(const Desc& desc) {
  std::int64_t block = 1;
  const auto& blocking = desc.data.format_desc.blocking;
  for (int i = 0; i < blocking.inner_nblks; ++i) block *= blocking.inner_blks[i];
  return block;
}

void append_layout(const Desc& desc, std::vector<std::int64_t>& numbers) {
  const auto& data = desc.data;
  numbers.insert(numbers.end(), {data.ndims, data.data_type, data.format_kind, data.offset0,
                                 static_cast<std::int64_t>(desc.get_size())});
  numbers.insert(numbers.end(), data.dims, data.dims + data.ndims);
  if (data.format_kind != dnnl_blocked) return;
  const auto& blocking = data.format_desc.blocking;
  numbers.insert(numbers.end(), blocking.strides, blocking.strides + data.ndims);
  for (int i = 0; i < blocking.inner_nblks; ++i) {
    numbers.insert(numbers.end(), {blocking.inner_idxs[i], blocking.inner_blks[i]});
  }
}

std::optional<Slice> channel_slice(const Desc& whole, std::int64_t n, std::int64_t begin,
                                   std::int64_t end) {
  const auto& data = whole.data;
  if (data.ndims < 2 || !blocks_only_channels(data)) return std::nullopt;
  if (!is_outermost_from(data, 0) || !is_outermost_from(data, 1)) return std::nullopt;
  const auto block = channel_block(whole);
  if (begin % block != 0 || (end % block != 0 && end != data.dims[1])) return std::nullopt;

  const auto& strides = data.format_desc.blocking.strides;
  Slice slice;
  slice.offset =
      static_cast<std::size_t>(n * strides[0] + begin / block * strides[1]) * sizeof(float);
  const auto blocks = (end - begin + block - 1) / block;
  slice.desc = whole;
  slice.desc.data.dims[0] = slice.desc.data.padded_dims[0] = 1;
  slice.desc.data.dims[1] = end - begin;
  slice.desc.data.padded_dims[1] = blocks * block;
  slice.desc.data.format_desc.blocking.strides[0] = blocks * strides[1];
  return slice;
}

}  // namespace hyps::engine
