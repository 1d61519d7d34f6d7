# SPDX-License-Identifier: BSD-3-Clause
"""Wrong configurations, end to end: tern names file, line and key, and does not start."""

import tempfile
import unittest
from pathlib import Path

from harness import BINARY, ON_ALL_CPUS, ROOT, WORKER_CPU, configuration, run

GOOD = configuration("tap0", "prefix")


def with_line(table, line):
    """The good configuration with one more line right after the header of a table; and the number of that line."""
    before, header, after = GOOD.partition(f"{table}\n")
    text = before + header + line + "\n" + after
    return text, (before + header).count("\n") + 1


def with_change(old, new):
    """The good configuration with one text replaced; and the number of its line."""
    assert old in GOOD
    return GOOD.replace(old, new, 1), GOOD[:GOOD.index(old)].count("\n") + 1


class Configuration(unittest.TestCase):
    def check(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "wrong.toml"
            path.write_text(text, encoding="utf-8")
            return run(*ON_ALL_CPUS, BINARY, "--check", "--config", path, check=False), path

    def expect_refused(self, made, key, *words):
        text, line = made
        done, path = self.check(text)
        said = done.stdout + done.stderr
        self.assertNotEqual(done.returncode, 0, said)
        self.assertGreater(done.returncode, 0, f"ended by a signal\n{said}")
        self.assertIn(f"{path}:{line}", said)
        self.assertIn(key, said)
        for word in words:
            self.assertIn(word, said)

    def test_the_good_configuration_is_accepted(self):
        done, _ = self.check(GOOD)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_example_is_accepted(self):
        examples = sorted((ROOT / "config").glob("*.toml"))
        self.assertTrue(examples)
        for example in examples:
            with self.subTest(example=example.name):
                run(*ON_ALL_CPUS, BINARY, "--check", "--config", example)

    def test_an_unknown_key(self):
        self.expect_refused(with_line("[dataplane]", "worker = 3"), "worker", "workers")

    def test_an_unknown_table(self):
        self.expect_refused((GOOD + "[tpc]\nmsl_s = 3\n", GOOD.count("\n") + 1), "tpc", "tcp")

    def test_a_value_of_the_wrong_type(self):
        self.expect_refused(with_change("msl_s = 1", 'msl_s = "long"'), "msl_s", "integer", "long")

    def test_a_number_out_of_range(self):
        self.expect_refused(with_line("[tcp]", "window_scale = 15"), "window_scale", "15", "14")

    def test_a_word_that_is_none_of_the_allowed(self):
        self.expect_refused(with_change('"adaptive"', '"lazy"'), "idle", "lazy", "adaptive", "poll")

    def test_an_address_that_is_none(self):
        self.expect_refused(with_change('"192.0.2.2/24"', '"192.0.2.256/24"'), "addresses", "192.0.2.256/24")

    def test_a_service_on_an_address_of_nobody(self):
        self.expect_refused(with_change('"192.0.2.2:80"', '"192.0.2.3:80"'), "listen", "192.0.2.3")

    def test_two_services_on_one_port(self):
        self.expect_refused(with_change('"192.0.2.2:80"', '"192.0.2.2:7"'), "listen", "192.0.2.2:7")

    def test_a_service_of_no_kind(self):
        self.expect_refused(with_change('kind = "http"', 'kind = "gopher"'), "kind", "gopher", "http")

    def test_a_cpu_that_is_not_there(self):
        self.expect_refused(with_change(f"workers = [{WORKER_CPU}]", "workers = [4711]"), "workers", "4711")

    def test_a_line_that_is_no_toml(self):
        self.expect_refused(with_line("[tcp]", "mss = = 3"), "")

    def test_a_missing_file_is_named(self):
        done = run(BINARY, "--check", "--config", "/nowhere/tern.toml", check=False)
        self.assertGreater(done.returncode, 0)
        self.assertIn("/nowhere/tern.toml", done.stdout + done.stderr)

    def test_all_mistakes_are_named_at_once(self):
        text = GOOD.replace("msl_s = 1", "msl_s = 0").replace('"adaptive"', '"lazy"')
        done, _ = self.check(text)
        self.assertIn("msl_s", done.stdout + done.stderr)
        self.assertIn("idle", done.stdout + done.stderr)

    def test_help_and_version_are_printed(self):
        self.assertIn("--config", run(BINARY, "--help").stdout)
        self.assertRegex(run(BINARY, "--version").stdout, r"\d+\.\d+")

    def test_an_unknown_option_is_refused(self):
        done = run(BINARY, "--nonsense", check=False)
        self.assertGreater(done.returncode, 0)
        self.assertIn("--nonsense", done.stdout + done.stderr)
