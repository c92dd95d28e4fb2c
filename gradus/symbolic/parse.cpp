// Recursive descent over the characters themselves; there is no list of tokens.
#include <gradus/symbolic/parse.h>

#include <algorithm>

#include <gradus/symbolic/functions.h>

namespace gradus::symbolic {
namespace {

// Of the C locale always, and defined for every byte.
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_inner_byte(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }

std::string error_text(const std::string& text, std::size_t position, const std::string& problem,
                       const std::string& hint) {
  // A long text is shown around the place alone.
  constexpr std::size_t before = 50, after = 20;
  std::size_t first = position > before ? position - before : 0;
  std::size_t last = std::min(text.size(), position + after);
  while (first > 0 && is_inner_byte(text[first])) --first;
  while (last < text.size() && is_inner_byte(text[last])) ++last;
  std::string line, caret;
  for (std::size_t i = first; i < last; ++i) {
    line += is_control(text[i]) ? ' ' : text[i];
    if (i < position && !is_inner_byte(text[i])) caret += ' ';
  }
  return problem + "\n  " + line + "\n  " + caret + "^" + (hint.empty() ? "" : "\n  hint: " + hint);
}

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}

  Expression whole() {
    skip();
    if (at_end()) fail(at_, "an expression is missing", "write one, for example 3*x^2 + 9");
    Expression e = sum_level();
    if (!at_end()) {
      if (next() == ')') fail(at_, "this ) closes nothing", "remove it, or open a ( before");
      if (next() == ',') fail(at_, "a comma outside a function's parentheses");
      fail(at_, "unexpected " + shown(), next() == '=' ? "write one side alone" : "");
    }
    return e;
  }

