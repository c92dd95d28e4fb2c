#!/usr/bin/env python3
"""Writes docs/lesson13: a page a chapter, from the program's comments, code, output and pictures; and
the session of docs/debugging.md.

    lesson_docs.py write COMMAND     runs each chapter with a built gradus and writes the pages
    lesson_docs.py check FOLDER      1 when a page is not what it would be now; FOLDER holds NN.json,
                                     what `gradus lesson NN --page` printed for each chapter
    lesson_docs.py check FOLDER --code   the same for prose and code alone
    lesson_docs.py links             1 when a link or picture leads nowhere, or a path of one machine
                                     is named
    lesson_docs.py lengths           1 when a program has more than 100 lines of code, or uses a header
                                     that no page up to its own shows

Comments in the first column are prose, and so are comments inside a function that begin a paragraph
after an empty line; what stands between them is code. A line of prose `-> module.h` is where the
page shows that header, in the same way; later pages say where to find it. What the program printed
follows the code that checked it. Without the real MNIST nothing is written, and `check` looks at
code alone.
"""
import json
import math
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ROOT / "examples" / "lesson13"
PAGES = ROOT / "docs" / "lesson13"
TABLE = "## The lesson's numbers"
# What a reader of a page need not see again: docs/lesson13/README.md says that it is left out.
BOILERPLATE = re.compile(r'#include [<"].*\.?(?:h"|>)$|#pragma once|using namespace |namespace lesson|}  // namespace'
                         r"|static const Chapter chapter\{")
SHOWN = re.compile(r"^-> (\w+\.h)$", re.M)
# The frame, which docs/lesson13/README.md explains, and what belongs to a chapter's subject alone.
FRAME = {"lesson.h", "quiz.h"}
LONGEST = 100
# Row 32: what the lecture recommends to read.
RECOMMENDED = {"09_derivatives.md": ["https://arxiv.org/abs/1802.01528", "https://www.khanacademy.org/"]}


def sources():
    return sorted(SOURCES.glob("[0-9][0-9]_*.cpp"))


def own_headers(source):
    """The lesson's own headers that a program includes, and those that they include, without the frame."""
    found = []
    for name in re.findall(r'^#include "(\w+\.h)"$', source.read_text(), re.M):
        if name not in FRAME:
            found += [*own_headers(SOURCES / name), name]
    return list(dict.fromkeys(found))


def shown_by():
    """Which program's page shows each header."""
    return {name: source for source in sources() for name in SHOWN.findall(source.read_text().replace("// ->", "->"))}


def declared(header):
    """The names of a header's types, functions and constants: what stands in its first column."""
    text = (SOURCES / header).read_text()
    kinds = re.findall(r"^(?:struct|class|concept|using) (?!namespace)(\w+)", text, re.M)
    return kinds + re.findall(r"^inline [\w:<>,&* ]+?(\w+)[(\[]", text, re.M)


def from_before(source):
    """'It uses `lin`, `mse_net` from [chapter 9](...).' or nothing."""
    home, used = shown_by(), {}
    text = source.read_text() + "".join((SOURCES / name).read_text() for name in SHOWN.findall(source.read_text().replace("// ->", "->")))
    for header in own_headers(source):
        if home.get(header, source) != source:
            names = [f"`{name}`" for name in dict.fromkeys(declared(header)) if re.search(rf"\b{name}\b", text)]
            used.setdefault(home[header], []).extend(names)
    words = [f"{', '.join(names)} from [chapter {int(page.stem[:2])}]({page.stem}.md)"
             for page, names in sorted(used.items()) if names]
    return f"It uses {'; '.join(words)}." if words else ""


def parse(source):
    """A list of ("prose", text) and ("code", text, first line, last line); the first is the head."""
    parts = []
    for part in split(source):
        if part[0] != "prose" or not SHOWN.search(part[1]):
            parts.append(part)
            continue
        # Prose and the names of headers, by turns: a comment may have several.
        for number, text in enumerate(SHOWN.split(part[1])):
            if number % 2 == 0:
                if text.strip():
                    parts.append(("prose", text.strip()))
                continue
            inside = split(SOURCES / text)
            parts.append(("prose", f"{inside[0][1]} ([{text}](../../examples/lesson13/{text}))"))
            # No output belongs to a header's lines.
            parts += [(*inner[:2], 0, -1) if inner[0] == "code" else inner for inner in inside[1:]]
    head = parts[0][1]
    parts[0] = ("prose", "# " + head if not head.startswith("#") else head)
    return parts


