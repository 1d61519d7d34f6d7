# SPDX-License-Identifier: BSD-3-Clause
"""Connections: many of them, and every way in which one ends."""

import hashlib
import random
import selectors
import socket
import subprocess
import tempfile
import time

from harness import DISCARD, ECHO, HTTP, PATIENCE, SERVER, abort, eventually, receive_all
from peer_case import PeerCase, Response, get, request
from raw_frames import ACK, FIN, segment_of


class Many(PeerCase):
    def test_10000_connections_one_after_the_other_lose_nothing(self):
        accepted = self.tern.count("connections_accepted")
        with self.net.inside():
            for number in range(10000):
                text = b"connection %d" % number
                with socket.create_connection((SERVER, ECHO), PATIENCE) as connection:
                    connection.sendall(text)
                    connection.shutdown(socket.SHUT_WR)
                    self.assertEqual(receive_all(connection), text)
        self.assertEqual(self.tern.count("connections_accepted"), accepted + 10000)
        self.expect_no_connections()

    def test_1000_connections_at_once_lose_nothing(self):
        size = 20000
        with selectors.DefaultSelector() as selector:
            clients = [self._begin(selector, number, size) for number in range(1000)]
            deadline = time.monotonic() + 60
            while selector.get_map():
                self.assertLess(time.monotonic(), deadline, f"{len(selector.get_map())} connections got stuck")
                for key, events in selector.select(1):
                    self._go_on(selector, key, events)
        for client in clients:
            self.assertEqual(client["received"].digest(), client["hash"])
        self.expect_no_connections()

    def _begin(self, selector, number, size):
        data = random.Random(number).randbytes(size)
        client = {"left": memoryview(data), "hash": hashlib.sha256(data).digest(), "received": hashlib.sha256()}
        connection = self.net.socket()
        connection.setblocking(False)
        connection.connect_ex((SERVER, ECHO))
        selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
        return client

    def _go_on(self, selector, key, events):
        connection, client = key.fileobj, key.data
        if events & selectors.EVENT_WRITE:
            client["left"] = client["left"][connection.send(client["left"]):]
            if not client["left"]:
                connection.shutdown(socket.SHUT_WR)
                selector.modify(connection, selectors.EVENT_READ, client)
        if events & selectors.EVENT_READ:
            part = connection.recv(65536)
            client["received"].update(part)
            if not part:
                selector.unregister(connection)
                connection.close()


class Ending(PeerCase):
    def setUp(self):
        super().setUp()
        self.expect_no_connections()

    def test_nc_half_closes_and_gets_the_echo(self):
        with tempfile.TemporaryFile() as sent:
            sent.write(random.Random(5).randbytes(3000000))
            sent.seek(0)
            done = self.net.run("nc", "-N", SERVER, ECHO, stdin=sent, text=False)
            sent.seek(0)
            self.assertEqual(done.stdout, sent.read())

    def test_the_client_closing_first_leaves_nothing_on_the_server(self):
        closed = self.tern.count("connections_closed")
        with self.net.connect(ECHO) as connection:
            connection.sendall(b"x")
            self.assertEqual(connection.recv(1), b"x")
        self.tern.expect_count("connections_closed", closed + 1)
        self.expect_no_connections()

    def test_a_capture_shows_the_fin_with_the_last_ack(self):
        with self.net.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as capture:  # ETH_P_ALL
            capture.bind((self.net.tap, 0))
            with self.net.connect(ECHO) as client:
                ports = (client.getsockname()[1], ECHO)
                client.sendall(b"hello")
                self.assertEqual(client.recv(5), b"hello")
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(client.recv(1), b"")
            segments = []  # from the client's FIN to the last that answers it
            while not segments or segments[-1]["ports"] == ports or not segments[-1]["flags"] & FIN:
                segment = segment_of(capture.recv(65536))
                if segment and sorted(segment["ports"]) == sorted(ports) and (segments or segment["flags"] & FIN):
                    segments.append(segment)
        first, last = segments
        self.assertEqual((first["ports"], last["ports"]), (ports, ports[::-1]))
        self.assertEqual(last["flags"], FIN | ACK)
        self.assertEqual(last["ack"], (first["seq"] + 1) & 0xffffffff)

    def test_the_server_closing_first_waits_in_time_wait_for_twice_the_msl(self):
        response = get(self.net, "/", "Connection: close")
        self.assertEqual(response.status, 200)
        with self.net.connect(HTTP) as connection:
            connection.sendall(request("/", "Connection: close"))
            Response(connection)
            self.assertEqual(connection.recv(1), b"")
        eventually(lambda: f"TIME-WAIT; there are {self.tern.connections()}",
                   lambda: any("time_wait" in name.lower().replace("-", "_") and count
                               for name, count in self.tern.connections().items()))
        self.expect_no_connections()

    def test_both_closing_at_once_ends_well(self):
        for _ in range(50):
            with self.net.connect(HTTP) as connection:
                connection.sendall(request("/", "Connection: close"))
                connection.shutdown(socket.SHUT_WR)
                receive_all(connection)
        self.expect_no_connections()

    def test_a_reset_within_a_download_ends_the_connection(self):
        before = self.tern.count("connections_reset_by_peer")
        connection = self.net.connect(HTTP)
        connection.sendall(request("/bytes/1073741824"))
        self.assertEqual(Response(connection, whole_body=False).status, 200)
        for _ in range(16):
            connection.recv(65536)
        abort(connection)
        self.tern.expect_count("connections_reset_by_peer", before + 1)
        self.expect_no_connections()

    def test_a_reset_within_an_upload_ends_the_connection(self):
        before = self.tern.count("connections_reset_by_peer")
        connection = self.net.connect(DISCARD)
        for _ in range(64):
            connection.sendall(bytes(65536))
        abort(connection)
        self.tern.expect_count("connections_reset_by_peer", before + 1)
        self.expect_no_connections()

    def test_text_after_the_server_has_closed_is_answered_by_a_reset(self):
        before = self.tern.count("resets_sent")
        with self.net.connect(HTTP) as connection:
            connection.sendall(request("/", "Connection: close"))
            Response(connection)
            self.assertEqual(connection.recv(1), b"")
            connection.sendall(b"more")
            with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                deadline = time.monotonic() + PATIENCE
                while time.monotonic() < deadline:
                    connection.sendall(b"more")
                    time.sleep(0.05)
        self.tern.expect_count("resets_sent", before + 1)

    def test_closing_with_unread_data_resets_and_the_server_forgets(self):
        # The kernel answers the rest of the download by RST, since nobody reads it any more.
        connection = self.net.connect(HTTP)
        connection.sendall(request("/bytes/10000000"))
        connection.recv(1000)
        connection.close()
        self.expect_no_connections()

    def test_a_client_that_is_killed_leaves_nothing(self):
        with self.net.inside():
            client = subprocess.Popen(["curl", "--silent", "--output", "/dev/null", "--limit-rate", "1M",
                                       f"http://{SERVER}/bytes/1073741824"])
        eventually("a connection", lambda: any(self.tern.connections().values()))
        client.kill()
        client.wait()
        self.expect_no_connections()

    def test_an_empty_connection_ends_well(self):
        for port in (ECHO, DISCARD, HTTP):
            self.net.connect(port).close()
        self.expect_no_connections()
