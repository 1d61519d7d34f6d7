#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes docs/conformance.md of the requirements in tests/conformance/*.toml, and finds what is wrong with them.

  tests/conformance/generate.py            writes the page, says what is wrong
  scripts/checks/conformance               only looks: part of scripts/test

A file is an RFC: rfc, title, perhaps numbered (how many of each kind its own list has, so that none is left out), and
[[requirement]]s: id, section, level (MUST, SHOULD, MAY), asks, files (where it lives), tests (that prove it; GoogleTest's
Suite.Name, or Class.test_name of a system test), status, note. Statuses: done; deviation, whose reason is the note;
not yet, with the number of the issue that brings it; not taken, for a MAY.

rows.toml has what users see working, as rows A1 to A24: id, what, and for each part that it shows the tests that do.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).resolve().parent
PAGE = ROOT / "docs/conformance.md"
ROWS = 24
LEVELS = ("MUST", "SHOULD", "MAY")
STATUSES = ("done", "deviation", "not yet", "not taken")
NEEDED = {"id", "section", "level", "asks", "status"}
ALLOWED = NEEDED | {"files", "tests", "issue", "note"}


def read_rfcs():
    """The data as written, RFC 9293 first, then by number."""
    rfcs = [tomllib.loads(path.read_text(encoding="utf-8")) for path in DATA.glob("rfc*.toml")]
    return sorted(rfcs, key=lambda rfc: (rfc["rfc"] != 9293, rfc["rfc"]))


def read_rows():
    return tomllib.loads((DATA / "rows.toml").read_text(encoding="utf-8"))["row"]


def known_tests():
    """All tests of the tree by the names that requirements use."""
    names = set()
    for path in (ROOT / "tests").rglob("*.cpp"):
        for suite, name in re.findall(r"^TEST(?:_[FP])?\(\s*(\w+)\s*,\s*(\w+)\s*\)", path.read_text(encoding="utf-8"), re.M):
            names.add(f"{suite}.{name}")
    for path in [*(ROOT / "tests/system").glob("test_*.py"), *(ROOT / "scripts/checks").glob("*_test.py")]:
        owner = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if found := re.match(r"class (\w+)", line):
                owner = found[1]
            elif found := re.match(r" +def (test_\w+)", line):
                names.add(f"{owner}.{found[1]}")
    return names


def problems_of(entry, tests):
    """What is wrong with one requirement, without its name."""
    if not NEEDED <= set(entry) <= ALLOWED:
        return [f"has {sorted(entry)}, needs {sorted(NEEDED)}, may have {sorted(ALLOWED - NEEDED)}"]
    found = []
    level, status = entry["level"], entry["status"]
    if level not in LEVELS or status not in STATUSES:
        found.append(f"level {level!r} or status {status!r} is none of {LEVELS}, {STATUSES}")
    if level == "MUST" and status == "done" and not entry.get("tests"):
        found.append("a MUST that is done, and no test proves it")
    if status == "done" and not entry.get("files"):
        found.append("done, but where?")
    if status == "deviation" and not entry.get("note"):
        found.append("a deviation without its reason")
    if (status == "not yet") != ("issue" in entry):
        found.append("not yet without the issue that brings it, or the reverse")
    if status == "not taken" and level != "MAY":
        found.append(f"a {level} cannot be left out by choice: a deviation has a reason")
    found += [f"no such test: {name}" for name in entry.get("tests", ()) if name not in tests]
    found += [f"no such file: {name}" for name in entry.get("files", ()) if not (ROOT / name).is_file()]
    return found


def problems_of_row(row, tests):
    """What is wrong with one row, without its name."""
    found = [] if set(row) == {"id", "what", "shows"} and row["shows"] else ["needs id, what, and parts that it shows"]
    for shown in row.get("shows", ()):
        if not {"part", "tests"} <= set(shown) <= {"part", "tests", "note"} or not shown["tests"]:
            found.append(f"{shown.get('part')!r}: a part that no test shows")
        found += [f"{shown.get('part')!r}: no such test: {name}" for name in shown.get("tests", ()) if name not in tests]
    return found


