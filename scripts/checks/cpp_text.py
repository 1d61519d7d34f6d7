# SPDX-License-Identifier: BSD-3-Clause
"""C++ source as the checks of the house read it: without comments and texts, and cut into functions.

It is no parser. It knows enough of the language to find each function's first and last line in code laid out by
clang-format; cpp_text_test.py holds the samples that it must get right.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = (".hpp", ".cpp")


def sources(*folders):
    """All C++ files below the given folders of the tree, in a stable order."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES)


def place(path, line=None):
    """Where it is, as compilers say it: path relative to the tree, and the line."""
    relative = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return f"{relative}:{line}" if line else str(relative)


def finish(name, problems):
    """Prints the problems and ends the check: status 0 when there are none."""
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problems" if problems else f"{name}: right")
    raise SystemExit(1 if problems else 0)


TOKEN = re.compile(
    r"""//[^\n]*(?:\\\n[^\n]*)*"""               # comment to the end of the line
    r"""|/\*.*?\*/"""                            # comment in the line
    r"""|R"(?P<fence>[^()\\\s]*)\(.*?\)(?P=fence)\""""  # raw text
    r"""|"(?:\\.|[^"\\\n])*\""""                 # text
    r"""|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""",  # character, but not the digit separator
    re.DOTALL)


def blank(text, keep_texts=False):
    """The code with comments (and texts, unless kept) overwritten by spaces; every line stays where it is."""
    def overwrite(match):
        token = match.group()
        if not token.startswith("/"):
            return token if keep_texts else token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]
        return re.sub(r"[^\n]", " ", token)
    return TOKEN.sub(overwrite, text)


def blank_directives(text):
    """Preprocessor lines, with their continuations, overwritten by spaces."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.M)


@dataclass
class Function:
    name: str
    first: int  # line of the signature
    last: int   # line of the closing brace

    @property
    def lines(self):
        return self.last - self.first + 1


def closing(text, start, opener, closer):
    """Position of the closer that matches the opener at start; the end of the text when there is none."""
    depth = 0
    for at in range(start, len(text)):
        if text[at] == opener:
            depth += 1
        elif text[at] == closer:
            depth -= 1
            if depth == 0:
                return at
    return len(text) - 1


def without_templates(head):
    """The head of a declaration without leading template<...> and attributes, whose '=' and '(' mislead."""
    head = head.strip()
    while True:
        if head.startswith("template"):
            start = head.find("<")
            head = head[closing(head, start, "<", ">") + 1:].strip()
        elif head.startswith("[["):
            head = head[head.find("]]") + 2:].strip()
        else:
            return head


def outer(head):
    """The head with the inside of parentheses removed, so that default arguments do not count."""
    result, depth = [], 0
    for letter in head:
        depth -= letter == ")"
        if depth == 0:
            result.append(letter)
        depth += letter == "("
    return "".join(result)


SCOPE = re.compile(r"(?:inline\s+)?namespace\b|extern\b\s*\"|extern\s*$")
TYPE = re.compile(r"(?:typedef\s+)?(?:class|struct|union|enum)\b")
ACCESS = re.compile(r"^\s*(?:public|private|protected)\s*\Z")
INITIALIZERS = re.compile(r"\)\s*(?:noexcept(?:\(\))?\s*)?:(?!:)")


def kind_of(head):
    """What the brace after this head opens: 'scope', 'member' (of an initializer list), 'value' or 'function'."""
    head = without_templates(head)
    flat = re.sub(r"operator\s*(?:\(\)|[^\s(\w]+|\w+)|[=!<>]=", "op", outer(head.replace("operator()", "operator_call")))
    if SCOPE.match(head):
        return "scope"
    if TYPE.match(head) and "(" not in re.sub(r"(?:alignas|__attribute__|decltype)\s*\(+\)+", "", flat):
        return "scope"
    if INITIALIZERS.search(flat) and re.search(r"[\w>]$", flat) and not re.search(r"\b(?:try|const)$", flat):
        return "member"
    is_lambda = re.search(r"=\s*\[", flat)
    return "function" if is_lambda or ("=" not in flat and ")" in flat) else "value"


def name_of(head):
    found = re.search(r"((?:[\w~]+::)*(?:operator\s*(?:\(\)|[^\s(]+)|[\w~]+))\s*\(([^)]*)", without_templates(head))
    if not found:
        return "a function"
    return f"{found[1]}({found[2]})" if re.match(r"TEST|BENCHMARK|RC_", found[1]) else found[1]


def functions(text):
    """The functions that a file defines, lambdas and local classes counted as part of what holds them."""
    code = blank_directives(blank(text))
    found, start, at = [], 0, 0
    while at < len(code):
        letter = code[at]
        if letter in ";}" or letter == ":" and ACCESS.match(code[start:at]):
            start = at + 1
        elif letter == "(":
            at = closing(code, at, "(", ")")
        elif letter == "{":
            head = code[start:at]
            kind = kind_of(head)
            if kind == "scope":
                start = at + 1
            else:
                end = closing(code, at, "{", "}")
                if kind == "function":
                    begin = start + len(head) - len(head.lstrip())
                    found.append(Function(name_of(head), code.count("\n", 0, begin) + 1, code.count("\n", 0, end) + 1))
                    start = end + 1
                at = end
        at += 1
    return found
