# SPDX-License-Identifier: BSD-3-Clause
"""The machine that measures: its two CPUs and where they are, its huge pages, and processes of ours on it."""

import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/system"))
import harness  # noqa: E402  tern itself, namespaces, and the promise that all of it goes in the end

BUILD = ROOT / "build"
SERVER_CPU, CLIENT_CPU = harness.WORKER_CPU, harness.PEER_CPU
HUGE_PAGES = Path("/proc/sys/vm/nr_hugepages")


def handoff():
    """Nanoseconds that a cache line takes from one CPU to the other, now."""
    return int(harness.run(BUILD / "bench/appliance/handoff", CLIENT_CPU, SERVER_CPU).stdout)


def meminfo(key):
    return int(re.search(rf"^{key}:\s+(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"), re.M)[1])


class HugePages:
    """Makes sure that this much is free, in MiB, and gives back in the end what it has reserved."""

    def __init__(self, mib):
        self.before = int(HUGE_PAGES.read_text(encoding="utf-8"))
        size = meminfo("Hugepagesize") // 1024
        missing = -(-mib // size) - meminfo("HugePages_Free")
        if missing > 0:
            HUGE_PAGES.write_text(str(self.before + missing), encoding="utf-8")
        harness._open.append(self)
        if meminfo("HugePages_Free") * size < mib:
            raise AssertionError(f"the kernel has no {mib} MiB of huge pages; end what uses memory, or restart the machine")

    def close(self):
        if self in harness._open:
            harness._open.remove(self)
            HUGE_PAGES.write_text(str(self.before), encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def put_first(pid="self"):
    """The process's session comes before builds and other sessions, where the kernel groups by sessions and lets it."""
    try:
        Path(f"/proc/{pid}/autogroup").write_text("-20", encoding="utf-8")
    except OSError:
        pass


class Process:
    """A program on one or all CPUs, in a session of its own that is put first; its output goes to a file."""

    def __init__(self, name, command, folder, cpus=None, net=None):
        self.log = Path(folder) / f"{name}.log"
        pinned = ["taskset", "--cpu-list", ",".join(map(str, cpus or (CLIENT_CPU, SERVER_CPU)))]

        def start(log):
            return subprocess.Popen([*pinned, *map(str, command)], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=subprocess.STDOUT, start_new_session=True)
        with open(self.log, "wb") as log:
            if net is None:
                self.process = start(log)
            else:
                with net.inside():
                    self.process = start(log)
        put_first(self.process.pid)
        harness._open.append(self)

    @property
    def output(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait(self, timeout, statuses=(0,)):
        """Until it ends by itself, with one of these statuses; returns its output."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.log.stem} did not end\n{self.output[-4000:]}") from None
        if status not in statuses:
            raise AssertionError(f"{self.log.stem}: status {status}\n{self.output[-4000:]}")
        return self.output

    def wait_for(self, text, timeout=harness.PATIENCE):
        def there():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.log.stem} ended too early\n{self.output[-4000:]}")
            return text in self.output
        harness.eventually(lambda: f"{self.log.stem} says {text!r}\n{self.output[-4000:]}", there, timeout)

    def cpu_seconds(self):
        """That it has used, all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        if self in harness._open:
            harness._open.remove(self)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def describe():
    """What a figure depends on and that does not change while we measure."""
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)[1]
    commit = harness.run("git", "-C", ROOT, "describe", "--always", "--dirty", check=False).stdout.strip()
    return {"cpu": model, "kernel": platform.release(), "commit": commit, "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))
