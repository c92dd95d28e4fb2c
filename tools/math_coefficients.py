#!/usr/bin/env python3
"""The coefficients of gradus/kernels/math_coefficients.h: polynomials whose largest weighted error
is least (the exchange algorithm of E. Remez, 1934).

  python3 tools/math_coefficients.py      prints the header

Needs mpmath and clang-format-14. The approximated functions and their weights stand in TABLES.
"""
import re
import struct
import subprocess

import mpmath as mp

mp.mp.dps = 70


def remez(f, weight, low, high, degree, grid=1500, rounds=12):
    """Coefficients c_0..c_degree that make max |f(x) - sum c_k x^k| weight(x) least on [low, high],
    and that maximum."""
    nodes = [low + (high - low) * (1 - mp.cos(mp.pi * mp.mpf(i) / grid)) / 2
             for i in range(grid + 1)]
    points = [(x, f(x), weight(x)) for x in nodes]
    heaviest = max(w for _, _, w in points)
    points = [p for p in points if p[2] > heaviest / 10**20]  # where nothing weighs, all is right
    count = degree + 2
    chosen = [points[round(i * (len(points) - 1) / (count - 1))] for i in range(count)]
    best = None
    for _ in range(rounds):
        system = mp.matrix(count, count)
        right = mp.matrix(count, 1)
        for row, (x, y, w) in enumerate(chosen):
            for k in range(degree + 1):
                system[row, k] = x**k
            system[row, degree + 1] = (-1) ** row / w
            right[row] = y
        solution = mp.lu_solve(system, right)
        c = [solution[k] for k in range(degree + 1)]
        errors = [(y - mp.polyval(c[::-1], x)) * w for x, y, w in points]
        largest = max(abs(e) for e in errors)
        if best is None or largest < best[1]:
            best = (c, largest)
        if largest < abs(solution[degree + 1]) * mp.mpf("1.002"):
            break
        # The extremes of the error, one for each run of one sign.
        extremes, at = [], 0
        while at < len(points):
            end = at
            while end < len(points) and (errors[end] > 0) == (errors[at] > 0):
                end += 1
            extremes.append(max(range(at, end), key=lambda i: abs(errors[i])))
            at = end
        while len(extremes) > count:  # the smaller end goes
            extremes.pop(0 if abs(errors[extremes[0]]) < abs(errors[extremes[-1]]) else -1)
        if len(extremes) < count:
            break
        chosen = [points[i] for i in extremes]
    return best


def exp_rest(r):
    """(e^r - 1 - r) / r^2"""
    return mp.fsum(r**k / mp.factorial(k + 2) for k in range(30))


def log_rest(z):
    """(ln((1 + s) / (1 - s)) - 2 s) / s^3 for z = s^2"""
    if z < mp.mpf("1e-4"):
        return mp.fsum(2 * z**k / (2 * k + 3) for k in range(20))
    s = mp.sqrt(z)
    return (mp.log((1 + s) / (1 - s)) - 2 * s) / s**3


def erf_rest(z):
    """erf(x) / x - 1 for z = x^2"""
    x = mp.sqrt(z)
    return (mp.erf(x) / x if z > 0 else 2 / mp.sqrt(mp.pi)) - 1


def erfc_rest(t):
    """-ln(erfc(1 + t))"""
    return -mp.log(mp.erfc(1 + t))


def sin_rest(z):
    """(sin(r) - r) / r^3 for z = r^2"""
    return mp.fsum((-1) ** (k + 1) * z**k / mp.factorial(2 * k + 3) for k in range(20))


def cos_rest(z):
    """(cos(r) - 1 + r^2 / 2) / r^4 for z = r^2"""
    return mp.fsum((-1) ** k * z**k / mp.factorial(2 * k + 4) for k in range(20))


HALF_LN2 = mp.log(2) / 2 * mp.mpf("1.0001")
WIDEST_ANGLE2 = (mp.pi / 4) ** 2 * mp.mpf("1.0001")
WIDEST_S2 = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mp.mpf("1.0001")

# name: what is approximated, function, weight of its error, degree and interval for f32 and f64.
# The weights make it an error relative to the value that is wanted in the end.
TABLES = {
    "exp": ("(e^r - 1 - r) / r^2 in r, |r| <= ln(2) / 2", exp_rest,
            lambda r: r**2 / mp.exp(r), (4, -HALF_LN2, HALF_LN2), (10, -HALF_LN2, HALF_LN2)),
    "log": ("(ln((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, s^2 <= 0.02945", log_rest,
            lambda z: z / 2, (3, mp.mpf(0), WIDEST_S2), (7, mp.mpf(0), WIDEST_S2)),
    "erf": ("erf(x) / x - 1 in x^2, |x| <= 1", erf_rest,
            lambda z: mp.mpf(1), (6, mp.mpf(0), mp.mpf(1)), (12, mp.mpf(0), mp.mpf(1))),
    "erfc": ("-ln(erfc(1 + t)) in t, t <= 3 (f32) or 5 (f64)", erfc_rest,
             lambda t: mp.erfc(1 + t) / mp.erf(1 + t), (6, mp.mpf(0), mp.mpf(3)),
             (18, mp.mpf(0), mp.mpf(5))),
}
# In doubles, of which floats need fewer digits.
ANGLE_TABLES = {
    "sin": ("(sin(r) - r) / r^3 in r^2, |r| <= pi / 4", sin_rest,
            lambda z: z**mp.mpf("1.5") / mp.sin(mp.sqrt(z)) if z > 0 else mp.mpf(0), (3, 5)),
    "cos": ("(cos(r) - 1 + r^2 / 2) / r^4 in r^2, |r| <= pi / 4", cos_rest,
            lambda z: z**2 / mp.cos(mp.sqrt(z)), (2, 5)),
}


