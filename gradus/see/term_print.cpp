// Terms in writing. The one idea: one walk decides what stands where and what needs parentheses;
// ASCII, Unicode and LaTeX differ only in what a sign looks like, so they cannot disagree.
// Next: term_einsum.cpp.
#include <gradus/see/term_form.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

#include <gradus/symbolic/parse.h>
#include <gradus/symbolic/print.h>

namespace gradus::see {
namespace {

enum class Hold { sum, product, atom };
struct TermText {
  std::string code;
  Hold hold = Hold::atom;
};

std::string plain_number(double value) { return number(value, 12); }

/// One letter is one axis on the whole page: those of the result are i, j, k, and go down with the
/// parts; what is summed away is n, as in index_form.h.
struct TermWriter {
  TermStyle style;
  bool with_shapes;
  mutable std::string here{};       // letters of the axes of what is being written
  mutable bool is_of_whole = true;  // whether a sum met here is one of the whole
  mutable int used = 0;             // letters given away

  std::string axis_letter(std::int64_t axis) const {
    const auto k = static_cast<std::size_t>(axis);
    return k < here.size() ? here.substr(k, 1)
                           : letters_by_place(static_cast<int>(axis) + 1).substr(k);
  }
  char fresh() const {
    ++used;
    if (here.find('n') == here.npos && !has_n) return has_n = true, 'n';
    return letters_by_place(used).back();
  }
  mutable bool has_n = false;

  /// A part whose axes have these letters.
  TermText part_with(const Term& t, const std::string& letters) const {
    const std::string before = std::exchange(here, letters);
    TermText text = write(t);
    here = before;
    return text;
  }
  std::string held_with(const Term& t, const std::string& letters, Hold least) const {
    const TermText w = part_with(t, letters);
    return w.hold < least ? bracketed(w.code) : w.code;
  }

  bool is_latex() const { return style == TermStyle::latex; }
  std::string sign(const char* ascii, const char* unicode, const char* latex) const {
    return is_latex() ? latex : style == TermStyle::unicode ? unicode : ascii;
  }
  std::string bracketed(const std::string& inner) const {
    return is_latex() ? "\\left(" + inner + "\\right)" : "(" + inner + ")";
  }
  std::string held(const Term& t, Hold least) const {
    const TermText w = write(t);
    return w.hold < least ? bracketed(w.code) : w.code;
  }
  std::string shape(const Shape& s) const { return with_shapes ? s.str() : ""; }

  /// "l1.g" as \frac{\partial L}{\partial \mathrm{l1}}.
  static std::string latex_name(const std::string& name) {
    const auto quoted = [](const std::string& plain) {
      if (plain.size() == 1) return plain;
      std::string safe;
      for (const char c : plain) safe += c == '_' ? "\\_" : std::string(1, c);
      return "\\mathrm{" + safe + "}";
    };
    if (name[0] == 'g' && std::all_of(name.begin() + 1, name.end(),
                                      [](unsigned char c) { return std::isdigit(c); })) {
      const std::string number = name.substr(1);
      return "\\frac{\\partial L}{\\partial y" + (number.empty() ? "" : "_{" + number + "}") + "}";
    }
    if (name.size() > 2 && name.ends_with(".g"))
      return "\\frac{\\partial L}{\\partial " + quoted(name.substr(0, name.size() - 2)) + "}";
    return quoted(name);
  }

  TermText name(const Term& t) const {
    return {(is_latex() ? latex_name(t.name()) : t.name()) + shape(t.shape())};
  }

