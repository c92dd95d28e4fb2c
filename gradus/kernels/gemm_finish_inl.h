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

/// What is done to finished sums: a weight's update alone, a bias alone (then relu) or relu's gate
/// alone, which is all that a small net's step asks for, or whatever the epilogue says. Where fused
/// products are calls, and for double, the middle two have no loops of their own: 23 kB.
enum class Ending { update, bias, gate, any };
template <class T>
inline constexpr bool has_all_endings = HWY_NATIVE_FMA && sizeof(T) == 4;

template <class T>
Ending ending_of(const Epilogue<T>& e, bool add) {
  const bool bias = e.bias_of_row || e.bias_of_column || e.relu, gate = e.mask.data;
  if (add || e.scales || bias + gate + e.updates != 1 || (e.bias_of_row && e.bias_of_column))
    return Ending::any;
  if (e.updates) return Ending::update;
  return !has_all_endings<T> ? Ending::any : bias ? Ending::bias : Ending::gate;
}

/// One vector (its first lanes, one number) of finished sums goes to C.
template <Ending ending, class Some, class T>
HWY_INLINE void finish_lanes(const Some& some, const T* sum, T* out, bool add, const Epilogue<T>& e,
                             T row_bias, const T* column_bias, const T* mask) {
  const auto d = some.d;
  const auto zero = hn::Zero(d);
  auto v = some.load(sum);
  if constexpr (ending == Ending::any) {
    if (add) v = hn::Add(some.load(out), v);
    if (e.scales) v = hn::Mul(v, hn::Set(d, e.scale));
    if (e.bias_of_row && !e.column_first) v = hn::Add(v, hn::Set(d, row_bias));
  }
  if constexpr (ending == Ending::any || ending == Ending::bias) {
    if (column_bias) v = hn::Add(v, some.load(column_bias));
    if (e.bias_of_row && (e.column_first || ending == Ending::bias))
      v = hn::Add(v, hn::Set(d, row_bias));
    if (e.relu) v = hn::IfThenElse(hn::Lt(v, zero), zero, v);
  }
  if (ending == Ending::gate || (ending == Ending::any && mask))
    v = hn::Mul(v, hn::IfThenElse(hn::Le(some.load(mask), zero), zero, hn::Set(d, T(1))));
  if (ending == Ending::update || (ending == Ending::any && e.updates))
    v = hn::Sub(some.load(out), hn::Mul(hn::Set(d, e.rate), v));
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
void finish(const T* sums, Index sums_row, Index height, Index width, Matrix<T> c, bool add,
            const Epilogue<T>* given, Index i0, Index j0) {
  const Epilogue<T> e = given ? *given : Epilogue<T>{};
  const Ending ending = ending_of(e, add);
  if (ending == Ending::update)
    return finish_rows<Ending::update>(sums, sums_row, height, width, c, add, e, i0, j0);
  if constexpr (has_all_endings<T>) {
    if (ending == Ending::bias)
      return finish_rows<Ending::bias>(sums, sums_row, height, width, c, add, e, i0, j0);
    if (ending == Ending::gate)
      return finish_rows<Ending::gate>(sums, sums_row, height, width, c, add, e, i0, j0);
  }
  finish_rows<Ending::any>(sums, sums_row, height, width, c, add, e, i0, j0);
}

/// Whether a tile can bring its sums to C itself.
template <class T>
bool ends_in_tiles(const Product<T>& p) {
  return !p.epilogue.any() || ending_of(p.epilogue, p.accumulate) == Ending::update;
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
