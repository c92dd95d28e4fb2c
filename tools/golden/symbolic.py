# Writes tests/golden/symbolic.json: derivatives by SymPy, as values at random places, and a table of
# textbook derivatives in the form a person would write, each proved equal to SymPy's here.
# Needs sympy; nothing of gradus is used.
import json
import random
import re

import sympy
from sympy import Abs, Heaviside, Max, Min, sign

OUT = __file__.replace("tools/golden/symbolic.py", "tests/golden/symbolic.json")
TEXTBOOK = [
    ("9", "0"), ("x", "1"), ("5*x", "5"), ("x^2", "2*x"), ("3*x^2+9", "6*x"), ("x^3", "3*x^2"),
    ("x^3 - 4*x^2 + x - 7", "3*x^2 - 8*x + 1"), ("-x^2", "-2*x"), ("9 - x^2", "-2*x"), ("x^4/4", "x^3"),
    ("x^2/3", "2*x/3"), ("0.1*x^3", "0.3*x^2"), ("1/x", "-1/x^2"), ("3/x^2", "-6/x^3"), ("x^-1", "-1/x^2"),
    ("sqrt(x)", "1/(2*sqrt(x))"), ("x^(3/2)", "3*sqrt(x)/2"), ("2*sqrt(x)", "1/sqrt(x)"),
    ("(x + 1)^2", "2*(x + 1)"), ("(3*x^2 + 9)^2", "12*x*(3*x^2 + 9)"), ("(2*x + 1)^5", "10*(2*x + 1)^4"),
    ("x*(x + 1)", "2*x + 1"), ("x/(x + 1)", "1/(x + 1)^2"), ("x/(x + 1)^2", "(1 - x)/(x + 1)^3"),
    ("(x^2 + 1)/(x - 1)", "(x^2 - 2*x - 1)/(x - 1)^2"), ("1/(x^2 + 1)", "-2*x/(x^2 + 1)^2"),
    ("exp(x)", "exp(x)"), ("e^x", "exp(x)"), ("exp(-x)", "-exp(-x)"), ("exp(3*x)", "3*exp(3*x)"),
    ("x*exp(x)", "x*exp(x) + exp(x)"), ("exp(-x^2)", "-2*x*exp(-x^2)"), ("exp(-x^2/2)", "-x*exp(-x^2/2)"),
    ("2^x", "2^x*log(2)"), ("x^x", "x^x*(log(x) + 1)"), ("log(x)", "1/x"), ("log(3*x)", "1/x"),
    ("log(x^2 + 1)", "2*x/(x^2 + 1)"), ("x*log(x)", "log(x) + 1"), ("log(x)/x", "(1 - log(x))/x^2"),
    ("x*log(x) - x", "log(x)"), ("log(log(x))", "1/(x*log(x))"), ("log(1 + exp(x))", "exp(x)/(exp(x) + 1)"),
    ("1/(1 + exp(-x))", "exp(-x)/(exp(-x) + 1)^2"), ("sin(x)", "cos(x)"), ("cos(x)", "-sin(x)"),
    ("tan(x)", "1/cos(x)^2"), ("sin(x)/cos(x)", "1/cos(x)^2"), ("sin(2*x)", "2*cos(2*x)"),
    ("sin(x^2)", "2*x*cos(x^2)"), ("sin(x)^2", "2*sin(x)*cos(x)"), ("sin(x)^2 + cos(x)^2", "0"),
    ("sin(x)*cos(x)", "cos(x)^2 - sin(x)^2"), ("x*sin(x)", "x*cos(x) + sin(x)"), ("x*cos(x)", "cos(x) - x*sin(x)"),
    ("sin(x)/x", "(x*cos(x) - sin(x))/x^2"), ("exp(x)*sin(x)", "exp(x)*sin(x) + exp(x)*cos(x)"),
    ("sin(cos(x))", "-sin(x)*cos(cos(x))"), ("atan(x)", "1/(x^2 + 1)"), ("asin(x)", "1/sqrt(1 - x^2)"),
    ("tanh(x)", "1 - tanh(x)^2"), ("cosh(x)", "sinh(x)"), ("abs(x)", "sign(x)"), ("relu(x)", "step(x)"),
    ("max(0, x)", "step(x)"), ("max(x, 3)", "step(x - 3)"), ("min(x, 3)", "step(3 - x)"), ("relu(2*x - 1)", "2*step(2*x - 1)"),
    ("x/sqrt(x^2 + 1)", "1/(x^2 + 1)^(3/2)"), ("sqrt(x^2 + 1)", "x/sqrt(x^2 + 1)"), ("pi*x^2", "2*pi*x"),
    ("a*x^2 + b*x + c", "2*a*x + b"), ("x^n", "n*x^(n - 1)"), ("x*y", "y"), ("x^2*y^3", "2*x*y^3"),
    ("(w*x + b - y)^2", "2*w*(w*x + b - y)"), ("(x - y)^2/2", "x - y"), ("sin(x*y)", "y*cos(x*y)"),
]
NAMES = {n: getattr(sympy, n) for n in "exp log sqrt sin cos tan asin acos atan sinh cosh tanh erf pi".split()}
NAMES |= {"e": sympy.E, "abs": Abs, "sign": sign, "max": Max, "min": Min, "relu": lambda u: Max(u, 0),
          "step": lambda u: Heaviside(u, 0), "sigmoid": lambda u: 1 / (1 + sympy.exp(-u))}
