# SPDX-License-Identifier: BSD-3-Clause
"""ternload in a namespace, over a tap whose kernel's side is the server's."""

import json
import socket
import subprocess
import threading
from pathlib import Path

from harness import CLIENT, LOAD_BINARY, ON_ALL_CPUS, PATIENCE, SERVER, WORKER_CPU, Net, _open, eventually, unique_name


class Outcome:
    """The exit status of ternload, all that it printed, and its JSON file."""

    def __init__(self, status, output, result):
        assert result is not None, f"ternload wrote no result; status {status}\n{output}"
        self.status, self.output, self.result = status, output, result
        self.counts, self.errors = result["counts"], result["errors"]


class LoadedNet(Net):
    """The servers' side is the kernel's; ternload comes as CLIENT, through a tap that stays from run to run."""

    def __init__(self):
        super().__init__()
        self.tap = unique_name()
        self.run("ip", "tuntap", "add", "dev", self.tap, "mode", "tap", "multi_queue")
        self.run("ip", "link", "set", self.tap, "up")

    def load(self, mode, target, *options, cpu=WORKER_CPU, device=None):
        """Runs ternload for a second, if options say nothing else; returns what came of it."""
        if not LOAD_BINARY.exists():
            raise AssertionError(f"{LOAD_BINARY} is missing: scripts/build release makes it")
        prefix = unique_name()
        result = Path(f"/tmp/{prefix}.json")
        command = [*ON_ALL_CPUS, LOAD_BINARY, "--no-pci", "--in-memory", f"--file-prefix={prefix}", "--", mode, target,
                   "--device", device or f"net_tap0,iface={self.tap}", "--address", f"{CLIENT}/24", "--cpu", cpu,
                   "--warm-up", "200ms", "--duration", "1s", "--json", result, *options]
        try:
            result.write_text("null")
            with self.inside():
                done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                                      timeout=3 * PATIENCE, stdin=subprocess.DEVNULL)
            return Outcome(done.returncode, done.stdout + done.stderr, json.loads(result.read_text()))
        finally:
            result.unlink(missing_ok=True)


class Sockets:
    """A server on the kernel's sockets: serve(connection) runs in a thread for each connection."""

    def __init__(self, net, port, serve):
        self.serve = serve
        self.listener = net.socket()
        self.listener.settimeout(None)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((SERVER, port))
        self.listener.listen(1024)
        self.resets = 0  # connections that ended by RST
        self.ended = 0   # connections that ended, one way or the other
        _open.append(self)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        with connection:
            try:
                self.serve(connection)
            except (ConnectionResetError, BrokenPipeError):
                self.resets += 1
        self.ended += 1

    def expect_ended(self, count):
        eventually(lambda: f"{count} connections ended, {self.ended} have", lambda: self.ended >= count)

    def close(self):
        if self in _open:
            _open.remove(self)
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
