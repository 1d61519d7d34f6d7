# SPDX-License-Identifier: BSD-3-Clause
"""Builds tern and runs its tests, each kind in turn, and counts every test; scripts/test calls it.

The last line of its output is "N passed, N failed" or "N passed, N failed, N skipped".
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUZZ_SECONDS = 30  # per target, where its number of runs is not reached sooner
TIMEOUT = 600      # seconds that one program of tests may take, for each thousand seeds where there are more
CHECKS = ("cpp_text_test.py", "conformance_test.py", "conformance", "mutants", "floors", "lengths", "format", "shell", "headers", "tidy")
SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


class Results:
    """The outcome of each test, by name, said as soon as it is known where it is not a pass."""

    def __init__(self):
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.failures = []

    def add(self, name, outcome, detail=""):
        self.counts[outcome] += 1
        if outcome == "passed":
            return
        print(f"  {outcome}: {name}", flush=True)
        if detail.strip():
            print("    " + detail.strip().replace("\n", "\n    "), flush=True)
        if outcome == "failed":
            self.failures.append(name)

    def summary(self):
        text = f"{self.counts['passed']} passed, {self.counts['failed']} failed"
        return f"{text}, {self.counts['skipped']} skipped" if self.counts["skipped"] else text


class Stage:
    """Prints what begins, and at its end how long it took and how many tests it counted."""

    def __init__(self, results, title):
        self.results, self.title = results, title

    def __enter__(self):
        print(f"== {self.title}", flush=True)
        self.started, self.before = time.monotonic(), dict(self.results.counts)

    def __exit__(self, *unused):
        seconds = time.monotonic() - self.started
        counted = ", ".join(f"{count - self.before[outcome]} {outcome}" for outcome, count in self.results.counts.items()
                            if count != self.before[outcome])
        print(f"   {seconds:.0f} s{': ' + counted if counted else ''}", flush=True)


def run(command, timeout=TIMEOUT, **options):
    """Runs a command in a session of its own and returns (status, output); a status of None means that it took too long."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                   start_new_session=True, **options)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if process.poll() is None:
                end_session(process)
        output.seek(0)
        return status, output.read().decode(errors="replace")


def end_session(process):
    """SIGTERM first, so that it can tidy up."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.killpg(process.pid, number)
        try:
            process.wait(20)
            return
        except subprocess.TimeoutExpired:
            pass


def build(results, kind, *targets):
    """One of scripts/build's builds; a failure is a failed test, and the tests that need it are not run."""
    with Stage(results, f"Build: {kind}"):
        status, output = run([str(ROOT / "scripts/build"), kind, *targets], timeout=1200, cwd=ROOT)
        if status == 0:
            return True
        # What comes before the first failure is ninja's progress.
        start = output.find("FAILED:")
        results.add(f"build.{kind}", "failed", output[max(start, 0):])
        return False