  /// A formula of x, y, z with the parts' names for them.
  TermText formula(const Term& t) const {
    const symbolic::Expression e = symbolic::parse(t.name());
    const std::string plain = is_latex() ? symbolic::latex(e) : symbolic::text(e);
    std::string code;
    for (std::size_t i = 0; i < plain.size();) {
      std::size_t end = i;
      while (end < plain.size() && std::isalnum(static_cast<unsigned char>(plain[end]))) ++end;
      if (end == i) {
        code += plain[i++];
        continue;
      }
      const std::string word = plain.substr(i, end - i);
      const std::size_t which = std::string("xyz").find(word);
      const bool is_command = i > 0 && plain[i - 1] == '\\';
      // What stands alone between a function's brackets needs none of its own.
      const bool is_argument =
          (code.ends_with("(") || code.ends_with(", ")) &&
          (plain[end] == ',' || plain[end] == ')' || plain.compare(end, 7, "\\right)") == 0);
      if (word.size() == 1 && !is_command && which != std::string::npos && which < t.parts().size())
        code += held(said(t)[which], is_argument ? Hold::sum : Hold::atom);
      else
        code += word;
      i = end;
    }
    const bool is_sum = e.is(symbolic::Kind::sum);
    const bool is_atom = e.is(symbolic::Kind::call) || e.is(symbolic::Kind::variable) ||
                         (e.is(symbolic::Kind::number) && plain[0] != '-') ||
                         e.is(symbolic::Kind::constant);
    return {code, is_sum || plain[0] == '-' ? Hold::sum : is_atom ? Hold::atom : Hold::product};
  }

  /// The letters of what a sum is over, axis by axis: those of the result, and new ones for what is
  /// gone from it.
  std::string letters_below(const Term& t) const {
    const Shape &from = t.parts()[0].shape(), &to = t.shape();
    const bool keeps_all = from.rank() == to.rank();
    if (keeps_all && (t.is(TermKind::sum) || !is_of_whole)) return here;
    if (!is_of_whole) return letters_by_place(from.rank());
    std::string letters;
    std::size_t next = 0;
    for (int k = 0; k < from.rank(); ++k) {
      const int place = k - (from.rank() - to.rank());
      const bool is_gone = t.is(TermKind::sum)
                               ? std::find(t.ints().begin(), t.ints().end(), k) != t.ints().end()
                               : place < 0 || to[place] != from[k];
      letters += is_gone ? fresh() : here[next];
      next += !is_gone || (t.is(TermKind::unbroadcast) && place >= 0);
    }
    return letters;
  }
  /// The axes that are summed. One of one element is no sum to speak of: y[:,None] has no letter
  /// for it.
  static Ints summed_axes(const Term& t) {
    const Shape &from = t.parts()[0].shape(), &to = t.shape();
    Ints axes;
    if (t.is(TermKind::sum)) {
      for (const std::int64_t k : t.ints())
        if (from[static_cast<int>(k)] != 1) axes.push_back(k);
      return axes.empty() ? Ints{t.ints()[0]} : axes;
    }
    const int extra = from.rank() - to.rank();
    for (int k = 0; k < from.rank(); ++k)
      if (k < extra || (to[k - extra] == 1 && from[k] != 1)) axes.push_back(k);
    return axes;
  }

  TermText summed(const Term& t) const {
    const std::string below = letters_below(t);
    std::string letters;
    for (const std::int64_t k : summed_axes(t)) letters += below.at(static_cast<std::size_t>(k));
    if (letters.empty()) return part_with(t.parts()[0], below);
    if (is_latex())
      return {"\\sum_{" + letters + "} " + held_with(t.parts()[0], below, Hold::product),
              Hold::product};
    return {sign("sum_", "\u03a3_", "") + letters + "(" + part_with(t.parts()[0], below).code +
            ")"};
  }

  TermText call(const std::string& function, const Term& t, const std::string& rest) const {
    std::string code;
    for (const Term& p : t.is(TermKind::select) ? said(t) : t.parts())
      code += (code.empty() ? "" : ", ") + write(p).code;
    if (!rest.empty()) code += ", " + (is_latex() ? "\\text{" + rest + "}" : rest);
    if (!is_latex()) return {function + "(" + code + ")"};
    std::string safe;
    for (const char c : function) safe += c == '_' ? "\\_" : std::string(1, c);
    return {"\\operatorname{" + safe + "}" + bracketed(code)};
  }

  TermText product(const Term& t) const {
    const Terms both = said(t);
    const Term &a = both[0], &b = both[1];
    if (a.is_number(-1)) {
      const std::string inner = held(b, Hold::product);
      return {"-" + inner, Hold::sum};
    }
    const auto is_numeric = [](const Term& n) {
      return n.is(TermKind::number) || (n.is(TermKind::div) && n.parts()[0].is(TermKind::number) &&
                                        n.parts()[1].is(TermKind::number));
    };
    const bool by_number = is_numeric(a) || is_numeric(b);
    const std::string dot = by_number ? sign(" * ", " ", " ") : sign(" * ", " \u2299 ", " \\odot ");
    // A number in front of a number needs its sign.
    return {held(a, Hold::product) + dot + held(b, Hold::product), Hold::product};
  }

