# SPDX-License-Identifier: BSD-3-Clause
"""Fast Open (RFC 7413) with Linux as the client: its text stands in the SYN and is served in one round trip."""

import socket
import struct

from harness import ECHO, HTTP, PATIENCE, SERVER, receive_all, receive_exactly
from peer_case import PeerCase, Response, request

MSG_FASTOPEN = 0x20000000
TCPI_OPTIONS = 5  # where tcp_info has them
TCPI_OPT_SYN_DATA = 32


def open_with(net, text, port):
    """A connection whose first text goes the way of MSG_FASTOPEN."""
    connection = net.socket()
    connection.setblocking(True)  # else a first connection, without a cookie, takes no text at all
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(PATIENCE), 0))
    sent = connection.sendto(text, MSG_FASTOPEN, (SERVER, port))
    assert sent == len(text), sent
    connection.settimeout(PATIENCE)
    return connection


def text_stood_in_the_syn(connection):
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[TCPI_OPTIONS] & TCPI_OPT_SYN_DATA != 0


class FastOpen(PeerCase):
    configuration = {"tcp": {"fast_open": True}}

    def setUp(self):
        super().setUp()
        self.net.run("sysctl", "-q", "-w", "net.ipv4.tcp_fastopen=1", "net.ipv4.tcp_fastopen_blackhole_timeout_sec=0")
        self.net.run("ip", "tcp_metrics", "flush", "all", check=False)

    def active_opens(self):
        counted = self.net.run("nstat", "-a", "-z", "-s", "TcpExtTCPFastOpenActive").stdout.split()
        return int(counted[counted.index("TcpExtTCPFastOpenActive") + 1])

    def test_the_second_connection_is_served_by_the_text_of_its_syn(self):
        opened, given = self.tern.count("fast_opens"), self.tern.count("fast_open_cookies_sent")
        accepted = self.active_opens()
        with open_with(self.net, b"first", ECHO) as connection:
            self.assertEqual(receive_exactly(connection, 5), b"first")
            self.assertFalse(text_stood_in_the_syn(connection))
        self.tern.expect_count("fast_open_cookies_sent", given + 1)
        for number in range(20):
            text = b"number %02d" % number
            with open_with(self.net, text, ECHO) as connection:
                self.assertTrue(text_stood_in_the_syn(connection))
                self.assertEqual(receive_exactly(connection, len(text)), text)
                connection.shutdown(socket.SHUT_WR)
                self.assertEqual(receive_all(connection), b"")
        self.tern.expect_count("fast_opens", opened + 20)
        self.assertEqual(self.active_opens(), accepted + 20)
        self.assertEqual(self.tern.count("fast_open_cookies_sent"), given + 1)
        self.expect_no_connections()

    def test_a_request_in_the_syn_gets_its_page(self):
        open_with(self.net, request("/", "Connection: close"), HTTP).close()
        with open_with(self.net, request("/bytes/300000", "Connection: close"), HTTP) as connection:
            self.assertTrue(text_stood_in_the_syn(connection))
            response = Response(connection)
            self.assertEqual(response.status, 200)
            self.assertEqual(len(response.body), 300000)
        self.expect_no_connections()

    def test_text_beyond_one_segment_follows_the_syn(self):
        text = bytes(range(256)) * 200
        open_with(self.net, b"x", ECHO).close()
        with open_with(self.net, text, ECHO) as connection:
            self.assertTrue(text_stood_in_the_syn(connection))
            self.assertEqual(receive_exactly(connection, len(text)), text)


class FastOpenOff(PeerCase):
    def test_text_follows_the_handshake(self):
        self.net.run("sysctl", "-q", "-w", "net.ipv4.tcp_fastopen=1")
        for _ in range(3):
            with open_with(self.net, b"hello", ECHO) as connection:
                self.assertFalse(text_stood_in_the_syn(connection))
                self.assertEqual(receive_exactly(connection, 5), b"hello")
        self.assertEqual(self.tern.count("fast_opens"), 0)
        self.assertEqual(self.tern.count("fast_open_cookies_sent"), 0)
