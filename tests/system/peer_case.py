# SPDX-License-Identifier: BSD-3-Clause
"""A class of tests that share one tern and one namespace, and what they ask of HTTP."""

import unittest

from harness import HTTP, SERVER, Net, Tern, eventually, receive_exactly


class PeerCase(unittest.TestCase):
    """Tests of one running tern. It must be alive after each, and end with status 0 after the last.

    Where one test has brought it down, or to a standstill, the next begins with a fresh one.
    """

    configuration = {}  # keys for harness.configuration()

    @classmethod
    def start(cls):
        """Makes cls.net and cls.tern; a class whose network is another does more."""
        cls.net = Net()
        cls.tern = Tern(cls.net, **cls.configuration)
        cls.net.mac()  # ARP is resolved before the first test

    @classmethod
    def discard(cls):
        """Ends what start() made, whatever is left of it."""
        for name in ("tern", "net"):
            if (made := cls.__dict__.get(name)) is not None:
                made.close()

    @classmethod
    def setUpClass(cls):
        try:
            cls.start()
        except BaseException:
            cls.discard()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            status = cls.tern.stop()
            assert status == 0, f"tern ended with status {status}\n{cls.tern.output}"
        finally:
            cls.discard()

    def setUp(self):
        if not self.answers():
            type(self).discard()
            type(self).start()

    def tearDown(self):
        self.assertTrue(self.tern.is_running(), f"tern has ended with status {self.tern.process.poll()}\n{self.tern.output}")
        self.assertTrue(self.answers(), f"tern is at a standstill\n{self.tern.output}")

    def answers(self):
        """Whether the worker still goes round: it answers a ping, of which some may get lost."""
        return self.tern.is_running() and any(
            self.net.run("ping", "-c", "1", "-W", "2", SERVER, check=False).returncode == 0 for _ in range(3))

    def expect_no_connections(self):
        """All connections, TIME-WAIT included, are gone soon after their clients are (msl_s is 1 in these tests)."""
        eventually(lambda: f"no connections; there are {self.tern.connections()}",
                   lambda: not any(self.tern.connections().values()))


def request(path, *headers, version="1.1"):
    lines = [f"GET {path} HTTP/{version}", f"Host: {SERVER}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Response:
    """One HTTP response read from a connection: status, headers in lower case, and the body."""

    def __init__(self, connection, whole_body=True):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            letter = connection.recv(1)
            assert letter, f"the server closed within the head: {head!r}"
            head += letter
        lines = head.decode("ascii").split("\r\n")
        self.version, status, *_ = lines[0].split(" ")
        self.status = int(status)
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
        self.length = int(self.headers["content-length"])
        self.body = receive_exactly(connection, self.length) if whole_body else None


def get(net, path, *headers, version="1.1"):
    """One request on a connection of its own."""
    with net.connect(HTTP) as connection:
        connection.sendall(request(path, *headers, version=version))
        return Response(connection)


MIB = 1 << 20
PATTERN_PERIOD = 251
_PATTERN = bytes(i % PATTERN_PERIOD for i in range(PATTERN_PERIOD)) * (2 * (1 << 20) // PATTERN_PERIOD)


def pattern(offset, size):
    """The bytes of /bytes/N from offset on: byte i is i mod 251. size is at most 1 MiB."""
    start = offset % PATTERN_PERIOD
    return memoryview(_PATTERN)[start:start + size]


def fetch_pattern(connection, size):
    """Fetches /bytes/size and compares every byte with the pattern."""
    connection.sendall(request(f"/bytes/{size}"))
    response = Response(connection, whole_body=False)
    assert (response.status, response.length) == (200, size), (response.status, response.length)
    buffer = memoryview(bytearray(MIB))
    offset = 0
    while offset < size:
        count = connection.recv_into(buffer, min(MIB, size - offset))
        assert count, f"the server closed after {offset} of {size} bytes"
        assert buffer[:count] == pattern(offset, count), f"wrong bytes between {offset} and {offset + count}"
        offset += count
