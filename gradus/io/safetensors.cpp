// Reading and writing safetensors; see safetensors.h. The header is taken in as a stream of JSON
// events (never as a tree), so that memory stays in proportion to what is kept.
#include <gradus/io/safetensors.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>

namespace gradus::io {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t max_header = 100'000'000;
constexpr char damaged_hint[] = "the file is damaged or not a safetensors file: make it again";

constexpr std::pair<const char*, DType> dtype_names[] = {
    {"BOOL", DType::boolean}, {"U8", DType::u8},   {"I32", DType::i32},
    {"I64", DType::i64},      {"F32", DType::f32}, {"F64", DType::f64}};

const char* name_of(DType dtype) {
  for (const auto& [name, value] : dtype_names)
    if (value == dtype) return name;
  return "";
}

/// Names from a file may be long or hold control characters: shortened and escaped for messages.
std::string in_quotes(const std::string& text) {
  constexpr std::size_t longest = 80;
  const bool cut = text.size() > longest;
  return Json(cut ? text.substr(0, longest) : text)
             .dump(-1, ' ', true, Json::error_handler_t::replace) +
         (cut ? "..." : "");
}

/// One entry of the header.
struct Entry {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<std::uint64_t>> shape, offsets;
};

/// Receives the header's events and accepts the one form that there is.
class HeaderReader : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}

  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(number_integer_t value) override {
    return unexpected("the number " + std::to_string(value));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return unexpected("the number " + text.substr(0, 40));
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (list_ == nullptr || !*list_) return unexpected("the number " + std::to_string(value));
    if ((*list_)->size() == static_cast<std::size_t>(Shape::max_rank))
      throw error("tensor " + in_quotes(entries.back().name) + " has a list \"" + field_ +
                  "\" of more than " + std::to_string(Shape::max_rank) + " numbers");
    (*list_)->push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (level_ == Level::metadata) {
      metadata[key_] = std::move(value);
      return true;
    }
    if (level_ == Level::entry && field_ == "dtype" && list_ == nullptr) {
      entries.back().dtype = std::move(value);
      return true;
    }
    return unexpected("the text " + in_quotes(value));
  }

  bool start_object(std::size_t) override {
    if (level_ == Level::outside) {
      level_ = Level::header;
    } else if (level_ == Level::header && key_ == "__metadata__") {
      level_ = Level::metadata;
    } else if (level_ == Level::header) {
      level_ = Level::entry;
      entries.push_back({key_, {}, {}, {}});
      field_.clear();
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool key(string_t& value) override {
    if (level_ == Level::header) {
      if (!names_.insert(value).second)
        throw error("the name " + in_quotes(value) + " comes twice");
      key_ = std::move(value);
    } else if (level_ == Level::metadata) {
      if (metadata.contains(value))
        throw error("the key " + in_quotes(value) + " of __metadata__ comes twice");
      key_ = std::move(value);
    } else {
      const Entry& entry = entries.back();
      const bool twice = (value == "dtype" && entry.dtype) || (value == "shape" && entry.shape) ||
                         (value == "data_offsets" && entry.offsets);
      if (twice)
        throw error("tensor " + in_quotes(entry.name) + " has " + in_quotes(value) + " twice");
      if (value != "dtype" && value != "shape" && value != "data_offsets")
        throw error("tensor " + in_quotes(entry.name) + " has the unknown field " +
                    in_quotes(value));
      field_ = std::move(value);
    }
    return true;
  }

  bool end_object() override {
    if (level_ == Level::entry) {
      const Entry& entry = entries.back();
      for (const auto& [field, there] : {std::pair{"dtype", entry.dtype.has_value()},
                                         std::pair{"shape", entry.shape.has_value()},
                                         std::pair{"data_offsets", entry.offsets.has_value()}})
        if (!there) throw error("tensor " + in_quotes(entry.name) + " has no " + field);
    }
    level_ = level_ == Level::header ? Level::outside : Level::header;
    return true;
  }

  bool start_array(std::size_t) override {
    if (level_ != Level::entry || list_ != nullptr ||
        (field_ != "shape" && field_ != "data_offsets"))
      return unexpected("a list");
    list_ = field_ == "shape" ? &entries.back().shape : &entries.back().offsets;
    list_->emplace();
    return true;
  }

  bool end_array() override {
    list_ = nullptr;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    throw error("the header is not JSON at byte " + std::to_string(position));
  }

 private:
  enum class Level { outside, header, metadata, entry };

  DataError error(const std::string& what) const {
    return DataError(file_ + ": " + what, damaged_hint);
  }
  bool unexpected(const std::string& what) const {
    switch (level_) {
      case Level::outside:
        throw error("the header is " + what + ", not an object");
      case Level::header:
        throw error("the entry " + in_quotes(key_) + " of the header is " + what +
                    ", not an object");
      case Level::metadata:
        throw error("the entry " + in_quotes(key_) + " of __metadata__ is " + what + ", not text");
      case Level::entry:
        break;
    }
    throw error("tensor " + in_quotes(entries.back().name) + ": " + what + " in \"" + field_ +
                "\" makes no sense");
  }

  const std::string& file_;
  std::set<std::string> names_;
  Level level_ = Level::outside;
  std::string key_, field_;
  std::optional<std::vector<std::uint64_t>>* list_ = nullptr;
};

/// An entry that was checked against the bytes.
struct Region {
  Spec spec;
  std::uint64_t begin, end;
};

Region check_entry(const Entry& entry, std::uint64_t data_bytes, const std::string& file) {
  const std::string who = file + ": tensor " + in_quotes(entry.name);
  const auto* known = std::find_if(std::begin(dtype_names), std::end(dtype_names),
                                   [&](const auto& pair) { return *entry.dtype == pair.first; });
  if (known == std::end(dtype_names))
    throw DTypeError(
        who + " has dtype " + in_quotes(*entry.dtype) + "; read are BOOL, U8, I32, I64, F32, F64",
        "convert it before saving, in PyTorch: tensor.float()");
  Region region{{Shape{}, known->second}, 0, 0};
  std::uint64_t bytes = dtype_size(region.spec.dtype);
  // Empty axes are left out, so that the strides of an empty tensor do not overflow either.
  bool overflow = false, empty = false;
  for (const std::uint64_t size : *entry.shape) {
    overflow = overflow || size > std::uint64_t{INT64_MAX} ||
               __builtin_mul_overflow(bytes, size == 0 ? 1 : size, &bytes);
    empty = empty || size == 0;
    region.spec.shape.push_back(static_cast<std::int64_t>(size));
  }
  if (overflow || bytes > std::uint64_t{INT64_MAX})
    throw DataError(who + " has a shape whose number of bytes overflows", damaged_hint);
  if (empty) bytes = 0;
  if (entry.offsets->size() != 2)
    throw DataError(
        who + " has " + std::to_string(entry.offsets->size()) + " data_offsets, there must be 2",
        damaged_hint);
  region.begin = (*entry.offsets)[0];
  region.end = (*entry.offsets)[1];
  if (region.begin > region.end || region.end > data_bytes)
    throw DataError(who + " lies at bytes " + std::to_string(region.begin) + ".." +
                        std::to_string(region.end) + " of " + std::to_string(data_bytes),
                    damaged_hint);
  if (region.end - region.begin != bytes)
    throw DataError(who + " is " + region.spec.str() + ", " + std::to_string(bytes) +
                        " bytes, but has " + std::to_string(region.end - region.begin),
                    damaged_hint);
  return region;
}

/// The tensors must lie one after the other and cover the data.
void check_cover(const std::vector<Region>& regions, const std::vector<Entry>& entries,
                 std::uint64_t data_bytes, const std::string& file) {
  std::vector<std::size_t> order(regions.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(regions[a].begin, regions[a].end) <
           std::pair(regions[b].begin, regions[b].end);
  });
  std::uint64_t end = 0;
  for (const std::size_t i : order) {
    if (regions[i].begin != end)
      throw DataError(file + ": tensor " + in_quotes(entries[i].name) + " begins at byte " +
                          std::to_string(regions[i].begin) +
                          (regions[i].begin < end ? ", inside another one that ends at "
                                                  : ", after a hole that begins at ") +
                          std::to_string(end),
                      damaged_hint);
    end = regions[i].end;
  }
  if (end != data_bytes)
    throw DataError(file + ": " + std::to_string(data_bytes - end) +
                        " bytes after the last tensor belong to none",
                    damaged_hint);
}

