// Rows of tensors, and parts of data sets; see dataset.h.
#include <gradus/data/dataset.h>
#include <gradus/kernels/gather.h>

#include <cmath>
#include <cstring>
#include <numeric>

namespace gradus::data {
namespace {

std::int64_t row_elements(const Tensor& t) {
  return t.numel() / std::max<std::int64_t>(t.size(0), 1);
}

void check_indices(std::span<const std::int64_t> indices, std::int64_t size, Place at = {}) {
  for (std::int64_t i : indices)
    if (i < 0 || i >= size)
      throw IndexError("sample " + std::to_string(i) + " of a data set of " + std::to_string(size),
                       "samples are numbered from 0", at);
}

/// The rows of `from` at `indices`, as bytes.
void copy_rows(const Tensor& from, std::span<const std::int64_t> indices, const Tensor& to) {
  const std::size_t bytes = static_cast<std::size_t>(row_elements(from)) * dtype_size(from.dtype());
  auto* target = static_cast<std::byte*>(to.raw_data());
  const auto* source = static_cast<const std::byte*>(from.raw_data());
  for (std::int64_t i : indices) {
    std::memcpy(target, source + static_cast<std::size_t>(i) * bytes, bytes);
    target += bytes;
  }
}

}  // namespace

TensorDataset::TensorDataset(Tensor x, Tensor y, double scale, bool flat, Place at)
    : x_(std::move(x)), y_(std::move(y)), flat_(flat), scale_(static_cast<float>(scale)) {
  if (x_.ndim() < 1 || y_.ndim() < 1 || x_.size(0) != y_.size(0))
    throw ShapeError("samples " + x_.spec().str() + " and targets " + y_.spec().str(),
                     "both need a first axis of one size", at);
  if (!(scale > 0)) throw ValueError("scale is not above 0", "use 256 or 255", at);
  for (const Tensor& t : {x_, y_})
    if (!t.is_contiguous())
      throw ShapeError("a data set of strided rows", "pass x.contiguous()", at);
}

Batch TensorDataset::get(std::span<const std::int64_t> indices) const {
  check_indices(indices, size());
  const auto n = static_cast<std::int64_t>(indices.size());
  Ints shape = x_.shape().to_vector(), target_shape = y_.shape().to_vector();
  shape[0] = target_shape[0] = n;
  if (flat_) shape = {n, row_elements(x_)};
  const bool is_bytes = x_.dtype() == DType::u8;
  Batch batch{Tensor::empty(shape, is_bytes ? DType::f32 : x_.dtype()),
              Tensor::empty(target_shape, y_.dtype())};
  if (is_bytes)
    kernels::gather_rows_u8(x_.data<std::uint8_t>(), row_elements(x_), indices.data(), n, scale_,
                            batch.x.data<float>());
  else
    copy_rows(x_, indices, batch.x);
  copy_rows(y_, indices, batch.y);
  return batch;
}

Subset::Subset(std::shared_ptr<const Dataset> dataset, Ints indices, Place at)
    : dataset_(std::move(dataset)), indices_(std::move(indices)) {
  check_indices(indices_, dataset_->size(), at);
}

Batch Subset::get(std::span<const std::int64_t> indices) const {
  check_indices(indices, size());
  Ints there;
  for (std::int64_t i : indices) there.push_back(indices_[static_cast<std::size_t>(i)]);
  return dataset_->get(there);
}

std::shared_ptr<const Subset> subset(std::shared_ptr<const Dataset> dataset, Ints indices,
                                     Place at) {
  return std::make_shared<Subset>(std::move(dataset), std::move(indices), at);
}

std::vector<std::shared_ptr<const Subset>> random_split(std::shared_ptr<const Dataset> dataset,
                                                        const Ints& sizes, Generator* generator,
                                                        Place at) {
  const std::int64_t n = dataset->size();
  std::int64_t left = n;
  for (std::int64_t size : sizes) {
    if (size < 0 || size > left) {
      left = -1;
      break;
    }
    left -= size;
  }
  if (left != 0)
    throw ValueError("parts of " + Shape(sizes).str() + " of " + std::to_string(n) + " samples",
                     "sizes are 0 or more and add up to the data set; split_sizes makes them", at);
  const Ints order = (generator ? *generator : default_generator()).permutation(n);
  std::vector<std::shared_ptr<const Subset>> parts;
  auto from = order.begin();
  for (std::int64_t size : sizes) {
    parts.push_back(subset(dataset, Ints(from, from + size), at));
    from += size;
  }
  return parts;
}

Ints split_sizes(std::int64_t n, std::span<const double> shares, Place at) {
  double whole = 0;
  bool ok = n >= 0;
  for (double share : shares) {
    ok &= share >= 0 && share <= 1;
    whole += share;
  }
  if (!ok || !(std::abs(whole - 1) <= 1e-9))
    throw ValueError("shares that add up to " + std::to_string(whole),
                     "shares are 0 or more and add up to 1", at);
  Ints sizes;
  for (double share : shares)
    sizes.push_back(static_cast<std::int64_t>(std::floor(static_cast<double>(n) * share)));
  std::int64_t left = n - std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  for (std::size_t i = 0; left > 0; --left, i = (i + 1) % sizes.size()) ++sizes[i];
  return sizes;
}

}  // namespace gradus::data