def introspect(directory, what):
    done = subprocess.run(["meson", "introspect", what, str(ROOT / directory)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def unit_tests(results, directory, environment, timeout=TIMEOUT):
    """Each program of `meson test`, two at a time, and each test within it."""
    def run_program(test):
        with tempfile.NamedTemporaryFile(suffix=".json") as report:
            status, output = run([*test["cmd"], f"--gtest_output=json:{report.name}", "--gtest_color=no"],
                                 timeout=max(timeout, test["timeout"]), cwd=test["workdir"] or ROOT,
                                 env=os.environ | test["env"] | environment)
            return status, output, read_google_test(report.name)

    tests = introspect(directory, "--tests")
    with Stage(results, f"Unit tests in {directory}/"), ThreadPoolExecutor(2) as pool:
        if not tests:
            results.add(f"{directory}.unit_tests", "failed", "the build has none")
        for test, outcome in zip(tests, pool.map(run_program, tests)):
            count_program(results, f"{directory}.{test['name']}", *outcome)


def read_google_test(path):
    """[(name, outcome, detail)] of a GoogleTest report; nothing when the program did not live to write it."""
    text = Path(path).read_text(encoding="utf-8")
    if not text:
        return []
    cases = []
    for suite in json.loads(text)["testsuites"]:
        for case in suite["testsuite"]:
            failures = "\n".join(failure["failure"] for failure in case.get("failures", []))
            skipped = case["status"] == "NOTRUN" or case.get("result") == "SKIPPED"
            cases.append((f"{suite['name']}.{case['name']}",
                          "failed" if failures else "skipped" if skipped else "passed", failures))
    return cases


def count_program(results, name, status, output, cases):
    failed = False
    for case, outcome, detail in cases:
        results.add(f"{name}.{case}", outcome, detail)
        failed = failed or outcome == "failed"
    if status == 0 and cases or failed and status == 1:
        return
    if not cases:  # it died: the tests before the last one were right
        begun = re.findall(r"^\[ RUN      \] (\S+)", output, re.M)
        passed = re.findall(r"^\[       OK \] (\S+)", output, re.M)
        for case in passed:
            results.add(f"{name}.{case}", "passed")
        if begun:
            name = f"{name}.{begun[-1]}"
    reason = "took too long" if status is None else f"ended with status {status}"
    results.add(name, "failed", f"{reason}\n{output}")


def micro_benchmarks(results):
    """Each once, to see that it still does what it measures."""
    program = "bench/micro/tern_bench"
    if not build(results, "test", program):
        return
    with Stage(results, "Micro-benchmarks, once each"):
        status, output = run([str(ROOT / "build-test" / program), "--benchmark_min_time=0",
                              "--benchmark_filter=-/10{5,7}(/|$)"], cwd=ROOT)  # without the largest tables
        results.add("bench.micro", "passed" if status == 0 else "failed", output if status != 0 else "")


def fuzz_tests(results):
    """The bounded run that tests/fuzz/meson.build gives each target, two at a time."""
    def run_target(test):
        status, output = run([*test["cmd"], f"-max_total_time={FUZZ_SECONDS}"], cwd=ROOT / "build-fuzz",
                             env=os.environ | test["env"] | SANITIZERS)
        # libFuzzer says where it has put the input that failed; a clean checkout is gone afterwards, so show it.
        for path in re.findall(r"Test unit written to (\S+)", output):
            output += f"{path}: {Path(path).read_bytes().hex()}\n"
        return status, output

    targets = introspect("build-fuzz", "--tests")
    programs = [str(Path(test["cmd"][0]).relative_to(ROOT / "build-fuzz")) for test in targets]
    if not targets:
        results.add("fuzz", "failed", "the build has no fuzz targets")
    elif build(results, "fuzz", *programs):
        with Stage(results, "Fuzz targets"), ThreadPoolExecutor(2) as pool:
            for test, (status, output) in zip(targets, pool.map(run_target, targets)):
                results.add(f"fuzz.{test['name']}", "passed" if status == 0 else "failed", output)


def house_checks(results, fuzz_configured):
    with Stage(results, "Checks of the house"):
        for check in CHECKS:
            if check == "tidy" and not fuzz_configured:
                results.add("check.tidy", "failed", "needs scripts/build fuzz")
                continue
            status, output = run(["/usr/bin/python3", "-B", str(ROOT / "scripts/checks" / check)], cwd=ROOT)
            results.add(f"check.{Path(check).stem}", "passed" if status == 0 else "failed", output if status != 0 else "")


def count_instructions(results):
    with Stage(results, "Instructions"):
        status, output = run([str(ROOT / "scripts/bench-instructions")], cwd=ROOT)
        results.add("instructions.budget", "passed" if status == 0 else "failed", output if status != 0 else "")


def system_tests(results, pattern):
    with Stage(results, "System tests"), tempfile.TemporaryDirectory(prefix="tern-results-") as folder:
        outcomes = Path(folder) / "results.json"
        command = ["/usr/bin/python3", "-B", str(ROOT / "tests/system/run.py"), "--results", str(outcomes)]
        # Their own output is shown as it comes: a line for each.
        process = subprocess.Popen(command + (["-k", pattern] if pattern else []), stdin=subprocess.DEVNULL,
                                   start_new_session=True)
        try:
            process.wait(3 * TIMEOUT)
        except subprocess.TimeoutExpired:
            results.add("system", "failed", "took too long")
        finally:
            if process.poll() is None:
                end_session(process)
        if not outcomes.exists():
            results.add("system", "failed", f"did not come to its end: status {process.returncode}")
            return
        for name, outcome in json.loads(outcomes.read_text(encoding="utf-8")):
            results.add(f"system.{name}", outcome)


def parse_options():
    parser = argparse.ArgumentParser(prog="scripts/test", description="Builds tern and runs its tests; all kinds when "
                                     "none is named.")
    for kind, meaning in (("unit", "unit tests, in a plain and in the sanitizer build"),
                          ("fuzz", "a short run of each fuzz target"), ("checks", "checks of the house"),
                          ("instructions", "what loads execute, against the budget"),
                          ("system", "tern against the Linux kernel in a namespace")):
        parser.add_argument(f"--{kind}", action="store_true", help=meaning)
    parser.add_argument("-k", dest="pattern", metavar="PATTERN", help="only the system tests whose name contains this")
    parser.add_argument("--seeds", type=int, metavar="N", help="how many seeds the simulations of two ends run")
    options = parser.parse_args()
    if not (options.unit or options.fuzz or options.checks or options.instructions or options.system):
        options.unit = options.fuzz = options.checks = options.instructions = options.system = True
    return options


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    results = Results()
    environment = {} if options.seeds is None else {"TERN_SEEDS": str(options.seeds)}
    timeout = TIMEOUT * max(1, (options.seeds or 0) // 1000)

    # Without its programs first: the checks need only how clang would be called.
    fuzz_configured = (options.fuzz or options.checks) and build(results, "fuzz", "build.ninja")
    if options.checks:
        house_checks(results, fuzz_configured)
    if options.unit and build(results, "test"):
        unit_tests(results, "build-test", environment, timeout)
        micro_benchmarks(results)
    if options.system:
        build(results, "release")
    if options.instructions and build(results, "release", "bench/instructions/replay"):
        count_instructions(results)
    if (options.unit or options.system) and build(results, "sanitize") and options.unit:
        unit_tests(results, "build-asan", SANITIZERS | environment, timeout)
    if options.fuzz and fuzz_configured:
        fuzz_tests(results)
    if options.system:
        system_tests(results, options.pattern)

    if results.failures:
        print("\nFailed:")
        for name in results.failures:
            print(f"  {name}")
    print(results.summary(), flush=True)
    return 1 if results.counts["failed"] or not results.counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
