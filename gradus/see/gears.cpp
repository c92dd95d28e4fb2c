// Wheels in lines; see gears.h.
#include <gradus/see/formula_factors.h>
#include <gradus/see/gears.h>
#include <gradus/see/try.h>
#include <gradus/see/why.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace gradus::see {
namespace {

/// "n=1495" behind the element; nothing where it is not said.
std::optional<std::int64_t> term_asked(std::string_view& text) {
  const std::size_t found = text.find(" n=");
  if (found == text.npos) return std::nullopt;
  const std::string_view digits = trimmed(text.substr(found + 3));
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (error != std::errc() || end != digits.data() + digits.size())
    throw ValueError("'" + std::string(digits) + "' is no term of a sum", "n=0");
  text = trimmed(text.substr(0, found));
  return n;
}

}  // namespace

double Gears::product() const {
  double all = 1;
  for (const Factor& wheel : wheels) all *= wheel.value;
  return all;
}

Gears gears_of(const Elements& elements, std::string_view given, TapeIndex tick) {
  std::string_view text = trimmed(given);
  const std::optional<std::int64_t> asked = term_asked(text);
  ElementName said = parse_element(text);
  std::string name(text);
  if (!said.name.ends_with(".g")) {
    name.insert(name.find(said.name) + said.name.size(), ".g");
    said.name += ".g";
  }
  const Chain chain(elements);
  const Asked found = asked_element(chain, elements, name, tick);
  Gears gears{found.title, name, chain.read(found.element), 0, 1, {}};
  const std::optional<Products> sum = products_of(chain, found.root);
  if (sum) gears.count = sum->count;
  if (asked && (*asked < 0 || *asked >= gears.count))
    throw IndexError("n=" + std::to_string(*asked) + " is outside of the sum, which has " +
                         std::to_string(gears.count) + " terms",
                     "count from 0");
  if (asked) {
    gears.n = *asked;
  } else if (sum && sum->count > 0) {
    gears.n = sum->followed(chain);
  }
  if (!sum) {
    gears.wheels = chain.factors(found.root, 0);
    // Where the chain begins there is one wheel: what the loss's formula makes it of says more.
    if (gears.wheels.size() == 1) {
      const std::string layer = gears.wheels[0].layer;
      std::vector<Factor> parts = factors_of_element(elements, said.name, found.element, tick);
      for (Factor& f : parts) f.layer = layer;
      if (parts.size() > 1) gears.wheels = std::move(parts);
    }
  } else if (sum->count > 0) {
    gears.wheels = sum->factors(chain, gears.n);
  }
  return gears;
}

std::string gears_text(const Gears& gears, const Style& style) {
  const std::string chains = gears.count == 1 ? ": one chain"
                                              : ", the sum of " + std::to_string(gears.count) +
                                                    " chains; this is n=" + std::to_string(gears.n);
  std::string text = wrap_lines(gears.title + chains + "\n", style);
  if (gears.wheels.empty()) return text;
  std::size_t widest = 5, layers = 0;
  for (const Factor& wheel : gears.wheels) {
    widest = std::max(widest, wheel.text.size() + 2);
    layers = std::max(layers, wheel.layer.size());
  }
  const auto column = [](std::string word, std::size_t width) {
    word.resize(std::max(word.size(), width), ' ');
    return word + "  ";
  };
  if (layers > 0) layers = std::max<std::size_t>(layers, 2);
  const auto line = [&](const std::string& name, const std::string& layer, const std::string& ratio,
                        const std::string& turned) {
    std::string one = "  " + column(name, widest) + (layers > 0 ? column(layer, layers) : "") +
                      column(ratio, 11) + turned;
    while (one.ends_with(' ')) one.pop_back();
    text += cut_to(one, style.width, style) + "\n";
  };
  line("wheel", "of", "turns by", "has turned");
  double turned = 1;
  for (const Factor& wheel : gears.wheels) {
    const bool stands = wheel.value == 0;
    turned *= wheel.value;
    const char* sense = std::isnan(turned) ? ""
                        : style.utf8       ? (turned < 0 ? "↺" : "↻")
                                           : (turned < 0 ? "<-" : "->");
    // A wheel in brackets does not mesh: what follows stands still.
    line((stands ? "[" : "(") + wheel.text + (stands ? "]" : ")"), wheel.layer,
         number(wheel.value, 5),
         column(turned == 0 ? "0" : signed_number(turned, 5), 11) +
             (turned == 0 ? std::string(stands ? "stands still" : "") : sense) +
             (wheel.remark.empty() ? "" : "  " + wheel.remark));
  }
  return text;
}

}  // namespace gradus::see