def split(source):
    """The same of one file, in which nothing is shown and the head is prose like any."""
    lines = source.read_text().splitlines()
    parts, code, begin = [], [], 0

    def flush(end):
        kept = [line for line in code if not BOILERPLATE.match(line)]
        code.clear()
        block = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n")
        if block:
            parts.append(("code", block, begin + 1, end))

    at = 0
    while at < len(lines):
        stripped = lines[at].lstrip()
        is_first = at == 0 or not lines[at - 1].strip()
        is_comment = stripped.startswith("//") and not stripped.startswith("///")
        if is_comment and (lines[at] == stripped or is_first or stripped.startswith("// ## ")):
            flush(at)
            text = []
            while at < len(lines) and lines[at].lstrip().startswith("//"):
                text.append(lines[at].lstrip()[2:].removeprefix(" "))
                at += 1
            parts.append(("prose", paragraphs(text)))
            begin = at
            continue
        code.append(lines[at])
        at += 1
    flush(len(lines))
    return parts


def paragraphs(lines):
    """The lines of a comment, each paragraph and list item in one line."""
    text = []
    for number, line in enumerate(lines):
        begins = not text or not text[-1] or line.startswith(("#", "- ", "-> ")) or text[-1].startswith("#")
        if not line or begins:
            if line.startswith("#") and text and text[-1]:
                text.append("")
            if text and text[-1].startswith("#") and line:
                text.append("")
            text.append(line)
        else:
            text[-1] += " " + line.strip()
    return "\n".join(text).strip()


def fenced(kind, text):
    return f"```{kind}\n{text}\n```"


def shown(row):
    """The number that came out, to the digit that the tolerance reaches: more would be chance."""
    here, tolerance = row["here"], row["tolerance"]
    if isinstance(row["lesson"], list) and here is not None:
        return f"{here:.3g}"
    if isinstance(here, (int, float)) and tolerance > 0:
        text = f"{here:.{max(0, math.ceil(-math.log10(tolerance)))}f}"
        return text.removeprefix("-") if float(text) == 0 else text
    return cell(here)


def wanted(row):
    """The lesson's number, with more than ten digits where the tolerance asks for them."""
    value, tolerance = row["lesson"], row["tolerance"]
    if isinstance(value, float) and tolerance > 0 and abs(float(f"{value:.10g}") - value) > tolerance / 10:
        return repr(value)
    return cell(value)


def cell(value):
    if isinstance(value, list):
        return f"{value[0]:.6g} to {value[1]:.6g}"
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    text = re.sub(r"\n *", " ", text).strip()
    if isinstance(value, str) and re.search(r"[\[\]*_<|]", text):
        return "`" + text.replace("|", "\\|") + "`"
    return text.replace("|", "\\|")


def table(rows):
    text = TABLE + "\n\n| row | what | lesson | here | within |\n|---|---|---|---|---|\n"
    for row in rows:
        band = isinstance(row["lesson"], list)
        within = "the band" if band else f"±{row['tolerance']:g}" if row["tolerance"] else "exactly"
        text += f"| {row['row']} | {cell(row['what'])} | {wanted(row)} | {shown(row)} | {within} |\n"
    return text


def navigation(source):
    everything = sources()
    at = everything.index(source)
    words = []
    if at > 0:
        words.append(f"[← {title(everything[at - 1])}]({everything[at - 1].stem}.md)")
    words.append("[all chapters](README.md)")
    if at + 1 < len(everything):
        words.append(f"[{title(everything[at + 1])} →]({everything[at + 1].stem}.md)")
    return " · ".join(words)


def title(source):
    """'5. One matrix product, eight ways', from the head of the file."""
    return source.read_text().splitlines()[0].removeprefix("// Chapter ")


