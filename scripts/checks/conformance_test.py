#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the data behind docs/conformance.md that must be found."""

import sys
import unittest

from cpp_text import ROOT

sys.path.insert(0, str(ROOT / "tests/conformance"))
import generate  # noqa: E402

TESTS = {"Suite.Works"}


def requirement(**other):
    return {"id": "1-1", "section": "1", "level": "MUST", "asks": "Something.", "status": "done", "files": ["README.md"],
            "tests": ["Suite.Works"]} | other


def row(**other):
    return {"id": "A1", "what": "A row", "shows": [{"part": "all of it", "tests": ["Suite.Works"]}]} | other


class Conformance(unittest.TestCase):
    def test_faults_of_the_data_are_found(self):
        self.assertEqual(generate.problems_of(requirement(), TESTS), [])
        for fault in ({"tests": []}, {"tests": ["Suite.Gone"]}, {"files": ["gone.cpp"]}, {"files": []}, {"status": "deviation"},
                      {"status": "not yet"}, {"level": "OUGHT"}, {"status": "not taken"}, {"colour": "red"}):
            self.assertNotEqual(generate.problems_of(requirement(**fault), TESTS), [], fault)

    def test_faults_of_the_rows_are_found(self):
        self.assertEqual(generate.problems_of_row(row(), TESTS), [])
        for fault in ({"shows": []}, {"shows": [{"part": "a part"}]}, {"shows": [{"part": "a part", "tests": ["Suite.Gone"]}]},
                      {"colour": "red"}):
            self.assertNotEqual(generate.problems_of_row(row(**fault), TESTS), [], fault)


if __name__ == "__main__":
    unittest.main()
