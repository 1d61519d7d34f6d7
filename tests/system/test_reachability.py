# SPDX-License-Identifier: BSD-3-Clause
"""What a host does below TCP: ARP, ICMP echo, and the refusal of what nobody serves."""

import socket

from harness import CLOSED, ECHO, SERVER, abort
from peer_case import PeerCase


class Reachability(PeerCase):
    def test_ping_is_answered(self):
        done = self.net.run("ping", "-c", "3", "-i", "0.2", "-W", "5", SERVER)
        self.assertIn(" 3 received", done.stdout)

    def test_a_ping_as_long_as_a_frame_is_answered_with_its_bytes(self):
        done = self.net.run("ping", "-c", "2", "-i", "0.2", "-W", "5", "-s", "1472", "-p", "a5", SERVER)
        self.assertIn(" 2 received", done.stdout)
        self.assertNotIn("wrong data byte", done.stdout)

    def test_arping_is_answered(self):
        done = self.net.run("arping", "-c", "2", "-w", "10", "-I", self.net.tap, SERVER)
        self.assertIn("Received 2 response", done.stdout, done.stdout + done.stderr)

    def test_an_address_of_nobody_is_not_answered(self):
        done = self.net.run("arping", "-c", "1", "-w", "1", "-I", self.net.tap, "192.0.2.77", check=False)
        self.assertIn("Received 0 response", done.stdout, done.stdout + done.stderr)

    def test_a_forgotten_neighbour_is_resolved_again(self):
        self.net.run("ip", "neighbour", "flush", "dev", self.net.tap)
        self.net.connect(ECHO).close()

    def test_connecting_to_a_closed_port_is_refused_at_once(self):
        before = self.tern.count("resets_sent")
        for _ in range(100):
            with self.net.socket() as client:
                # Below the second after which the kernel would send its SYN again.
                client.settimeout(0.9)
                self.assertRaises(ConnectionRefusedError, client.connect, (SERVER, CLOSED))
        self.tern.expect_count("resets_sent", before + 100)

    def test_a_client_that_lost_its_memory_may_connect_again_from_the_same_port(self):
        # The client forgets its side without a word: RFC 9293 section 3.5.1, half-open connections.
        client = self.net.connect(ECHO)
        port = client.getsockname()[1]
        self.net.run("iptables", "-I", "OUTPUT", "-p", "tcp", "--sport", port, "--tcp-flags", "RST", "RST", "-j", "DROP")
        try:
            abort(client)
        finally:
            self.net.run("iptables", "-D", "OUTPUT", "-p", "tcp", "--sport", port, "--tcp-flags", "RST", "RST", "-j", "DROP")
        with self.net.socket() as again:  # the old connection answers the SYN by an ACK, which meets a RST
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("", port))
            again.connect((SERVER, ECHO))
            again.sendall(b"hello")
            self.assertEqual(again.recv(5), b"hello")