def problems(rfcs, rows):
    tests = known_tests()
    found = [f"row {row.get('id')}: {problem}" for row in rows for problem in problems_of_row(row, tests)]
    if [row.get("id") for row in rows] != [f"A{n}" for n in range(1, ROWS + 1)]:
        found.append(f"rows.toml has not each row from A1 to A{ROWS}, once and in order")
    for rfc in rfcs:
        ids = [entry.get("id") for entry in rfc["requirement"]]
        found += [f"RFC {rfc['rfc']} {name}: listed twice" for name in sorted({i for i in ids if ids.count(i) > 1})]
        for kind, count in rfc.get("numbered", {}).items():
            found += [f"RFC {rfc['rfc']} {kind}-{n}: is missing" for n in range(1, count + 1) if f"{kind}-{n}" not in ids]
        found += [f"RFC {rfc['rfc']} {entry.get('id')}: {problem}" for entry in rfc["requirement"]
                  for problem in problems_of(entry, tests)]
    return found


def cell(text):
    return text.replace("|", "\\|")


def counted(entries, level, status):
    return sum(entry["level"] == level and entry["status"] == status for entry in entries)


def overview(rfcs):
    lines = ["| RFC | | " + " | ".join(f"{level} done | deviation | not yet" for level in LEVELS[:2]) + " |",
             "|---|---|" + "--:|" * 6]
    rows = [(f"[{rfc['rfc']}](#rfc-{rfc['rfc']})", rfc["title"], rfc["requirement"]) for rfc in rfcs]
    rows.append(("", "all", [entry for rfc in rfcs for entry in rfc["requirement"]]))
    for name, title, entries in rows:
        counts = [str(counted(entries, level, status)) for level in LEVELS[:2] for status in STATUSES[:3]]
        lines.append(f"| {name} | {title} | " + " | ".join(counts) + " |")
    return lines


def row(entry):
    status = entry["status"] + (f" (issue {entry['issue']})" if "issue" in entry else "")
    if entry.get("note"):
        status += ": " + entry["note"]
    files = "<br>".join(f"`{name}`" for name in entry.get("files", ()))
    tests = "<br>".join(f"`{name}`" for name in entry.get("tests", ()))
    cells = (entry["id"], entry["section"], entry["level"], entry["asks"], status, files, tests)
    return "| " + " | ".join(cell(text) for text in cells) + " |"


def rows_section(rows):
    lines = ["", "## Rows", "", "What a user sees working of TCP, and the tests that show it. A part without a test, or with one that is",
             "not there, fails the test run.", "", "| row | what | part | shown by |", "|---|---|---|---|"]
    for row in rows:
        for n, shown in enumerate(row["shows"]):
            part = shown["part"] + (f". {shown['note']}" if "note" in shown else "")
            names = "<br>".join(f"`{name}`" for name in shown["tests"])
            lines.append(f"| {row['id'] if n == 0 else ''} | {cell(row['what']) if n == 0 else ''} | {cell(part)} | {names} |")
    return lines


def page(rfcs, rows):
    lines = ["# Conformance", "",
             "<!-- Generated by tests/conformance/generate.py from tests/conformance/*.toml: change those. -->", "",
             "What the RFCs of TCP ask, where tern does it, and which tests prove it. A MUST that is done and has no test",
             "fails the test run. RFC 9293 numbers its requirements itself; those of other RFCs are numbered within their",
             "sections here. The sentences are ours: the RFCs' own words hold.", "", *overview(rfcs), *rows_section(rows)]
    for rfc in rfcs:
        lines += ["", f"## RFC {rfc['rfc']}", "", f"{rfc['title']}.", "",
                  "| id | section | level | what it asks | status | where | proved by |", "|---|---|---|---|---|---|---|"]
        lines += [row(entry) for entry in rfc["requirement"]]
    return "\n".join(lines) + "\n"


def check():
    """All that is wrong, a line each: with the requirements, or with the page."""
    rfcs, rows = read_rfcs(), read_rows()
    found = problems(rfcs, rows)
    if not found and (not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page(rfcs, rows)):
        found.append("docs/conformance.md is not what the requirements say: run tests/conformance/generate.py")
    return found


def main():
    rfcs, rows = read_rfcs(), read_rows()
    found = problems(rfcs, rows)
    for problem in found:
        print(problem)
    if not found:
        PAGE.write_text(page(rfcs, rows), encoding="utf-8")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