def page(source, chapter):
    pieces = [navigation(source)]
    parts = parse(source)
    if from_before(source):
        parts.insert(1, ("prose", from_before(source)))
    code = [part for part in parts if part[0] == "code"]

    def home(line):
        """The block of code that shows this line; the last one for what came after all checks."""
        for block in code:
            if block[2] <= line <= block[3]:
                return block
        return code[-1]

    printed, figures = {}, {}
    for output in chapter["printed"]:
        block = home(output["line"])
        printed[block] = printed.get(block, "") + output["text"]
    for figure in chapter["figures"]:
        figures.setdefault(home(figure["line"]), []).append(figure)
    for part in parts:
        pieces.append(fenced("cpp", part[1]) if part[0] == "code" else part[1])
        text = re.sub(r"[ \t]+$", "", printed.get(part, ""), flags=re.M).strip("\n")
        if text:
            pieces += ["It prints:", fenced("text", text)]
        for figure in figures.get(part, []):
            pieces.append(f"![{figure['caption']}]({source.stem}_{figure['name']}.svg)")
    pieces.append(table(chapter["rows"]).rstrip())
    pieces.append(f"Run it: `gradus lesson {chapter['chapter']}`. The whole program: "
                  f"[{source.name}](../../examples/lesson13/{source.name}).")
    pieces.append(navigation(source))
    return "\n\n".join(pieces) + "\n"


def contents(chapters):
    """docs/lesson13/README.md: the introduction, the chapters, and row -> chapter -> test."""
    text = (SOURCES / "introduction.md").read_text().rstrip("\n") + "\n\n## The chapters\n\n"
    rows = {}
    for source, chapter in chapters.items():
        number, name = title(source).split(". ", 1)
        shows = sorted({row["row"] for row in chapter["rows"]})
        listed = f" (row{'s' * (len(shows) > 1)} {', '.join(map(str, shows))})"
        text += f"{number}. [{name}]({source.stem}.md){listed}\n"
        for row in chapter["rows"]:
            if row.get("title"):
                rows[row["row"]] = (row["what"], source)
    text += ("\n## Row by row\n\nEach row of the lesson's list, the chapter that shows it, and the test that "
             "checks it (`ctest -R NAME`).\n\n| row | what | chapter | test |\n|---|---|---|---|\n")
    for number in sorted(rows):
        what, source = rows[number]
        name = title(source)
        text += f"| {number} | {cell(what)} | [{name}]({source.stem}.md) | `lesson.row_{number}` |\n"
    return text


def session(chapters):
    """docs/debugging.md with the session that chapter 12 prints first: without its help, which the page
    has in a table, and up to the step into the library."""
    name = "12_stopping_inside"
    chapter = next(chapter for source, chapter in chapters.items() if source.stem == name)
    printed = "".join(piece["text"] for piece in chapter["printed"])
    text = printed[printed.index("stop 1:"):printed.index("(gradus) n\n")].rstrip()
    text = re.sub(r"\(gradus\) h\n.*?(?=\(gradus\))", "", text, flags=re.S)
    page = (PAGES.parent / "debugging.md").read_text()
    before, head, rest = page.partition("## The lesson's session\n")
    return before + head + re.sub(r"```text\n.*?\n```", lambda _: fenced("text", text), rest, count=1, flags=re.S)


def files_of(chapters):
    files = {"README.md": contents(chapters), "../debugging.md": session(chapters)}
    for source, chapter in chapters.items():
        files[source.stem + ".md"] = page(source, chapter)
        for figure in chapter["figures"]:
            files[f"{source.stem}_{figure['name']}.svg"] = figure["svg"]
    return files


def has_mnist(chapters):
    return not any(row.get("left_out") for chapter in chapters.values() for row in chapter["rows"])


def code_part(text):
    """A page without what depends on a run: output, pictures and the table."""
    text = re.sub(r"It prints:\n\n```text\n.*?\n```\n\n", "", text.split(TABLE)[0], flags=re.S)
    return re.sub(r"!\[.*\]\(.*\)\n\n", "", text)


def write(command):
    chapters = {}
    for source in sources():
        number = str(int(source.stem[:2]))
        done = subprocess.run([command, "lesson", number, "--page"], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"chapter {number} ended with {done.returncode}: {done.stderr}")
        chapters[source] = json.loads(done.stdout)
        if not has_mnist(chapters):
            sys.exit("the lesson's pages need the real MNIST: set GRADUS_DATA; docs/lesson13 stays as it is")
    files = files_of(chapters)
    PAGES.mkdir(parents=True, exist_ok=True)
    for old in PAGES.iterdir():
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (PAGES / name).write_text(text)
    print(f"wrote {len(files)} files to docs/lesson13")