  TermText turned(const Term& inner, bool is_turned) const {
    if (!is_turned) return {held(inner, Hold::atom)};
    // The shape that stands is that of the transposed matrix.
    if (with_shapes && inner.is(TermKind::leaf)) {
      Shape s = inner.shape();
      std::swap(s[s.rank() - 1], s[s.rank() - 2]);
      return {(is_latex() ? raised(latex_name(inner.name())) : inner.name()) + top() + s.str()};
    }
    return {raised(held(inner, Hold::atom)) + top()};
  }
  /// What can carry an index or a transpose sign: a fraction cannot.
  std::string raised(const std::string& code) const {
    return code.starts_with("\\frac") ? bracketed(code) : code;
  }
  std::string top() const { return sign(".T", "\u1d40", "^{\\top}"); }

  /// A side of a product of matrices, whose axes have these letters.
  std::string side(const Term& t, bool is_turned, const std::string& letters) const {
    const std::string before = std::exchange(here, letters);
    std::string code = turned(t, is_turned).code;
    here = before;
    return code;
  }

  TermText contraction(const Term& t) const {
    if (const auto product = matrix_product(t)) {
      const Equation e(t.name(), t.parts());
      std::map<char, char> own;
      for (std::size_t k = 0; k < e.output.size(); ++k) own[e.output[k]] = here.at(k);
      for (const auto& [letter, size] : e.sizes)
        if (!own.contains(letter)) own[letter] = fresh();
      std::string left, right;
      for (const char c : e.inputs[0]) left += own[c];
      for (const char c : e.inputs[1]) right += own[c];
      const std::string a = side(t.parts()[0], product->left_turned, left);
      return {a + sign(" @ ", " \u00b7 ", " ") + side(t.parts()[1], product->right_turned, right),
              Hold::product};
    }
    is_of_whole = false;
    std::string code;
    for (const Term& p : t.parts())
      code += ", " + part_with(p, letters_by_place(p.shape().rank())).code;
    if (!is_latex()) return {"einsum(\"" + t.name() + "\"" + code + ")"};
    // Sum over the letters that go, of factors with their indices.
    const Equation e(t.name(), t.parts());
    std::string gone, factors;
    for (const auto& [letter, size] : e.sizes)
      if (e.output.find(letter) == std::string::npos) gone += letter;
    for (std::size_t p = 0; p < t.parts().size(); ++p)
      factors += (p == 0 ? "" : " ") + bracketed_factor(t.parts()[p], e.inputs[p]);
    return {(gone.empty() ? "" : "\\sum_{" + gone + "} ") + factors, Hold::product};
  }
  std::string bracketed_factor(const Term& t, const std::string& letters) const {
    const TermText w = part_with(t, letters);
    if (letters.empty()) return w.hold < Hold::atom ? bracketed(w.code) : w.code;
    return (t.is(TermKind::leaf) ? raised(w.code) : bracketed(w.code)) + "_{" + letters + "}";
  }

  TermText write(const Term& t) const {
    // Broadcasting puts the axes of a part below the last ones of the whole.
    const auto rank = t.shape().size();
    const std::string before = std::exchange(
        here, rank <= here.size() ? here.substr(here.size() - rank) : letters_by_place(int(rank)));
    const bool was_of_whole = is_of_whole;
    TermText text = written(t);
    here = before, is_of_whole = was_of_whole;
    return text;
  }

