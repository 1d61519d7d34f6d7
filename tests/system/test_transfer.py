# SPDX-License-Identifier: BSD-3-Clause
"""Much data: every byte arrives once and in order, also where the network loses packets."""

import hashlib
import random
import socket
import threading

from harness import CHARGEN, DISCARD, ECHO, HTTP, PATIENCE, SERVER, Net, Tern, eventually, receive_all, run
from peer_case import MIB, PeerCase, Response, fetch_pattern, pattern, request


def echo_through(connection, size, seed):
    """Sends size random bytes and reads them back meanwhile; returns both SHA-256 sums."""
    # One random MiB, each time with its number in front: quick to make, and no two blocks are alike.
    block = random.Random(seed).randbytes(MIB - 8)
    sent, received = hashlib.sha256(), hashlib.sha256()
    problems = []

    def send():
        try:
            for number in range(0, size, MIB):
                part = (number.to_bytes(8, "big") + block)[:size - number]
                sent.update(part)
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
        except OSError as problem:
            problems.append(problem)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    total = 0
    while part := connection.recv(MIB):
        received.update(part)
        total += len(part)
    sender.join(PATIENCE)
    if problems:
        raise problems[0]
    assert total == size, f"{total} of {size} bytes came back"
    return sent.hexdigest(), received.hexdigest()


class Transfer(PeerCase):
    def test_200_mib_through_echo_come_back_with_the_same_hash(self):
        with self.net.connect(ECHO) as connection:
            sent, received = echo_through(connection, 200 * MIB, seed=1)
        self.assertEqual(sent, received)

    def test_1_gib_of_bytes_arrives_whole(self):
        with self.net.connect(HTTP) as connection:
            fetch_pattern(connection, 1 << 30)

    def test_discard_takes_64_mib_and_answers_nothing(self):
        with self.net.connect(DISCARD) as connection:
            block = bytes(MIB)
            for _ in range(64):
                connection.sendall(block)
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(connection), b"")

    def test_chargen_turns_its_lines_as_rfc_864_says(self):
        with self.net.connect(CHARGEN) as connection:
            text = b""
            while len(text) < 74 * 200:
                text += connection.recv(65536)
        lines = text.split(b"\r\n")[:200]
        self.assertEqual({len(line) for line in lines}, {72})
        for line, following in zip(lines, lines[1:]):
            self.assertEqual(line[1:], following[:-1])

    def test_a_slow_reader_gets_everything(self):
        # A small receive buffer closes the window again and again: zero-window probes, silly windows.
        with self.net.connect(HTTP, receive_buffer=4096) as connection:
            fetch_pattern(connection, 4 * MIB)

    def test_a_reader_that_pauses_gets_everything(self):
        before = self.tern.count("zero_window_probes")
        with self.net.connect(HTTP, receive_buffer=16384) as connection:
            connection.sendall(request(f"/bytes/{MIB}"))
            self.tern.expect_count("zero_window_probes", before + 1)
            response = Response(connection)
        self.assertEqual(response.body, bytes(pattern(0, MIB)))

    def test_small_writes_are_echoed_in_order(self):
        with self.net.connect(ECHO) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            data = random.Random(2).randbytes(20000)
            for at in range(0, len(data), 7):
                connection.sendall(data[at:at + 7])
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(connection), data)

    def test_curl_and_the_kernel_without_options_still_agree(self):
        for name in ("tcp_timestamps", "tcp_sack", "tcp_window_scaling"):
            with self.subTest(off=name):
                self.net.run("sysctl", "-w", f"net.ipv4.{name}=0")
                try:
                    with self.net.connect(HTTP) as connection:
                        fetch_pattern(connection, 8 * MIB)
                    with self.net.connect(ECHO) as connection:
                        self.assertEqual(*echo_through(connection, 8 * MIB, seed=3))
                finally:
                    self.net.run("sysctl", "-w", f"net.ipv4.{name}=1")


def drop(net, chain):
    net.run("iptables", "-A", chain, "-p", "tcp", "-m", "statistic", "--mode", "random", "--probability", "0.02",
            "-j", "DROP")


class Loss(PeerCase):
    """2 % of the packets vanish in each direction."""

    echoed, fetched = 16 * MIB, 16 * MIB

    @classmethod
    def start(cls):
        super().start()
        # Without this the kernel drops 64 KiB at a time, before it cuts them into segments.
        cls.net.run("ip", "link", "set", cls.net.tap, "gso_max_segs", "1")
        drop(cls.net, "INPUT")
        drop(cls.net, "OUTPUT")

    def test_echo_through_loss_agrees(self):
        before = self.tern.count("retransmissions")
        with self.net.connect(ECHO) as connection:
            self.assertEqual(*echo_through(connection, self.echoed, seed=4))
        self.assertGreater(self.tern.count("retransmissions"), before)

    def test_bytes_through_loss_arrive_whole(self):
        with self.net.connect(HTTP) as connection:
            fetch_pattern(connection, self.fetched)

    def test_connections_through_loss_all_work(self):
        for number in range(50):
            with self.net.connect(ECHO) as connection:
                self.assertEqual(*echo_through(connection, 5000, seed=number))


class RoutedLoss(Loss):
    """The client is behind a router, which loses 2 % each way: unlike the OUTPUT chain, it does so unseen by the sender."""

    echoed, fetched = 8 * MIB, 8 * MIB

    @classmethod
    def start(cls):
        cls.router = Net()
        cls.tern = Tern(cls.router, **cls.configuration)
        cls.net = Net("198.51.100.2/24")
        inner, outer = f"{cls.net.name}a", f"{cls.net.name}b"
        run("ip", "link", "add", inner, "netns", cls.net.name, "type", "veth", "peer", "name", outer, "netns",
            cls.router.name)
        cls.net.run("ip", "address", "add", cls.net.address, "dev", inner)
        cls.router.run("ip", "address", "add", "198.51.100.1/24", "dev", outer)
        for net, device in ((cls.net, inner), (cls.router, outer)):
            net.run("ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off", check=False)
            net.run("ip", "link", "set", device, "gso_max_segs", "1", "up")
        cls.net.run("ip", "route", "add", "default", "via", "198.51.100.1")
        cls.router.run("sysctl", "-w", "net.ipv4.ip_forward=1")
        # tern has no route to this network: it answers to where the frame came from.
        eventually("the router forwards", lambda: cls.net.run("ping", "-c", "1", "-W", "1", SERVER, check=False).returncode == 0)
        drop(cls.router, "FORWARD")

    @classmethod
    def discard(cls):
        super().discard()
        cls.router.close()
