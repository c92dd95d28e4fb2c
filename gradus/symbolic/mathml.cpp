// The notation of MathML (presentation, W3C MathML Core), which browsers draw by themselves.
// Characters beyond ASCII stand as numeric references, so that the text survives any encoding.
#include <gradus/symbolic/names.h>
#include <gradus/symbolic/print.h>

namespace gradus::symbolic {
namespace {

const char* const times = "<mo>&#x2062;</mo>";       // invisible
const char* const dot = "<mo>&#x22C5;</mo>";         // between digits
const char* const minus_sign = "<mo>&#x2212;</mo>";  // longer than a hyphen
const char* const apply = "<mo>&#x2061;</mo>";       // between function and argument

std::string element(const std::string& name, const std::string& inner) {
  return "<" + name + ">" + inner + "</" + name + ">";
}
std::string row(const std::string& inner) { return element("mrow", inner); }
std::string identifier(const std::string& inner) { return element("mi", inner); }
std::string sign(const std::string& inner) { return element("mo", inner); }

class MathmlWriter final : public Writer {
 protected:
  std::string number(const std::string& digits) const override { return element("mn", digits); }
  std::string variable(const std::string& name) const override {
    const auto [letters, index] = split_name(name);
    const int greek = greek_letter(letters);
    const std::string shown = identifier(greek ? "&#" + std::to_string(greek) + ";" : letters);
    return index.empty() ? shown : element("msub", shown + identifier(index));
  }
  std::string constant(const std::string& name) const override {
    return identifier(name == "pi" ? "&#x3C0;" : name);
  }
  std::string parentheses(const std::string& inner) const override {
    return row(sign("(") + inner + sign(")"));
  }
  std::string negative(const std::string& inner) const override { return row(minus_sign + inner); }
  std::string sum(const std::vector<std::pair<bool, std::string>>& terms) const override {
    std::string code;
    for (const auto& [minus, term] : terms)
      code += (minus ? minus_sign : code.empty() ? "" : "<mo>+</mo>") + term;
    return row(code);
  }
  std::string product(const std::vector<Piece>& factors) const override {
    std::string code;
    for (const Piece& factor : factors)
      code += (code.empty()               ? ""
               : factor.starts_with_digit ? dot
                                          : times) +
              held(factor, Bond::power);
    return row(code);
  }
  Piece fraction(const Piece& top, const Piece& bottom) const override {
    return {element("mfrac", row(top.code) + row(bottom.code)), Bond::product, true};
  }
  Piece power(const Piece& base, const Piece& exponent) const override {
    return {element("msup", held(base, Bond::atom) + row(exponent.code)), Bond::power,
            base.starts_with_digit};
  }
  Piece root(const Piece& inner) const override { return {element("msqrt", inner.code)}; }
  Piece call(const std::string& f, const std::vector<Piece>& arguments) const override {
    const std::string& first = arguments[0].code;
    if (f == "exp") return {element("msup", identifier("e") + row(first)), Bond::power};
    if (f == "abs") return {row(sign("|") + first + sign("|"))};
    if (f == "step")
      return {element("msub", element("mn", "1") + row(first + sign("&gt;") + "<mn>0</mn>"))};
    return {row(name(f) + apply + listed(arguments))};
  }
  Piece power_of_call(const std::string& f, const std::vector<Piece>& arguments,
                      const Piece& exponent) const override {
    if (f == "exp" || f == "abs" || f == "step")
      return Writer::power_of_call(f, arguments, exponent);
    return {row(element("msup", name(f) + exponent.code) + apply + listed(arguments)), Bond::power};
  }

 private:
  static std::string name(const std::string& f) {
    return identifier(f == "sigmoid" ? "&#x3C3;" : f == "log" ? "ln" : f);
  }
  std::string listed(const std::vector<Piece>& arguments) const {
    std::string code;
    for (const Piece& argument : arguments) code += (code.empty() ? "" : sign(",")) + argument.code;
    return parentheses(code);
  }
};

}  // namespace

std::string mathml(const Expression& e) {
  return R"(<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">)" +
         row(MathmlWriter().write(e).code) + "</math>";
}

}  // namespace gradus::symbolic