Tensor copy_values(const Region& region, const std::uint8_t* data, const std::string& who) {
  Tensor tensor = Tensor::empty(region.spec.shape, region.spec.dtype);
  const std::uint8_t* values = data + region.begin;
  const std::size_t bytes = region.end - region.begin;
  if (region.spec.dtype == DType::boolean &&
      std::any_of(values, values + bytes, [](std::uint8_t value) { return value > 1; }))
    throw DataError(who + " is BOOL but holds bytes other than 0 and 1", damaged_hint);
  if (bytes != 0) std::memcpy(tensor.raw_data(), values, bytes);
  return tensor;
}

/// The elements of any layout, row-major.
void append_values(const Tensor& tensor, std::uint8_t* to) {
  const std::size_t size = dtype_size(tensor.dtype());
  if (tensor.is_contiguous()) {
    const std::size_t bytes = static_cast<std::size_t>(tensor.numel()) * size;
    if (bytes != 0) std::memcpy(to, tensor.raw_data(), bytes);
    return;
  }
  const std::byte* base = tensor.storage().data();
  for_each_position(tensor.layout(), [&](std::int64_t i) {
    std::memcpy(to, base + i * static_cast<std::int64_t>(size), size);
    to += size;
  });
}

std::string json_text(const std::string& text) {
  try {
    return Json(text).dump();
  } catch (const Json::type_error&) {
    throw NameError("the text " + in_quotes(text) + " is not UTF-8",
                    "use UTF-8 for names and metadata");
  }
}

}  // namespace

const Tensor* SafeTensors::find(const std::string& name) const {
  for (const auto& [key, tensor] : tensors)
    if (key == name) return &tensor;
  return nullptr;
}

