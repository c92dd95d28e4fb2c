#include <gradus/symbolic/names.h>

#include <string_view>

namespace gradus::symbolic {

std::pair<std::string, std::string> split_name(const std::string& name) {
  const std::size_t line = name.find('_');
  if (line != name.npos && line > 0 && line + 1 < name.size())
    return {name.substr(0, line), name.substr(line + 1)};
  const std::size_t last = name.find_last_not_of("0123456789");
  if (last == 0 && name.size() > 1) return {name.substr(0, 1), name.substr(1)};
  return {name, ""};
}

int greek_letter(const std::string& name) {
  struct Letter {
    std::string_view name;
    int code;
  };
  static constexpr Letter letters[] = {
      {"alpha", 0x3B1}, {"beta", 0x3B2}, {"gamma", 0x3B3}, {"delta", 0x3B4}, {"epsilon", 0x3B5},
      {"zeta", 0x3B6},  {"eta", 0x3B7},  {"theta", 0x3B8}, {"kappa", 0x3BA}, {"lambda", 0x3BB},
      {"mu", 0x3BC},    {"nu", 0x3BD},   {"xi", 0x3BE},    {"rho", 0x3C1},   {"sigma", 0x3C3},
      {"tau", 0x3C4},   {"phi", 0x3C6},  {"chi", 0x3C7},   {"psi", 0x3C8},   {"omega", 0x3C9}};
  for (const Letter& letter : letters)
    if (letter.name == name) return letter.code;
  return 0;
}

}  // namespace gradus::symbolic
