# SPDX-License-Identifier: BSD-3-Clause
"""What the system tests are made of: a network namespace with the kernel as tern's peer, and tern itself.

    with Net() as net, Tern(net) as tern:
        peer = net.connect(80)

tern's worker runs on the second CPU and everything else on the first. Whatever ends the run, exit, exception or signal, every namespace,
process and folder made here is removed again.
"""

import atexit
import ctypes
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("TERN_BINARY", ROOT / "build/app/tern/tern"))
LOAD_BINARY = Path(os.environ.get("TERNLOAD_BINARY", ROOT / "build/app/ternload/ternload"))
SANITIZED_BINARY = ROOT / "build-asan/app/tern/tern"

SERVER = "192.0.2.2"
CLIENT = "192.0.2.1"
ECHO, DISCARD, CHARGEN, HTTP = 7, 9, 19, 80
CLOSED = 81  # nothing listens there

CPUS = sorted(os.sched_getaffinity(0))
PEER_CPU, WORKER_CPU = CPUS[0], CPUS[1 if len(CPUS) > 1 else 0]
# In front of a command that may use all CPUs, though these tests themselves keep to one.
ON_ALL_CPUS = ("taskset", "--cpu-list", ",".join(map(str, CPUS)))
PATIENCE = 20.0  # seconds that any single step may take before its test fails

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_open = []  # what must be closed, the newest last
_serial = 0


def unique_name():
    """A name that fits a network device (15 characters) and that no other run uses."""
    global _serial
    _serial += 1
    return f"tern{os.getpid()}n{_serial}"


def close_all():
    while _open:
        _open[-1].close()


def clean_up_on_signals():
    """A test run that is ended by a signal leaves by SystemExit, so that what atexit and finally hold is done."""
    def leave(number, frame):
        del frame
        raise SystemExit(128 + number)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, leave)


atexit.register(close_all)


def run(*command, timeout=PATIENCE, check=True, **options):
    """Runs a command to its end; a failure carries all that it printed."""
    done = subprocess.run([str(word) for word in command], timeout=timeout, capture_output=True,
                          stdin=options.pop("stdin", subprocess.DEVNULL if "input" not in options else None),
                          text=options.pop("text", True), **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def eventually(what, condition, timeout=PATIENCE):
    """Waits until condition() is true and returns its value; fails with what() or what when that takes too long."""
    deadline = time.monotonic() + timeout
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:.0f} s: {what() if callable(what) else what}")
        time.sleep(0.02)


