// Attributes by name, and operations as text; see op.h.
#include <gradus/program/op.h>

namespace gradus {

Op Op::with(std::string_view name, std::string_view text) const {
  std::string names;
  for (const AttributeInfo& info : attributes()) {
    if (info.name == name) {
      auto changed = model_->with(name, parse_attribute(name, info.type, text));
      return Op(std::shared_ptr<const detail::OpModel>(std::move(changed)));
    }
    names += (names.empty() ? "" : ", ") + std::string(info.name);
  }
  throw NameError(std::string(this->name()) + " has no attribute '" + std::string(name) + "'",
                  names.empty() ? "it has none at all" : "its attributes are " + names);
}

std::string Op::str() const {
  std::string text(name());
  std::string list;
  for (const AttributeInfo& info : attributes())
    list += (list.empty() ? "" : " ") + std::string(info.name) + "=" + to_text(info.value);
  return list.empty() ? text : text + " {" + list + "}";
}

Samples Op::samples() const { return model_->samples(); }

void detail::throw_arity(std::size_t wanted, std::size_t got) {
  throw ShapeError("takes " + std::to_string(wanted) + (wanted == 1 ? " input" : " inputs") +
                       ", got " + std::to_string(got),
                   "see `gradus ops NAME` for what each input is");
}

}  // namespace gradus
