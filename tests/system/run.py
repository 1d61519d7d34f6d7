#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the system tests: tests/system/run.py [-k PATTERN] [--results FILE] [--list]

One line per test as it ends, everything known about those that fail, and with --results a JSON list of
[name, "passed" | "failed" | "skipped"].
"""

import argparse
import fnmatch
import json
import os
import sys
import time
import unittest
from pathlib import Path

import harness


class Report(unittest.TestResult):
    """Prints each test's outcome at once and collects it."""

    def __init__(self):
        super().__init__()
        self.outcomes = {}
        self.started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def _end(self, test, outcome, detail=""):
        name = getattr(test, "id", lambda: str(test))()
        if self.outcomes.get(name) == "failed":
            return
        self.outcomes[name] = outcome
        print(f"{outcome:7} {time.monotonic() - self.started:6.1f} s  {name}", flush=True)
        if detail:
            print("    " + detail.rstrip().replace("\n", "\n    "), flush=True)

    def addSuccess(self, test):
        self._end(test, "passed")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._end(test, "failed", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self._end(test, "failed", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._end(test, "skipped", reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._end(subtest, "failed", self._exc_info_to_string(err, test))


def all_tests(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from all_tests(test)
        else:
            yield test


def main():
    parser = argparse.ArgumentParser(description="Runs the system tests.")
    parser.add_argument("-k", dest="pattern", help="only tests whose name contains this, or matches it with * and ?")
    parser.add_argument("--results", help="file for the outcomes, as JSON")
    parser.add_argument("--list", action="store_true", help="only name the tests")
    options = parser.parse_args()

    folder = Path(__file__).parent
    tests = list(all_tests(unittest.TestLoader().discover(str(folder), pattern="test_*.py")))
    if options.pattern:
        pattern = options.pattern if "*" in options.pattern else f"*{options.pattern}*"
        tests = [test for test in tests if fnmatch.fnmatch(test.id(), pattern)]
    if options.list:
        print("\n".join(test.id() for test in tests))
        return 0

    harness.clean_up_on_signals()
    # The worker polls on a CPU of its own; the kernel's side and these tests keep to the other.
    os.sched_setaffinity(0, {harness.PEER_CPU})
    report = Report()
    unittest.TestSuite(tests).run(report)
    # A class whose set-up fails reports once, for all of its tests.
    if options.results:
        Path(options.results).write_text(json.dumps(list(report.outcomes.items())), encoding="utf-8")
    counts = {outcome: list(report.outcomes.values()).count(outcome) for outcome in ("passed", "failed", "skipped")}
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not report.outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
