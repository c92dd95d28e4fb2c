// Names of the dtypes.
#include <gradus/core/dtype.h>

#include <string>

namespace gradus {
namespace {

struct Alias {
  std::string_view name;
  DType dtype;
};

// The first six are the names that gradus prints.
constexpr Alias aliases[] = {
    {"bool", DType::boolean},    {"u8", DType::u8},       {"i32", DType::i32},
    {"i64", DType::i64},         {"f32", DType::f32},     {"f64", DType::f64},
    {"boolean", DType::boolean}, {"uint8", DType::u8},    {"int32", DType::i32},
    {"int64", DType::i64},       {"float32", DType::f32}, {"float64", DType::f64},
};

}  // namespace

std::string_view dtype_name(DType dtype) { return aliases[static_cast<std::size_t>(dtype)].name; }

DType parse_dtype(std::string_view name) {
  for (const Alias& alias : aliases)
    if (alias.name == name) return alias.dtype;
  throw NameError("unknown dtype '" + std::string(name) + "'",
                  "dtypes are bool, u8, i32, i64, f32, f64");
}

}  // namespace gradus