 private:
  [[noreturn]] void fail(std::size_t at, const std::string& problem, const std::string& hint = {}) {
    throw ParseError(text_, at, problem, hint);
  }
  bool at_end() const { return at_ >= text_.size(); }
  char next() const { return at_end() ? '\0' : text_[at_]; }
  void skip() {
    while (next() == ' ' || next() == '\t' || next() == '\n' || next() == '\r') ++at_;
  }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    skip();
    return true;
  }
  std::string shown() const {
    if (at_end()) return "end";
    if (is_control(next())) return "control character";
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_inner_byte(text_[end])) ++end;
    return "'" + text_.substr(at_, std::min<std::size_t>(end - at_, 4)) + "'";
  }

  Expression sum_level() {
    std::vector<Expression> terms{product_level()};
    while (next() == '+' || next() == '-') {
      const bool minus = next() == '-';
      take(next());
      Expression term = product_level();
      terms.push_back(minus ? negative(std::move(term)) : std::move(term));
    }
    return sum(std::move(terms));
  }

  Expression product_level() {
    std::vector<Expression> factors{unary_level()};
    while (next() == '*' || next() == '/') {
      const bool divide = next() == '/';
      take(next());
      Expression factor = unary_level();
      factors.push_back(divide ? power(std::move(factor), -1) : std::move(factor));
    }
    return product(std::move(factors));
  }

  static Expression negative(Expression e) {
    if (e.is_number()) return -e.number();
    return product({-1, std::move(e)});
  }

  // Every way down leads through here, so that depth is counted here.
  Expression unary_level() {
    const Deeper deeper(*this);
    if (take('+')) return unary_level();
    if (take('-')) return negative(unary_level());
    return power_level();
  }

  Expression power_level() {
    Expression base = atom();
    const bool stars = text_.compare(at_, 2, "**") == 0;
    if (next() != '^' && !stars) return base;
    at_ += stars ? 2 : 1;
    skip();
    return power(std::move(base), unary_level());
  }

  Expression atom() {
    const std::size_t start = at_;
    Expression e;
    if (is_digit(next()) || next() == '.') {
      e = number();
    } else if (is_letter(next())) {
      e = name();
    } else if (take('(')) {
      e = sum_level();
      close(start);
    } else if (at_end()) {
      fail(at_, "the expression ends too early", "a number, a name or a ( is missing here");
    } else {
      fail(at_, "expected a number, a name or a (, not " + shown());
    }
    if (is_digit(next()) || is_letter(next()) || next() == '(' || next() == '.') {
      std::size_t end = at_;
      while (end > start && text_[end - 1] == ' ') --end;
      std::string hint = "write a * between";
      if (end - start <= 20 && is_letter(next()))
        hint = "write " + text_.substr(start, end - start) + "*" + std::string(word(at_));
      fail(at_, "an operator is missing before " + shown(), hint);
    }
    return e;
  }

  void close(std::size_t opened) {
    if (take(')')) return;
    if (at_end()) fail(opened, "this ( is never closed", "add a )");
    fail(at_, "expected an operator or a ), not " + shown());
  }

  Expression number() {
    const std::size_t start = at_;
    while (is_digit(next())) ++at_;
    if (next() == '.') ++at_;
    while (is_digit(next())) ++at_;
    if (next() == 'e' || next() == 'E') {  // only where digits follow: 2e is 2 and e
      std::size_t digits = at_ + 1;
      if (digits < text_.size() && (text_[digits] == '+' || text_[digits] == '-')) ++digits;
      if (digits < text_.size() && is_digit(text_[digits])) {
        at_ = digits;
        while (is_digit(next())) ++at_;
      }
    }
    const std::string digits = text_.substr(start, at_ - start);
    if (digits == ".") fail(start, "a point without digits");
    const std::optional<Number> value = Number::read(digits);
    if (!value) fail(start, "this number is too large for a double");
    skip();
    return *value;
  }

  std::string_view word(std::size_t start) const {
    std::size_t end = start;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
    return std::string_view(text_).substr(start, end - start);
  }

  Expression name() {
    const std::size_t start = at_;
    std::string name(word(at_));
    at_ += name.size();
    skip();
    const Function* function = find_function(name);
    const Abbreviation* abbreviation = find_abbreviation(name);
    if (next() != '(') {
      if (function || abbreviation)
        fail(start, "'" + name + "' is a function", "write what it is of: " + name + "(x)");
      return name == "pi" || name == "e" ? constant(name) : variable(name);
    }
    if (!function && !abbreviation)
      fail(start, "there is no function '" + name.substr(0, 40) + "'", hint_for(name));
    const std::size_t open = at_;
    take('(');
    std::vector<Expression> arguments;
    if (next() != ')') arguments.push_back(sum_level());
    while (take(',')) arguments.push_back(sum_level());
    close(open);
    const std::size_t arity = abbreviation ? 1 : function->arity;
    if (arguments.size() != arity)
      fail(start, name + " takes " + std::to_string(arity) + " argument" + (arity == 1 ? "" : "s") +
                      ", not " + std::to_string(arguments.size()));
    if (abbreviation)
      return substitute(parse(std::string(abbreviation->meaning)), "u", arguments[0]);
    return call(name, std::move(arguments));
  }

  static std::string hint_for(const std::string& name) {
    const std::string product = name.substr(0, 40) + "*(...)";
    if (const std::string meant = suggestion(name); !meant.empty())
      return "write " + meant + ", or " + product + " for a product";
    std::string all = "for a product write " + product + "; functions are";
    for (const Function& f : functions()) all += " " + std::string(f.name);
    for (const Abbreviation& a : abbreviations()) all += " " + std::string(a.name);
    return all;
  }

  struct Deeper {
    explicit Deeper(Parser& p) : parser(p) {
      if (++parser.depth_ > max_nesting)
        parser.fail(parser.at_, "nested more than " + std::to_string(max_nesting) + " levels deep");
    }
    ~Deeper() { --parser.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    Parser& parser;
  };

  const std::string& text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

ParseError::ParseError(const std::string& text, std::size_t position, std::string problem,
                       std::string hint)
    : ExpressionError(error_text(text, position, problem, hint)),
      position_(position),
      problem_(std::move(problem)),
      hint_(std::move(hint)) {}

Expression parse(const std::string& text) { return Parser(text).whole(); }

bool is_variable_name(const std::string& name) {
  return !name.empty() && is_letter(name[0]) && name != "pi" && name != "e" &&
         !find_function(name) && !find_abbreviation(name) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

}  // namespace gradus::symbolic
