# SPDX-License-Identifier: BSD-3-Clause
"""Running out: refused gracefully, counted, and served again when the load goes."""

import socket

from harness import CHARGEN, CLIENT, ECHO, HTTP, PATIENCE, SERVER, abort, eventually, receive_exactly, sequence_numbers
from peer_case import PeerCase, get, request
from raw_frames import ACK, PSH, ethernet, ipv4, tcp


def is_served(connection):
    """Whether the echo service answers on this connection."""
    try:
        connection.settimeout(2)
        connection.sendall(b"x")
        return connection.recv(1) == b"x"
    except (TimeoutError, ConnectionResetError, BrokenPipeError):
        return False


class Connections(PeerCase):
    most = 64
    configuration = {"dataplane": {"max_connections": most}}

    def open(self, count):
        clients = []
        for _ in range(count):
            try:
                clients.append(self.net.connect(ECHO))
            except OSError:
                pass  # refused while it connects, which is as good as refused afterwards
        return clients

    def test_more_clients_than_the_table_holds_are_refused_counted_and_later_served(self):
        for attempt in range(3):
            with self.subTest(attempt=attempt):
                refused = self.tern.count("connections_refused_full")
                clients = self.open(self.most + 36)
                try:
                    served = sum(map(is_served, clients))
                    self.assertLessEqual(served, self.most)
                    self.assertGreaterEqual(served, self.most - 4)
                    self.tern.expect_count("connections_refused_full", refused + 36)
                    # Those that are in stay in.
                    self.assertEqual(sum(map(is_served, clients)), served)
                finally:
                    for client in clients:
                        client.close()
                self.expect_no_connections()

    def test_one_that_leaves_makes_room_for_one(self):
        clients = self.open(self.most)
        try:
            self.assertTrue(is_served(clients[0]))
            clients.pop(0).close()
            eventually("room", lambda: sum(self.tern.connections().values()) < 2 * self.most)
            clients.append(eventually("the next client is served", self._next_client))
        finally:
            for client in clients:
                client.close()
        self.expect_no_connections()

    def _next_client(self):
        client = self.net.connect(ECHO)
        if is_served(client):
            return client
        client.close()
        return None


class AcceptQueue(PeerCase):
    """A service that serves two at a time, and a kernel's clients that wait for their turn."""

    configuration = {"tcp": {"max_connections": 2, "accept_backlog": 3, "cookies": "when-full"}}

    def gauges(self):
        return self.tern.telemetry("/tern/services")["echo"]

    def expect_gauges(self, **wanted):
        eventually(lambda: f"{wanted}, it is {self.gauges()}", lambda: self.gauges() == wanted)

    def test_clients_beyond_the_limit_wait_established_and_are_served_in_turn(self):
        clients = [self.net.connect(ECHO) for _ in range(5)]
        try:
            for number, client in enumerate(clients):
                client.sendall(b"client %d" % number)
            self.expect_gauges(half_open=0, waiting=3, served=2)
            for number in range(5):
                self.assertEqual(clients[number].recv(100), b"client %d" % number)
                clients[number].close()
        finally:
            for client in clients:
                client.close()
        self.expect_no_connections()
        self.expect_gauges(half_open=0, waiting=0, served=0)

    def test_clients_that_give_up_while_they_wait_leave_the_queue(self):
        clients = [self.net.connect(ECHO) for _ in range(5)]
        try:
            self.expect_gauges(half_open=0, waiting=3, served=2)
            abort(clients.pop(2))
            self.expect_gauges(half_open=0, waiting=2, served=2)
            clients.pop(0).close()
            self.expect_gauges(half_open=0, waiting=1, served=2)
        finally:
            for client in clients:
                abort(client)
        self.expect_no_connections()

    def test_a_client_that_finds_the_queue_full_comes_in_later_by_its_retries(self):
        clients = [self.net.connect(ECHO) for _ in range(5)]
        try:
            overflows = self.tern.count("accept_overflows")
            late = self.net.socket()
            late.setblocking(False)
            late.connect_ex((SERVER, ECHO))
            self.tern.expect_count("accept_overflows", overflows + 1)
            clients.pop(0).close()
            late.settimeout(PATIENCE)
            clients.append(late)
            for client in clients[:3]:
                self.assertTrue(is_served(client))
                client.close()
            late.sendall(b"late")
            self.assertEqual(late.recv(100), b"late")
        finally:
            for client in clients:
                client.close()
        self.expect_no_connections()


class Buffers(PeerCase):
    """The fewest buffers there may be, and clients that pin as many as they can."""

    configuration = {"dataplane": {"buffers": 4096, "max_connections": 1000}}

    def test_many_clients_that_do_not_read_are_survived(self):
        clients = []
        try:
            for number in range(200):
                try:
                    client = self.net.connect(CHARGEN if number % 2 else HTTP, receive_buffer=4096)
                except OSError:
                    continue  # refused for want of buffers
                clients.append(client)
                if number % 2 == 0:
                    client.sendall(request("/bytes/1073741824"))
            self.assertGreater(len(clients), 0)
            self.assertTrue(self.tern.is_running())
            self.net.run("ping", "-c", "3", "-i", "0.3", "-W", "5", SERVER, check=False)
        finally:
            for client in clients:
                abort(client)
        self.expect_served_again()

    def test_many_clients_that_send_what_the_server_cannot_echo_are_survived(self):
        clients = []
        try:
            for _ in range(100):
                try:
                    client = self.net.connect(ECHO, receive_buffer=4096)
                except OSError:
                    continue
                clients.append(client)
                client.setblocking(False)
                try:
                    while client.send(bytes(65536)):
                        pass
                except OSError:
                    pass  # both windows are full, or the connection was refused
            self.assertGreater(len(clients), 0)
        finally:
            for client in clients:
                abort(client)
        self.expect_served_again()

    def test_many_holes_pin_no_more_than_may_be(self):
        # CVE-2018-5390: segments of one byte, with a hole before each, wait for reassembly; then one segment fills all holes.
        self.net.run("sysctl", "-w", "net.ipv4.tcp_timestamps=0")  # segments made by hand carry none
        text, clients = b"x" * 1400, []
        kept = self.tern.count("text_out_of_order")
        try:
            for _ in range(20):
                clients.append(client := self.net.connect(ECHO))
                self.send_with_holes(client, text)
            self.assertGreater(self.tern.count("text_out_of_order"), kept)
            for client in clients:
                client.sendall(text)
                self.assertEqual(receive_exactly(client, len(text)), text)
        finally:
            self.net.run("sysctl", "-w", "net.ipv4.tcp_timestamps=1")
            for client in clients:
                abort(client)
        self.expect_served_again()

    def send_with_holes(self, client, text):
        """Every other byte of text, each as a segment of its own, behind the kernel's back."""
        port, (seq, ack) = client.getsockname()[1], sequence_numbers(client)
        to, sender = self.net.mac(), self.net.client_mac()
        with self.net.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((self.net.tap, 0))
            for at in range(2, len(text), 2):
                segment = tcp(CLIENT, SERVER, (port, ECHO), PSH | ACK, (seq + at) % 2**32, ack, payload=text[at:at + 1])
                raw.send(ethernet(to, sender, ipv4(CLIENT, SERVER, segment)))

    def expect_served_again(self):
        self.expect_no_connections()
        for _ in range(20):
            self.assertEqual(len(get(self.net, "/bytes/100000").body), 100000)
        self.expect_no_connections()
