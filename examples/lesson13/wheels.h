// The chain rule as wheels: one wheel for each factor. Turn the first by one, and the last turns by
// the product of the factors. As text for the terminal, as an SVG that turns for the page.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace lesson {

/// One link of the chain: "dl1/dw" and how many times faster it turns than the one before.
struct Wheel {
  std::string name;
  double factor = 1;
};

inline double product(const std::vector<Wheel>& wheels) {
  double all = 1;
  for (const Wheel& wheel : wheels) all *= wheel.factor;
  return all;
}

inline std::string short_number(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.5g", value);
  return digits;
}

/// "(dL/dout -0.0014388) x (dout/dl2 -2.6108) x ... = 0.0037124". A wheel with factor 0, a closed
/// ReLU, is written [  ]: the chain is cut there.
inline std::string wheels_text(const std::vector<Wheel>& wheels) {
  std::string line;
  for (const Wheel& wheel : wheels) {
    const std::string inside = wheel.name + " " + short_number(wheel.factor);
    line +=
        (line.empty() ? "" : " x ") + (wheel.factor == 0 ? "[" + inside + "]" : "(" + inside + ")");
  }
  return line + " = " + short_number(product(wheels));
}

/// A row of toothed wheels. The size shows the factor (a small wheel turns fast), the sense of
/// turning its sign, the number below how far it has come. A factor 0 stands apart and grey.
inline std::string wheels_svg(const std::vector<Wheel>& wheels) {
  std::string body;
  double x = 20, turned = 1;
  const auto add = [&](const char* format, auto... values) {
    char line[512];
    std::snprintf(line, sizeof line, format, values...);
    body += line;
  };
  for (const Wheel& wheel : wheels) {
    turned *= wheel.factor;
    const double size = std::fabs(wheel.factor);
    const double r = size == 0 ? 30 : std::clamp(40 - 12 * std::log10(size), 18.0, 70.0);
    const char* colour = size == 0 ? "#777" : wheel.factor < 0 ? "#D55E00" : "#0072B2";
    x += r + 6;
    add("<g transform=\"translate(%.1f 90)\"><g><circle r=\"%.1f\" fill=\"none\" stroke=\"%s\" "
        "stroke-width=\"8\" stroke-dasharray=\"6 6\"/><circle r=\"%.1f\" fill=\"%s\" "
        "fill-opacity=\".15\" stroke=\"%s\"/><path d=\"M0 0V%.1f\" stroke=\"%s\"/>",
        x, r, colour, r - 4, colour, colour, -(r - 4), colour);
    if (turned !=
        0)  // a turn takes 4 s at factor 1; what is far slower or faster is held to a range
      add("<animateTransform attributeName=\"transform\" type=\"rotate\" to=\"%d\" dur=\"%.2fs\" "
          "repeatCount=\"indefinite\"/>",
          turned < 0 ? -360 : 360, std::clamp(4 / std::fabs(turned), 0.5, 40.0));
    add("</g><text y=\"90\" text-anchor=\"middle\">%s</text><text y=\"106\" "
        "text-anchor=\"middle\">%s</text></g>\n",
        wheel.name.c_str(), short_number(wheel.factor).c_str());
    x += std::max(r, 40.0) + (size == 0 ? 30 : 6);
  }
  add("<text x=\"%.1f\" y=\"95\">= %s</text>\n", x, short_number(turned).c_str());
  const double width = std::max(x + 90, 520.);
  char head[320];
  std::snprintf(head, sizeof head,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f 240\" "
                "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"%.0f\" height=\"240\" "
                "fill=\"white\"/>\n",
                width, width);
  body +=
      "<text x=\"20\" y=\"228\"><tspan fill=\"#0072B2\">blue</tspan>: keeps the sense "
      "<tspan fill=\"#D55E00\" dx=\"12\">orange</tspan>: turns it round "
      "<tspan dx=\"12\">small: turns fast</tspan></text>\n";
  return head + body + "</svg>\n";
}

}  // namespace lesson