def literal(value, is_double):
    """The nearest number of the type, exactly."""
    number = float(value) if is_double else struct.unpack("f", struct.pack("f", float(value)))[0]
    return re.sub(r"0+p", "p", number.hex()) + ("" if is_double else "f")


def leading(value, bits):
    """`value` rounded to so many bits."""
    shift = mp.mpf(2) ** (bits - 1 - mp.floor(mp.log(abs(value), 2)))
    return mp.nint(value * shift) / shift


def struct_of(is_double):
    # What is multiplied by an exponent, or by a number cut to half its bits, keeps so few bits that
    # the product is exact.
    ln2, log2e = mp.log(2), 1 / mp.log(2)
    ln2_high = leading(ln2, 40 if is_double else 15)
    log2e_high = leading(log2e, 26 if is_double else 12)
    kind = "double" if is_double else "float"
    lines = ["template <>", f"struct MathCoefficients<{kind}> {{",
             "  // ln(2) and 1 / ln(2), each also as a sum whose first part has few bits."]
    for name, value in (("log2e", log2e), ("log2e_high", log2e_high),
                        ("log2e_low", log2e - log2e_high), ("ln2_high", ln2_high),
                        ("ln2_low", ln2 - ln2_high)):
        lines.append(f"  static constexpr {kind} {name} = {literal(value, is_double)};")
    for name, (doc, function, weight, *cases) in TABLES.items():
        degree, low, high = cases[is_double]
        coefficients, error = remez(function, weight, low, high, degree)
        lines.append(f"  // {doc}: error 2^{float(mp.log(error, 2)):.1f}")
        values = ", ".join(literal(c, is_double) for c in coefficients)
        lines.append(f"  static constexpr {kind} {name}[] = {{{values}}};")
    return "\n".join(lines + ["};"])


def angle_struct():
    lines = ["struct AngleCoefficients {",
             "  // What is larger is too large for four pieces of pi / 2.",
             "  static constexpr double largest = 0x1p20;",
             "  static constexpr double two_over_pi = " + literal(2 / mp.pi, True) + ";",
             "  // pi / 2 as a sum whose first parts have 33 bits each."]
    rest = mp.pi / 2
    for name in ("half_pi_1", "half_pi_2", "half_pi_3"):
        part = leading(rest, 33)
        lines.append(f"  static constexpr double {name} = {literal(part, True)};")
        rest -= part
    lines.append(f"  static constexpr double half_pi_4 = {literal(rest, True)};")
    for name, (doc, function, weight, degrees) in ANGLE_TABLES.items():
        for kind, degree in zip(("float", "double"), degrees):
            coefficients, error = remez(function, weight, mp.mpf(0), WIDEST_ANGLE2, degree)
            lines.append(f"  // {doc}, for a {kind}: error 2^{float(mp.log(error, 2)):.1f}")
            values = ", ".join(literal(c, True) for c in coefficients)
            lines.append(f"  static constexpr double {name}_{kind}[] = {{{values}}};")
    # 64 zeros in front: the binary point stands behind the first word.
    mp.mp.dps = 400
    bits = int(mp.floor(2 / mp.pi * mp.mpf(2) ** (64 * 19)))
    words = [0] + [bits >> 64 * (18 - k) & (2**64 - 1) for k in range(19)]
    quarter = int(mp.floor(mp.pi / 2 * mp.mpf(2) ** 127))
    mp.mp.dps = 70
    lines.append("  // 2 / pi in binary: words of 64 bits, the first in front of the point.")
    lines.append("  static constexpr std::uint64_t two_over_pi_bits[] = {" +
                 ", ".join(f"0x{w:016X}" for w in words) + "};")
    lines.append("  // pi / 2 2^127, two words.")
    lines.append("  static constexpr std::uint64_t half_pi_bits[] = {" +
                 ", ".join(f"0x{quarter >> s & (2**64 - 1):016X}" for s in (64, 0)) + "};")
    return "\n".join(lines + ["};"])


HEADER = """\
// Made by tools/math_coefficients.py: the numbers behind math_inl.h, lowest power first. The errors
// are weighted so that they are relative to the function's value, before rounding.
#pragma once

#include <cstdint>

namespace gradus::kernels {

template <class T>
struct MathCoefficients;

%s

%s

/// Of sin, cos and tan, in doubles for floats, too.
%s

}  // namespace gradus::kernels
"""

if __name__ == "__main__":
    text = HEADER % (struct_of(False), struct_of(True), angle_struct())
    print(subprocess.run(["clang-format-14", "--assume-filename=gradus/kernels/x.h"], input=text,
                         capture_output=True, check=True, text=True).stdout, end="")
