// The notation of LaTeX.
#include <gradus/symbolic/functions.h>
#include <gradus/symbolic/names.h>
#include <gradus/symbolic/print.h>

namespace gradus::symbolic {
namespace {

class LatexWriter final : public Writer {
 protected:
  std::string number(const std::string& digits) const override {
    const std::size_t e = digits.find('e');  // 1e+30
    if (e == digits.npos) return digits;
    std::string exponent = digits.substr(e + 1);
    if (exponent[0] == '+') exponent.erase(0, 1);
    return digits.substr(0, e) + " \\cdot 10^{" + exponent + "}";
  }
  std::string variable(const std::string& name) const override {
    const auto [letters, index] = split_name(name);
    const std::string shown = greek_letter(letters) ? "\\" + letters
                              : letters.size() == 1 ? letters
                                                    : "\\mathrm{" + escaped(letters) + "}";
    return index.empty() ? shown : shown + "_{" + escaped(index) + "}";
  }
  std::string constant(const std::string& name) const override {
    return name == "pi" ? "\\pi" : name;
  }
  std::string parentheses(const std::string& inner) const override {
    return "\\left(" + inner + "\\right)";
  }
  std::string negative(const std::string& inner) const override { return "-" + inner; }
  std::string sum(const std::vector<std::pair<bool, std::string>>& terms) const override {
    std::string code;
    for (const auto& [minus, term] : terms)
      code += (code.empty() ? (minus ? "-" : "") : (minus ? " - " : " + ")) + term;
    return code;
  }
  std::string product(const std::vector<Piece>& factors) const override {
    std::string code;
    for (const Piece& factor : factors)
      code += (code.empty()               ? ""
               : factor.starts_with_digit ? " \\cdot "
                                          : " ") +
              held(factor, Bond::power);
    return code;
  }
  // A fraction, a root and an exponent show their extent: nothing inside needs parentheses.
  Piece fraction(const Piece& top, const Piece& bottom) const override {
    return {"\\frac{" + top.code + "}{" + bottom.code + "}", Bond::product, true};
  }
  Piece power(const Piece& base, const Piece& exponent) const override {
    return {held(base, Bond::atom) + "^{" + exponent.code + "}", Bond::power,
            base.starts_with_digit};
  }
  Piece root(const Piece& inner) const override { return {"\\sqrt{" + inner.code + "}"}; }
  Piece call(const std::string& f, const std::vector<Piece>& arguments) const override {
    if (f == "exp") return {"e^{" + arguments[0].code + "}", Bond::power};
    if (f == "abs") return {"\\left|" + arguments[0].code + "\\right|"};
    if (f == "step") return {"\\mathbf{1}_{" + arguments[0].code + " > 0}"};
    return {std::string(find_function(f)->latex) + listed(arguments)};
  }
  // \\sin^{2}\\left(x\\right): a power behind the parentheses could be read as one of x alone.
  Piece power_of_call(const std::string& f, const std::vector<Piece>& arguments,
                      const Piece& exponent) const override {
    const std::string_view name = find_function(f)->latex;
    if (name.empty()) return Writer::power_of_call(f, arguments, exponent);
    return {std::string(name) + "^{" + exponent.code + "}" + listed(arguments), Bond::power};
  }

 private:
  std::string listed(const std::vector<Piece>& arguments) const {
    std::string code;
    for (const Piece& argument : arguments) code += (code.empty() ? "" : ", ") + argument.code;
    return parentheses(code);
  }
  static std::string escaped(const std::string& name) {
    std::string code;
    for (char c : name) code += c == '_' ? "\\_" : std::string(1, c);
    return code;
  }
};

}  // namespace

std::string latex(const Expression& e) { return LatexWriter().write(e).code; }

}  // namespace gradus::symbolic
