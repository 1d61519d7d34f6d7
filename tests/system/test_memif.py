# SPDX-License-Identifier: BSD-3-Clause
"""A memif's peer that is killed while it loads tern: tern outlives it, says so, and serves the next one."""

import subprocess
import tempfile
import unittest
from contextlib import contextmanager
from pathlib import Path

from harness import HTTP, LOAD_BINARY, ON_ALL_CPUS, PEER_CPU, SERVER, Tern, eventually, run, unique_name

KILLS = 10
UNDER_WAY = 20_000  # frames after which the load is


class VanishingPeer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tern-memif-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.socket = self.folder / "memif.sock"
        self.tern = Tern(memif=self.socket, dataplane={"idle": "poll"})
        self.addCleanup(self.tern.close)

    def command(self, mode, path, number, *options):
        """ternload at an address of its own: the connections of one that was killed are no concern of the next."""
        return (*ON_ALL_CPUS, str(LOAD_BINARY), "--no-huge", "-m", "256", f"--file-prefix={unique_name()}", "--",
                mode, f"http://{SERVER}:{HTTP}{path}", "--address", f"192.0.2.{100 + number}/24", "--cpu", str(PEER_CPU),
                "--device", f"net_memif0,role=client,socket={self.socket},socket-abstract=no", *options)

    @contextmanager
    def load(self, number):
        """Requests for as long as it lives; killed at the end."""
        with open(self.folder / f"load{number}", "w+", encoding="utf-8") as printed:
            process = subprocess.Popen(
                self.command("requests", "/bytes/20000", number, "--in-flight", "64", "--duration", "600s"),
                stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT, env={"RUNTIME_DIRECTORY": str(self.folder)})
            try:
                yield lambda: f"{Path(printed.name).read_text(encoding='utf-8')}\n{self.tern.output}"
            finally:
                process.kill()
                process.wait()

    def losses(self):
        return self.tern.telemetry("/tern/ports")["net_memif0"]["link_losses"]

    def test_tern_outlives_a_peer_killed_under_load(self):
        for number in range(KILLS):
            before = self.tern.count("frames_received")
            with self.load(number) as printed:
                eventually(lambda: f"load\n{printed()}",
                           lambda: self.tern.count("frames_received") >= before + UNDER_WAY)
            eventually("the loss is counted", lambda: self.losses() == number + 1)
        run(*self.command("connections", "/", KILLS, "--limit-connections", "1000", "--warm-up", "0s"),
            env={"RUNTIME_DIRECTORY": str(self.folder)}, timeout=60)
        self.assertEqual(self.tern.stop(), 0, self.tern.output)