class Net:
    """A network namespace in which the Linux kernel is the peer; `with net:` runs the thread's code inside it."""

    def __init__(self, address=f"{CLIENT}/24"):
        self.name = unique_name()
        self.address = address
        self.tap = None
        run("ip", "netns", "add", self.name)
        _open.append(self)
        run("ip", "-n", self.name, "link", "set", "lo", "up")

    def adopt(self, tap):
        """Takes the kernel's side of tern's tap in and gives it the client's address."""
        run("ip", "link", "set", tap, "netns", self.name)
        run("ip", "-n", self.name, "address", "add", self.address, "dev", tap)
        run("ip", "-n", self.name, "link", "set", tap, "up")
        self.tap = tap

    @contextmanager
    def inside(self):
        """The calling thread's sockets and processes belong to the namespace until the block ends."""
        with open("/proc/thread-self/ns/net", "rb") as before, open(f"/run/netns/{self.name}", "rb") as here:
            _enter(here.fileno())
            try:
                yield self
            finally:
                _enter(before.fileno())

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        with self.inside():
            made = socket.socket(family, kind, protocol)
        made.settimeout(PATIENCE)
        return made

    def connect(self, port, address=SERVER, **buffers):
        """A connection to tern; receive_buffer and send_buffer in bytes, before the handshake."""
        made = self.socket()
        for name, option in (("receive_buffer", socket.SO_RCVBUF), ("send_buffer", socket.SO_SNDBUF)):
            if name in buffers:
                made.setsockopt(socket.SOL_SOCKET, option, buffers[name])
        try:
            made.connect((address, port))
        except BaseException:
            made.close()
            raise
        return made

    def run(self, *command, **options):
        with self.inside():
            return run(*command, **options)

    def mac(self):
        """tern's Ethernet address as the kernel learned it by ARP."""
        def neighbour():
            for entry in json.loads(self.run("ip", "-json", "neighbour", "show", SERVER).stdout):
                if "lladdr" in entry:
                    return bytes.fromhex(entry["lladdr"].replace(":", ""))
            return None
        self.run("ping", "-c", "1", "-W", "5", SERVER)
        return eventually("ARP resolved", neighbour)

    def client_mac(self):
        (link,) = json.loads(self.run("ip", "-json", "link", "show", self.tap).stdout)
        return bytes.fromhex(link["address"].replace(":", ""))

    def close(self):
        if self in _open:
            _open.remove(self)
            subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def _enter(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")


SERVICES = {"echo": ("echo", ECHO), "discard": ("discard", DISCARD), "chargen": ("chargen", CHARGEN),
            "web": ("http", HTTP)}


def configuration(tap, file_prefix, dataplane=None, tcp=None, addresses=(f"{SERVER}/24",), memif=None, more=""):
    """A configuration file with every service; dataplane and tcp add keys to their tables or replace them, more is text.

    The port is the tap, or else the server's side of a memif whose socket is named.
    """
    def table(keys):
        return "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    dataplane = {"workers": [WORKER_CPU], "idle": "adaptive", "max_connections": 20000} | (dataplane or {})
    tcp = {"cookies": "always", "msl_s": 1} | (tcp or {})
    text = f"[eal]\nargs = {json.dumps(['--no-pci', '--in-memory', f'--file-prefix={file_prefix}'])}\n"
    text += f"[dataplane]\n{table(dataplane)}"
    device, args = "net_tap0", f"iface={tap}"
    if memif is not None:
        device, args = "net_memif0", f"role=server,socket={memif},socket-abstract=no"
    text += f"[[port]]\ndevice = \"{device}\"\nargs = \"{args}\"\naddresses = {json.dumps(list(addresses))}\n"
    text += f"[tcp]\n{table(tcp)}"
    for name, (kind, port) in SERVICES.items():
        text += f"[[service]]\nname = \"{name}\"\nkind = \"{kind}\"\nlisten = [\"{SERVER}:{port}\"]\n"
    return text + more


class Tern:
    """One tern, started with a configuration of its own and, when net is given, with its tap in that namespace."""

    def __init__(self, net=None, binary=BINARY, **configuration_keys):
        if not Path(binary).exists():
            raise AssertionError(f"{binary} is missing: scripts/build release makes it")
        self.tap = unique_name()
        self.folder = Path(tempfile.mkdtemp(prefix="tern-test-"))
        self.process = None
        self.lines = []
        self.exit_status = None
        _open.append(self)
        try:
            self._start(binary, configuration_keys)
            if net is not None:
                net.adopt(self.tap)
        except BaseException:
            self.close()
            raise

    def configuration(self, **keys):
        """The text of its configuration file; what measures tern has another."""
        return configuration(self.tap, self.tap, **keys)

    def _start(self, binary, configuration_keys):
        config = self.folder / "tern.toml"
        config.write_text(self.configuration(**configuration_keys))
        # EAL keeps its files below RUNTIME_DIRECTORY when there is one.
        environment = os.environ | {"RUNTIME_DIRECTORY": str(self.folder)}
        self.process = subprocess.Popen(
            [*ON_ALL_CPUS, str(binary), "--config", str(config)],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        eventually(lambda: f"tern is ready\n{self.output}", self._is_ready)

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def _is_ready(self):
        if any(line.startswith("tern: ready") for line in self.lines):
            return True
        if self.process.poll() is not None:
            self._reader.join(PATIENCE)
            raise AssertionError(f"tern ended with status {self.process.returncode} before it was ready\n{self.output}")
        return False

    @property
    def output(self):
        return "".join(self.lines)

    def telemetry(self, command):
        """The reply to a DPDK telemetry command, decoded."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
                control.settimeout(PATIENCE)
                control.connect(str(self.folder / "dpdk" / self.tap / "dpdk_telemetry.v2"))
                greeting = json.loads(control.recv(4096))
                control.send(command.encode())
                return json.loads(control.recv(greeting["max_output_len"] + 1024))[command.split(",")[0]]
        except (OSError, json.JSONDecodeError) as problem:
            status = "it runs" if self.is_running() else f"it has ended with status {self.process.poll()}"
            raise AssertionError(f"no telemetry from tern ({problem}); {status}\n{self.output}") from problem

    def counters(self):
        """{'worker.tcp.segments_sent': 3, ...}: every number of /tern/counters by its path."""
        return flat(self.telemetry("/tern/counters"))

    def count(self, name):
        """The sum of a counter over all workers and ports. A name that is not there is a mistake of the test."""
        found = [value for path, value in self.counters().items() if path.split(".")[-1] == name]
        assert found, f"no counter named {name} among {sorted(self.counters())}"
        return sum(found)

    def expect_count(self, name, least):
        """Waits until the counter has reached least; what telemetry shows lags behind the packets a little."""
        eventually(lambda: f"{name} >= {least}, it is {self.count(name)}", lambda: self.count(name) >= least)

    def connections(self):
        """Connections by state, and their total, as /tern/connections has them."""
        return flat(self.telemetry("/tern/connections"))

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, number=signal.SIGTERM):
        """Ends tern by a signal; returns its exit status, and output holds all that it printed."""
        if self.is_running():
            self.process.send_signal(number)
        try:
            self.exit_status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"tern did not end within {PATIENCE:.0f} s of signal {number}\n{self.output}") from None
        self._reader.join(PATIENCE)
        return self.exit_status

    def files_left(self):
        """The files that remain of EAL's; its empty folders do not count."""
        return sorted(str(path) for path in (self.folder / "dpdk").rglob("*") if not path.is_dir())

    def close(self):
        if self in _open:
            _open.remove(self)
        if self.is_running():
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def flat(tree, prefix=""):
    """{'a': {'b': 1}} as {'a.b': 1}; what is no number is left out."""
    numbers = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            numbers |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, int):
            numbers[prefix + name] = value
    return numbers


def abort(connection):
    """Ends a connection by RST: no lingering for what is unsent."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def sequence_numbers(connection):
    """The next sequence number that the kernel will send, and the next that it expects (TCP_REPAIR)."""
    repair, queue, number = 19, 20, 21
    connection.setsockopt(socket.IPPROTO_TCP, repair, 1)
    found = []
    for which in (2, 1):  # the send queue, the receive queue
        connection.setsockopt(socket.IPPROTO_TCP, queue, which)
        found.append(connection.getsockopt(socket.IPPROTO_TCP, number) % 2**32)
    connection.setsockopt(socket.IPPROTO_TCP, repair, -1)  # off, without a window probe
    return found


def receive_exactly(connection, size):
    """Exactly size bytes; fails when the peer closes earlier."""
    parts, left = [], size
    while left:
        part = connection.recv(min(left, 1 << 20))
        assert part, f"the peer closed {left} of {size} bytes too early"
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def receive_all(connection):
    """All bytes up to the peer's FIN."""
    parts = []
    while part := connection.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)