const Tensor& SafeTensors::at(const std::string& name, Place where) const {
  if (const Tensor* tensor = find(name)) return *tensor;
  std::string names;
  for (const auto& [key, tensor] : tensors) names += (names.empty() ? "" : ", ") + key;
  throw NameError("there is no tensor \"" + name + "\" in the file",
                  "there are: " + (names.empty() ? "none" : names), where);
}

namespace {

SafeTensors read_content(ByteSpan bytes, const std::string& name) {
  const auto refuse = [&](const std::string& what) {
    return DataError(name + ": " + what, damaged_hint);
  };
  if (bytes.size() < 8) throw refuse("too short for a safetensors file");
  std::uint64_t header_bytes = 0;
  for (std::size_t i = 8; i-- > 0;) header_bytes = header_bytes << 8 | bytes[i];
  if (header_bytes > max_header)
    throw refuse("the header would have " + std::to_string(header_bytes) +
                 " bytes, the limit is 100000000");
  if (header_bytes > bytes.size() - 8)
    throw refuse("the header says " + std::to_string(header_bytes) + " bytes, " +
                 std::to_string(bytes.size() - 8) + " are there");
  const ByteSpan header = bytes.subspan(8, header_bytes), data = bytes.subspan(8 + header_bytes);
  if (header.empty() || header[0] != '{') throw refuse("the header does not begin with '{'");
  // The JSON library takes a zero byte for the end of the text.
  if (std::find(header.begin(), header.end(), 0) != header.end())
    throw refuse("the header holds a zero byte");

  HeaderReader reader(name);
  Json::sax_parse(header.begin(), header.end(), &reader);
  std::vector<Region> regions;
  regions.reserve(reader.entries.size());
  for (const Entry& entry : reader.entries)
    regions.push_back(check_entry(entry, data.size(), name));
  check_cover(regions, reader.entries, data.size(), name);

  SafeTensors content;
  content.metadata = std::move(reader.metadata);
  content.tensors.reserve(regions.size());
  for (std::size_t i = 0; i < regions.size(); ++i) {
    std::string& key = reader.entries[i].name;
    Tensor tensor = copy_values(regions[i], data.data(), name + ": tensor " + in_quotes(key));
    content.tensors.emplace_back(std::move(key), std::move(tensor));
  }
  return content;
}

}  // namespace

SafeTensors parse_safetensors(ByteSpan bytes, const std::string& name, Place at) {
  return with_place(at, [&] { return read_content(bytes, name); });
}

SafeTensors load_safetensors(const std::string& path, Place at) {
  return with_place(at, [&] { return read_content(read_file(path, UINT64_MAX, at), path); });
}

Bytes safetensors_bytes(const SafeTensors& content) {
  const auto& tensors = content.tensors;
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return dtype_size(tensors[a].second.dtype()) > dtype_size(tensors[b].second.dtype());
  });
  std::vector<std::size_t> begin(tensors.size()), end(tensors.size());
  std::size_t data_bytes = 0;
  for (const std::size_t i : order) {
    begin[i] = data_bytes;
    data_bytes +=
        static_cast<std::size_t>(tensors[i].second.numel()) * dtype_size(tensors[i].second.dtype());
    end[i] = data_bytes;
  }

  std::string header = "{";
  const auto separate = [&] {
    if (header.size() > 1) header += ',';
  };
  if (!content.metadata.empty()) {
    header += "\"__metadata__\":{";
    const char* comma = "";
    for (const auto& [key, value] : content.metadata) {
      header += comma + json_text(key) + ":" + json_text(value);
      comma = ",";
    }
    header += '}';
  }
  std::set<std::string> names{"__metadata__"};
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& [key, tensor] = tensors[i];
    if (!names.insert(key).second)
      throw NameError("the name " + in_quotes(key) +
                          (key == "__metadata__" ? " is taken by the format" : " comes twice"),
                      "give each tensor a name of its own");
    separate();
    header += json_text(key) + ":{\"dtype\":\"" + name_of(tensor.dtype()) +
              "\",\"shape\":" + tensor.shape().str() + ",\"data_offsets\":[" +
              std::to_string(begin[i]) + "," + std::to_string(end[i]) + "]}";
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');
  if (header.size() > max_header)
    throw DataError("the header would have " + std::to_string(header.size()) +
                        " bytes, the limit of the format is 100000000",
                    "store less metadata or fewer tensors in one file");

  Bytes bytes(8 + header.size() + data_bytes);
  for (std::size_t i = 0; i < 8; ++i)
    bytes[i] = static_cast<std::uint8_t>(std::uint64_t{header.size()} >> (8 * i));
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  for (std::size_t i = 0; i < tensors.size(); ++i)
    append_values(tensors[i].second, bytes.data() + 8 + header.size() + begin[i]);
  return bytes;
}

void save_safetensors(const std::string& path, const SafeTensors& content, Place at) {
  with_place(at, [&] { write_file(path, safetensors_bytes(content), at); });
}

}  // namespace gradus::io
