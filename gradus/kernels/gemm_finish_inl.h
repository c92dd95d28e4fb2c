// What ends a product of gemm_inl.h: finished sums go to C, then the epilogue.
#if defined(GRADUS_KERNELS_GEMM_FINISH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_KERNELS_GEMM_FINISH_INL_H
#undef GRADUS_KERNELS_GEMM_FINISH_INL_H
#else
#define GRADUS_KERNELS_GEMM_FINISH_INL_H
#endif

#include <gradus/kernels/gemm_pack_inl.h>
#include <gradus/kernels/gemm_product.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

/// What is done to finished sums: a weight's update alone, which is the most of a small net's step,
/// or whatever the epilogue says.
enum class Ending { update, any };

/// One vector (its first lanes, one number) of finished sums goes to C.
template <Ending ending, class Some, class T>
HWY_INLINE void finish_lanes(const Some& some, const T* sum, T* out, bool add, const Epilogue<T>& e,
                             T row_bias, const T* column_bias, const T* mask) {
  const auto d = some.d;
  auto v = some.load(sum);
  if constexpr (ending == Ending::update) {
    v = hn::Sub(some.load(out), hn::Mul(hn::Set(d, e.rate), v));
  } else {
    const auto zero = hn::Zero(d);
    if (add) v = hn::Add(some.load(out), v);
    if (e.scales) v = hn::Mul(v, hn::Set(d, e.scale));
    if (e.bias_of_row && !e.column_first) v = hn::Add(v, hn::Set(d, row_bias));
    if (column_bias) v = hn::Add(v, some.load(column_bias));
    if (e.bias_of_row && e.column_first) v = hn::Add(v, hn::Set(d, row_bias));
    if (e.relu) v = hn::IfThenElse(hn::Lt(v, zero), zero, v);
    if (mask) v = hn::Mul(v, hn::IfThenElse(hn::Le(some.load(mask), zero), zero, hn::Set(d, T(1))));
    if (e.updates) v = hn::Sub(some.load(out), hn::Mul(hn::Set(d, e.rate), v));
  }
  some.store(v, out);
}

template <Ending ending, class T>
void finish_rows(const T* sums, Index sums_row, Index height, Index width, Matrix<T> c, bool add,
                 const Epilogue<T>& given, Index i0, Index j0) {
  const Epilogue<T> e = given;  // a copy that writing to C cannot change
  const bool runs = c.column == 1 && (!e.mask.data || e.mask.column == 1);
  const T* column_bias = e.bias_of_column ? e.bias_of_column + j0 : nullptr;
  for (Index i = 0; i < height; ++i) {
    const T row_bias = e.bias_of_row ? e.bias_of_row[i0 + i] : T(0);
    const T* mask =
        e.mask.data ? e.mask.data + (i0 + i) * e.mask.row + j0 * e.mask.column : nullptr;
    const T* sum = sums + i * sums_row;
    T* out = c.data + i * c.row;
    const auto take = [&](const auto& some, Index j) HWY_ATTR {
      finish_lanes<ending>(some, sum + j, out + j * c.column, add, e, row_bias,
                           column_bias ? column_bias + j : nullptr,
                           mask ? mask + j * e.mask.column : nullptr);
    };
    Index j = 0;
    if (runs) {
      for (; j + lanes<T> <= width; j += lanes<T>) take(Whole<Tag<T>>{}, j);
      if (has_parts && j < width) {
        take(Part<Tag<T>>({}, width - j), j);
        continue;
      }
    }
    for (; j < width; ++j) take(Whole<hn::CappedTag<T, 1>>{}, j);
  }
}

/// C (+)= sums, then the epilogue if there is one. (i0, j0) is where this piece lies in the whole.
template <class T>
bool update_alone(const Epilogue<T>& e) {
  return e.updates && !e.scales && !e.bias_of_row && !e.bias_of_column && !e.relu && !e.mask.data;
}

template <class T>
void finish(const T* sums, Index sums_row, Index height, Index width, Matrix<T> c, bool add,
            const Epilogue<T>* given, Index i0, Index j0) {
  const Epilogue<T> e = given ? *given : Epilogue<T>{};
  if (update_alone(e) && !add)
    finish_rows<Ending::update>(sums, sums_row, height, width, c, add, e, i0, j0);
  else
    finish_rows<Ending::any>(sums, sums_row, height, width, c, add, e, i0, j0);
}

/// Whether a tile can bring its sums to C itself.
template <class T>
bool ends_in_tiles(const Product<T>& p) {
  return !p.epilogue.any() || (update_alone(p.epilogue) && !p.accumulate);
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
