// Parse, validate, then read; see safetensors.h.
#include <gradus/io/safetensors.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include <gradus/io/file.h>

namespace gradus::io {
namespace {

static_assert(std::endian::native == std::endian::little,
              "values are stored as they lie in memory");

constexpr std::uint64_t max_header = 100'000'000;
constexpr int max_depth = 64;

using Json = nlohmann::ordered_json;

struct DTypeName {
  DType dtype;
  std::string_view name;
};
constexpr DTypeName dtype_names[] = {{DType::boolean, "BOOL"}, {DType::u8, "U8"},
                                     {DType::i32, "I32"},      {DType::i64, "I64"},
                                     {DType::f32, "F32"},      {DType::f64, "F64"}};

class Parser {
 public:
  Parser(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  SafeTensors parse() {
    if (bytes_.size() < 8)
      fail("it has " + std::to_string(bytes_.size()) + " bytes, less than a header");
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), 8);
    if (length > max_header) fail("its header would have " + std::to_string(length) + " bytes");
    if (length > bytes_.size() - 8) fail("its header is cut off");
    data_ = bytes_.substr(8 + length);
    const Json header = read_header(bytes_.substr(8, length));
    for (const auto& [key, value] : header.items()) {
      if (key == "__metadata__")
        read_metadata(value);
      else
        read_entry(key, value);
    }
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
    });
    std::uint64_t covered = 0;
    for (const Entry& entry : entries_) {
      if (entry.begin != covered)
        fail("tensor '" + entry.name + "' begins at byte " + std::to_string(entry.begin) +
             ", the one before it ends at " + std::to_string(covered));
      covered = entry.end;
    }
    if (covered != data_.size())
      fail("its tensors cover " + std::to_string(covered) + " of " + std::to_string(data_.size()) +
           " bytes");
    for (const Entry& entry : entries_) {
      Tensor tensor = Tensor::empty(entry.spec.shape, entry.spec.dtype);
      const std::string_view part = data_.substr(entry.begin, entry.end - entry.begin);
      if (entry.spec.dtype == DType::boolean &&
          part.find_first_not_of(std::string_view("\0\1", 2)) != part.npos)
        fail("tensor '" + entry.name + "' has truth values that are neither 0 nor 1");
      std::memcpy(tensor.raw_data(), part.data(), part.size());
      result_.tensors.emplace_back(entry.name, tensor);
    }
    return std::move(result_);
  }

 private:
  struct Entry {
    std::string name;
    Spec spec;
    std::uint64_t begin, end;
  };

  [[noreturn]] void fail(const std::string& why) const {
    throw DataError("'" + name_ + "' is not a sound safetensors file: " + why,
                    "write it again with save_safetensors or Python's safetensors");
  }

  /// Parses by events first, so that depth and duplicate names are refused before anything is
  /// built.
  Json read_header(std::string_view text) const {
    std::vector<std::set<std::string>> names;
    bool duplicate = false, too_deep = false;
    auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
      too_deep |= depth > max_depth;
      if (event == Json::parse_event_t::object_start) names.emplace_back();
      if (event == Json::parse_event_t::object_end && !names.empty()) names.pop_back();
      if (event == Json::parse_event_t::key && !names.empty())
        duplicate |= !names.back().insert(parsed.get<std::string>()).second;
      return !too_deep;
    };
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (in_string && text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        in_string = !in_string;
      else if (!in_string && (text[i] == '{' || text[i] == '[') && ++depth > max_depth)
        fail("its header is nested too deeply");
      else if (!in_string && (text[i] == '}' || text[i] == ']'))
        --depth;
    }
    if (text.empty() || text[0] != '{') fail("its header does not begin with '{'");
    Json header = Json::parse(text, watch, false);
    if (header.is_discarded() || !header.is_object()) fail("its header is not a JSON object");
    if (duplicate) fail("a name occurs twice in its header");
    return header;
  }

  void read_metadata(const Json& value) {
    if (!value.is_object()) fail("__metadata__ is not an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("metadata '" + key + "' is not text");
      result_.metadata[key] = text.get<std::string>();
    }
  }

  std::uint64_t natural(const Json& value, const std::string& what) const {
    if (!value.is_number_unsigned()) fail(what + " is not a natural number");
    return value.get<std::uint64_t>();
  }

  void read_entry(const std::string& key, const Json& value) {
    const std::string where = "tensor '" + key + "'";
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
        !value.contains("shape") || !value.contains("data_offsets"))
      fail(where + " does not have exactly dtype, shape and data_offsets");
    if (!value["dtype"].is_string()) fail(where + " has no dtype");
    const std::string dtype = value["dtype"].get<std::string>();
    const auto known = std::find_if(std::begin(dtype_names), std::end(dtype_names),
                                    [&](const DTypeName& n) { return n.name == dtype; });
    if (known == std::end(dtype_names))
      throw DataError(where + " of '" + name_ + "' has dtype " + dtype,
                      "gradus reads BOOL U8 I32 I64 F32 F64: convert it before saving");
    const Json& sizes = value["shape"];
    if (!sizes.is_array() || sizes.size() > Shape::max_rank)
      fail(where + " has no shape of up to 16 sizes");
    Entry entry{key, {{}, known->dtype}, 0, 0};
    std::int64_t bytes = static_cast<std::int64_t>(dtype_size(known->dtype));
    for (const Json& size : sizes) {
      const std::uint64_t n = natural(size, where + " shape");
      if (n > INT64_MAX) fail(where + " has an impossible shape");
      entry.spec.shape.push_back(static_cast<std::int64_t>(n));
      if (__builtin_mul_overflow(bytes, static_cast<std::int64_t>(n), &bytes))
        fail(where + " has an impossible shape");
    }
    const Json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2) fail(where + " has no two data_offsets");
    entry.begin = natural(offsets[0], where + " offset");
    entry.end = natural(offsets[1], where + " offset");
    if (entry.begin > entry.end || entry.end > data_.size()) fail(where + " lies outside the data");
    if (entry.end - entry.begin != static_cast<std::uint64_t>(bytes))
      fail(where + " of " + entry.spec.str() + " needs " + std::to_string(bytes) + " bytes, has " +
           std::to_string(entry.end - entry.begin));
    entries_.push_back(std::move(entry));
  }

  std::string_view bytes_, data_;
  const std::string& name_;
  std::vector<Entry> entries_;
  SafeTensors result_;
};

}  // namespace