def unsteady(chapters):
    """Lines of pages whose numbers belong to one run or one machine, without their numbers."""
    lines = set()
    for chapter in chapters.values():
        for text in chapter["timings"]:
            lines.update(map(numberless, text.splitlines()))
        for line in table([row for row in chapter["rows"] if row.get("of_machine")]).splitlines()[4:]:
            lines.add(numberless(line))
    return lines


def numberless(line):
    return re.sub(r" +", " ", re.sub(r"-?[\d.]+(e[-+]?\d+)?", "0", line)).strip()


def check(folder, code_alone):
    chapters = {source: json.loads((pathlib.Path(folder) / f"{int(source.stem[:2])}.json").read_text())
                for source in sources()}
    files = files_of(chapters)
    if not has_mnist(chapters):
        print("no MNIST here: only prose and code are compared")
        code_alone = True
    forgiven = unsteady(chapters)
    stale = []
    for name in sorted(set(files) | {old.name for old in PAGES.glob("*")}):
        if code_alone and (name.endswith(".svg") or name == "../debugging.md"):
            continue
        old = (PAGES / name).read_text() if (PAGES / name).exists() else ""
        new = files.get(name, "")
        if code_alone:
            old, new = code_part(old), code_part(new)
        # Where a line of the library stands is not the lesson's: NN_name.cpp:20 is, layers.cpp:23 not.
        old, new = (re.sub(r"\b([a-z_]\w*\.(?:cpp|h)):\d+", r"\1", text).splitlines() for text in (old, new))
        differ = [(a, b) for a, b in zip(old, new)
                  if a != b and (numberless(a) != numberless(b) or numberless(b) not in forgiven)]
        if differ or len(old) != len(new):
            stale.append(name)
            print(f"docs/lesson13/{name} is stale, {len(old)} lines, now {len(new)}; ./dev docs writes it anew")
            for a, b in differ[:5]:
                print(f"  - {a[:150]}\n  + {b[:150]}")
    print(f"{len(files)} files, {len(stale)} stale")
    return 1 if stale else 0


def anchors(text):
    """The names of the headings, as web pages of repositories make them."""
    return {re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
            for line in text.splitlines() if line.startswith("#")}


def links():
    wrong = []
    for file in [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        name = file.relative_to(ROOT)
        text = file.read_text()
        for path in re.findall(r"(?<![\w.])/(?:home|root|work|tmp|Users|mnt)/[\w./-]*|" + re.escape(str(ROOT)), text):
            wrong.append(f"{name} names a path of one machine: {path}")
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
        wrong += [f"{name} names {header} and does not show it" for header in SHOWN.findall(prose)]
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            if re.match(r"\w+:", target):
                continue
            path, _, anchor = target.partition("#")
            there = (file.parent / path).resolve() if path else file
            if not there.exists():
                wrong.append(f"{name} leads to {target}, which is not there")
            elif anchor and anchor not in anchors(there.read_text()):
                wrong.append(f"{name} leads to {target}, whose heading is not there")
    for name, addresses in RECOMMENDED.items():
        text = (PAGES / name).read_text()
        wrong += [f"docs/lesson13/{name} does not lead to {address}" for address in addresses if address not in text]
    print("\n".join(wrong) if wrong else "all links lead somewhere")
    return 1 if wrong else 0


def code_lines(path):
    """Lines that are neither empty, nor a comment, nor boilerplate."""
    lines = map(str.strip, path.read_text().splitlines())
    return sum(1 for line in lines if line and not line.startswith("//") and not BOILERPLATE.match(line))


def lengths():
    wrong, home = [], shown_by()
    for source in sources():
        for header in own_headers(source):
            if header not in home or home[header].name > source.name:
                wrong.append(f"{source.name} uses {header}, which no page up to its own shows")
    for path in [*sources(), *(SOURCES / header for header in home)]:
        if code_lines(path) > LONGEST:
            wrong.append(f"{path.name} has {code_lines(path)} lines of code, more than {LONGEST}")
    print("\n".join(wrong) if wrong else f"no program has more than {LONGEST} lines of code")
    return 1 if wrong else 0


def main():
    words = sys.argv[1:]
    if words[:1] == ["write"] and len(words) == 2:
        return write(words[1])
    if words[:1] == ["check"] and len(words) in (2, 3) and words[2:] in ([], ["--code"]):
        return check(words[1], len(words) == 3)
    if words == ["links"]:
        return links()
    if words == ["lengths"]:
        return lengths()
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