  TermText written(const Term& t) const {
    is_of_whole = is_of_whole && passes_sums_on(t);
    const auto at = [&](std::size_t k) { return std::to_string(t.ints()[k]); };
    const auto axis = [&](std::size_t k) { return "axis=" + at(k); };
    const auto pair = [&](const std::string& symbol, Hold mine, Hold right) -> TermText {
      const Terms both = said(t);
      return {held(both[0], mine) + symbol + held(both[1], right), mine};
    };
    switch (t.kind()) {
      case TermKind::leaf:
        return name(t);
      case TermKind::number: {
        const std::string number = plain_number(t.number());
        return {number, number[0] == '-' ? Hold::sum : Hold::atom};
      }
      case TermKind::add:
        return pair(" + ", Hold::sum, Hold::product);
      case TermKind::sub:
        return pair(" - ", Hold::sum, Hold::product);
      case TermKind::mul:
        return product(t);
      case TermKind::div:
        if (is_latex())
          return {"\\frac{" + write(said(t)[0]).code + "}{" + write(said(t)[1]).code + "}"};
        return pair(" / ", Hold::product, Hold::atom);
      case TermKind::map:
        return formula(t);
      case TermKind::compare: {
        std::string symbol = " " + t.name() + " ";
        if (is_latex())
          symbol = t.name() == ">="   ? " \\ge "
                   : t.name() == "<=" ? " \\le "
                   : t.name() == "==" ? " = "
                   : t.name() == "!=" ? " \\ne "
                                      : symbol;
        const std::string inner = write(said(t)[0]).code + symbol + write(said(t)[1]).code;
        return {(is_latex() ? "\\mathbf{1}" : "") + ("[" + inner + "]")};
      }
      case TermKind::select:
        return call("where", t, "");
      case TermKind::sum:
      case TermKind::unbroadcast:
        return summed(t);
      case TermKind::stretch:
        if (t.parts()[0].is(TermKind::number)) return write(t.parts()[0]);
        return call("broadcast", t, t.shape().str());
      case TermKind::reshape: {
        const auto index = new_axes(t.parts()[0].shape(), t.shape());
        const bool is_leading = index && index->find(":,None") == std::string::npos;
        if (is_leading) return write(t.parts()[0]);  // broadcasting makes leading axes by itself
        if (index) {                                 // the axes that it has, by their letters
          std::string letters;
          int place = 0;
          for (const char c : *index) {
            if (c == ':') letters += axis_letter(place);
            place += c == ',';
          }
          if (is_latex()) return {bracketed_factor(t.parts()[0], letters)};
          return {held_with(t.parts()[0], letters, Hold::atom) + *index};
        }
        here = letters_by_place(t.parts()[0].shape().rank());
        return call("reshape", t, t.shape().str());
      }
      case TermKind::permute: {
        std::string below(here.size(), ' ');
        for (std::size_t k = 0; k < below.size(); ++k)
          below[static_cast<std::size_t>(t.ints()[k])] = here[k];
        if (t.shape().rank() == 2) return {side(t.parts()[0], true, below)};
        here = below;
        return call("permute", t, Shape(t.ints()).str());
      }
      case TermKind::einsum:
        return contraction(t);
      case TermKind::position:
        return {axis_letter(t.ints()[0])};
      case TermKind::part: {
        const std::int64_t count = t.shape()[static_cast<int>(t.ints()[0])];
        return call(
            "part", t,
            axis(0) + ", start=" + at(1) + ", step=" + at(2) + ", count=" + std::to_string(count));
      }
      case TermKind::unpart:
        return call("fill", t,
                    t.shape().str() + ", " + axis(0) + ", start=" + at(1) + ", step=" + at(2));
      case TermKind::flip:
        return call("flip", t, "axes=" + Shape(t.ints()).str());
      case TermKind::roll:
        return call("roll", t, "shift=" + at(0) + ", " + axis(1));
      case TermKind::cumsum:
        return call("cumsum", t, axis(0) + (t.ints()[1] != 0 ? ", from the end" : ""));
      case TermKind::gather:
        return call("gather", t, axis(0));
      case TermKind::scatter:
        return call("scatter_add", t, axis(0) + ", into " + t.shape().str());
      case TermKind::argsort:
        return call("argsort", t, axis(0) + (t.ints()[1] != 0 ? ", descending" : ""));
      case TermKind::softmax:
        return call("softmax", t, axis(0));
      case TermKind::others:
        return call("product_of_others", t, "axes=" + Shape(t.ints()).str());
    }
    return {};
  }
};

}  // namespace

std::string write(const Term& term, TermStyle style, bool with_shapes) {
  TermWriter writer{style, with_shapes};
  writer.used = term.shape().rank();
  writer.here = letters_by_place(writer.used);
  return writer.write(term).code;
}

}  // namespace gradus::see