const Tensor* SafeTensors::find(std::string_view name) const {
  for (const auto& [key, tensor] : tensors)
    if (key == name) return &tensor;
  return nullptr;
}

const Tensor& SafeTensors::at(std::string_view name) const {
  if (const Tensor* tensor = find(name)) return *tensor;
  std::string names;
  for (const auto& [key, tensor] : tensors) names += (names.empty() ? "" : ", ") + key;
  throw NameError("there is no tensor '" + std::string(name) + "'", "the file has: " + names);
}

SafeTensors parse_safetensors(std::string_view bytes, const std::string& name) {
  return Parser(bytes, name).parse();
}

SafeTensors load_safetensors(const std::string& path) {
  return parse_safetensors(read_file(path), path);
}

std::string safetensors_bytes(const SafeTensors& contents) {
  Json header = Json::object();
  if (!contents.metadata.empty()) {
    header["__metadata__"] = Json::object();
    for (const auto& [key, text] : contents.metadata) header["__metadata__"][key] = text;
  }
  std::string data;
  for (const auto& [name, tensor] : contents.tensors) {
    if (name == "__metadata__" || header.contains(name))
      throw NameError("the tensor name '" + name + "' is taken",
                      "names must differ, and not be __metadata__");
    const std::size_t begin = data.size(), size = dtype_size(tensor.dtype());
    for_each_position(tensor.layout(), [&](std::int64_t i) {
      data.append(reinterpret_cast<const char*>(tensor.storage().data()) +
                      i * static_cast<std::int64_t>(size),
                  size);
    });
    header[name] = {{"dtype", dtype_names[static_cast<std::size_t>(tensor.dtype())].name},
                    {"shape", tensor.shape().to_vector()},
                    {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the values begin at a multiple of 8
  const std::uint64_t length = text.size();
  std::string bytes(reinterpret_cast<const char*>(&length), 8);
  return bytes + text + data;
}

void save_safetensors(const std::string& path, const SafeTensors& contents) {
  write_file_atomically(path, safetensors_bytes(contents));
}

}  // namespace gradus::io