SYMBOLS = {n: sympy.Symbol(n, real=True) for n in "abcnwxy"}


def read(text):
    return sympy.parse_expr(text.replace("^", "**"), {**NAMES, **SYMBOLS},
                            transformations=(sympy.parsing.sympy_parser.auto_number,
                                             sympy.parsing.sympy_parser.rationalize), evaluate=True)


def number(e, at):
    """The value in 30 digits as a float, or None where it is not real and moderate."""
    try:
        v = sympy.N(e.subs({SYMBOLS[k]: sympy.Float(x, 30) for k, x in at.items()}), 30)
    except (ValueError, TypeError, OverflowError):  # a comparison of complex numbers
        return None
    if not v.is_Float and not v.is_Integer and not v.is_Rational:
        return None
    return float(v) if 1e-6 < abs(v) < 1e6 or v == 0 else None


def is_real_throughout(e, at):
    """No part of `e` leaves the real numbers: Python's own math raises an error where one does."""
    own = {"Heaviside": lambda u, z=0: float(u > 0), "sign": lambda u: (u > 0) - (u < 0),
           "Max": max, "Min": min, "Abs": abs}
    try:
        return isinstance(float(sympy.lambdify(list(SYMBOLS.values()), e, [own, "math"])(*[at.get(k, 1.0) for k in SYMBOLS])), float)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        return False


def places(rng, text, e, slope, count):
    found = []
    names = [k for k in SYMBOLS if re.search(rf"\b{k}\b", text)]
    for _ in range(40):
        at = {k: round(rng.uniform(0.1, 2.5) * rng.choice([1, 1, -1]), 6) for k in names}
        if not is_real_throughout(e, at) or not is_real_throughout(slope, at):
            continue
        if number(e, at) is None or number(slope, at) is None:
            continue
        found.append({"at": at, "value": number(slope, at)})
        if len(found) == count:
            break
    return found


def grown(rng, depth):
    if depth == 0 or rng.random() < 0.1:
        return rng.choice(["x", "x", "x", "y", str(rng.randint(1, 9)), rng.choice(["0.5", "2.25", "pi"])])
    sub = lambda: grown(rng, depth - 1)
    kind = rng.choice("+-*/^uuu|m")
    if kind in "+-*/":
        return f"({sub()} {kind} {sub()})"
    if kind == "^":
        return rng.choice([f"({sub()})^{rng.randint(2, 4)}", f"({sub()})^({sub()})", f"({sub()})^-2", f"{rng.randint(2, 5)}^({sub()})"])
    if kind == "m":
        return f"{rng.choice(['max', 'min'])}({sub()}, {sub()})"
    if kind == "|":
        return f"{rng.choice(['abs', 'relu', '-'])}({sub()})"
    return f"{rng.choice('exp log sqrt sin cos tan atan sinh cosh tanh sigmoid erf'.split())}({sub()})"


def main():
    rng = random.Random(25)
    x = SYMBOLS["x"]
    textbook, cases = [], []
    for text, form in TEXTBOOK:
        e = read(text)
        slope = sympy.diff(e, x)
        written = read(form)
        for p in places(rng, text, e, slope, 5) if e.free_symbols else []:
            assert abs(number(written, p["at"]) - p["value"]) <= 1e-12 * (1 + abs(p["value"])), (text, form, slope)
        textbook.append({"expression": text, "derivative": form, "sympy": str(slope)})
        cases.append({"expression": text, "by": "x", "places": places(rng, text, e, slope, 3)})
    while len(cases) < 500:
        text, by = grown(rng, rng.randint(2, 4)), rng.choice("xxy")
        try:
            e = read(text)
        except ValueError:  # a comparison with an infinity
            continue
        if e.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I) or SYMBOLS[by] not in e.free_symbols:
            continue
        slope = sympy.diff(e, SYMBOLS[by]).replace(sympy.DiracDelta, lambda *u: 0)
        if slope.has(sympy.zoo, sympy.nan, sympy.Derivative):
            continue
        slope = slope.replace(Heaviside, lambda u, *_: Heaviside(u, 0))
        found = places(rng, text, e, slope, 3)
        if found:
            cases.append({"expression": text, "by": by, "places": found})
    with open(OUT, "w") as file:
        file.write('{"sympy": "%s",\n"textbook": [\n' % sympy.__version__)
        file.write(",\n".join(json.dumps(t) for t in textbook) + '],\n"cases": [\n')
        file.write(",\n".join(json.dumps(c) for c in cases) + "]}\n")
    print(len(textbook), "textbook,", len(cases), "cases,", sum(len(c["places"]) for c in cases), "places")


main()
