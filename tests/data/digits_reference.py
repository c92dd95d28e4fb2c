"""Draws the built-in digits a second time, plainly, from the definition in gradus/data/digits.cpp.

Reads the strokes and limits from that file (data), and does the arithmetic itself (code), in Python's
f64. Prints the sums that digits_test.cpp holds:  python3 tests/data/digits_reference.py [count]
"""
import math
import pathlib
import re
import sys

SOURCE = (pathlib.Path(__file__).parents[2] / "gradus/data/digits.cpp").read_text()
LIMITS = {name: float(value) for name, value in
          re.findall(r"(\w+) = ([\d.]+)(?=[,;])", SOURCE[SOURCE.index("// How far the hand"):SOURCE.index("/// The random map")])}


def parse_styles():
    """[digit][style][stroke] = (smooth, [(x, y), ...])"""
    text = SOURCE[SOURCE.index("all_styles() {"):SOURCE.index("/// Random numbers that belong")]
    styles = []
    for block in re.split(r"// \d: ", text)[1:]:
        block = re.sub(r"^.*\n", "", block, count=1)
        block = re.sub(r"//.*", "", block)
        ways, joined = [], False
        for found in re.finditer(r"(\+?)\s*(smooth|straight)\(\{(.*?)\}\)", block, re.S):
            points = [(float(x), float(y)) for x, y in
                      re.findall(r"\{\s*([\d.]+),\s*([\d.]+)\}", "{" + found[3].strip().lstrip("{") + "}")]
            stroke = (found[2] == "smooth", points)
            if found[1]:
                ways[-1].append(stroke)
            else:
                ways.append([stroke])
        styles.append(ways)
    return styles


def philox(counter, key):
    """Philox4x32-10 (Salmon et al. 2011)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


class Draws:
    def __init__(self, seed, part, image):
        def words():
            for block in range(1 << 32):
                yield from philox([block, part, image & 0xFFFFFFFF, image >> 32],
                                  [seed & 0xFFFFFFFF, seed >> 32])
        self.words = words()

    def below(self, n):
        return (next(self.words) * n) >> 32

    def between(self, least, most):
        return least + (most - least) * (next(self.words) * 2.0 ** -32)

    def around(self, most):
        return self.between(-most, most)


def curve(smooth, p):
    if not smooth or len(p) < 3:
        return p
    line = [p[0]]
    for i in range(len(p) - 1):
        a, b, c, d = p[max(i - 1, 0)], p[i], p[i + 1], p[min(i + 2, len(p) - 1)]
        for t in (.25, .5, .75, 1.):
            line.append(tuple(
                .5 * (2 * b[k] + t * ((c[k] - a[k]) + t * ((2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) +
                                                          t * (3 * (b[k] - c[k]) + d[k] - a[k]))))
                for k in (0, 1)))
    return line


def clamp(x, least, most):
    return min(max(x, least), most)


def draw(styles, seed, part, image):
    """(label, 784 bytes)"""
    draws = Draws(seed, part, image)
    label = draws.below(10)
    style = styles[label][draws.below(len(styles[label]))]
    bend = draws.around(LIMITS["max_bend"])
    width = draws.between(LIMITS["min_width"], LIMITS["max_width"])
    height = draws.between(LIMITS["min_height"], LIMITS["max_height"])
    shear = draws.around(LIMITS["max_shear"])
    x0 = 14 + draws.around(LIMITS["max_shift"])
    y0 = 14 + draws.around(LIMITS["max_shift"])
    t = draws.around(LIMITS["max_half_turn"])
    cos, sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    radius = draws.between(LIMITS["min_radius"], LIMITS["max_radius"])
    ink = draws.between(LIMITS["min_ink"], LIMITS["max_ink"])
    reach = radius + .5

    def place(p):
        down = p[1] - .5
        y = down * height
        x = (p[0] - .5 + bend * (down * down - .08)) * width + shear * y
        return cos * x - sin * y + x0, sin * x + cos * y + y0

    nearest = [reach * reach] * 784
    for smooth, points in style:
        slipped = []
        for x, y in points:
            dx = draws.around(LIMITS["max_slip"])
            slipped.append((x + dx, y + draws.around(LIMITS["max_slip"])))
        line = [place(p) for p in curve(smooth, slipped)]
        for (ax, ay), (bx, by) in zip(line, line[1:]):
            dx, dy = bx - ax, by - ay
            scale = 1 / (dx * dx + dy * dy)
            for i in range(784):  # every pixel: no box to get wrong
                px, py = i % 28 + .5 - ax, i // 28 + .5 - ay
                along = clamp((px * dx + py * dy) * scale, 0., 1.)
                ex, ey = px - along * dx, py - along * dy
                nearest[i] = min(nearest[i], ex * ex + ey * ey)
    pixels = []
    for i in range(784):
        noise = noise >> 8 if i % 4 else next(draws.words)
        grain = ((noise & 255) - 127.5) * (LIMITS["max_noise"] / 127.5)
        cover = min(reach - math.sqrt(nearest[i]), 1.) if nearest[i] < reach * reach else 0.
        pixels.append(int(clamp(cover * ink + grain, 0., 255.) + .5))
    return label, pixels


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    styles = parse_styles()
    for part, name in enumerate(("train", "valid", "test")):
        images = [draw(styles, 1, part, i) for i in range(count)]
        values = [v for _, pixels in images for v in pixels]
        print(name, "labels", [label for label, _ in images][:10], "sum", sum(values), "weighted",
              sum(v * (i % 65521 + 1) for i, v in enumerate(values)))


if __name__ == "__main__":
    main()
