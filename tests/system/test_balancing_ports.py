# SPDX-License-Identifier: BSD-3-Clause
"""tern as a load balancer between two networks: clients come by one port, and backends are reached by another."""

import socket

from backends import pool, proxy
from harness import CLIENT, SERVER, Net, abort, eventually, receive_all, unique_name
from peer_case import MIB, PeerCase, pattern
from test_balancing_scale import digest_of, exchange

FRONT, BACK = 8080, 9000
INSIDE, BACKEND = "198.51.100.2", "198.51.100.1"  # tern's address on the backends' network, and theirs


class TwoPorts(PeerCase):
    tap = unique_name()
    configuration = {"more":
        f'[[port]]\ndevice = "net_tap1"\nargs = "iface={tap}"\naddresses = ["{INSIDE}/24"]\n' +
        pool("inside", [("one", BACKEND, BACK)], check_interval_ms=200, check_timeout_ms=200, send_proxy="v1") +
        proxy("front", f"{SERVER}:{FRONT}", "inside")}

    @classmethod
    def start(cls):
        cls.inside = Net(f"{BACKEND}/24")
        super().start()
        cls.inside.adopt(cls.tap)

    @classmethod
    def discard(cls):
        super().discard()
        if (inside := cls.__dict__.get("inside")) is not None:
            inside.close()

    def joined(self, listener):
        """A client of one network and the server of the other that it was joined with, the PROXY header read."""
        client = self.net.connect(FRONT)
        expected = "PROXY TCP4 %s %s %d %d\r\n" % (CLIENT, SERVER, client.getsockname()[1], FRONT)
        while True:
            server, peer = listener.accept()
            server.settimeout(client.gettimeout())
            self.assertEqual(peer[0], INSIDE)
            said = server.recv(len(expected))
            if said == expected.encode():
                return client, server
            self.assertTrue(said.startswith(b"PROXY UNKNOWN"), said)  # a check
            server.close()

    def listen(self):
        with self.inside.inside():
            listener = socket.create_server((BACKEND, BACK))
        self.addCleanup(listener.close)
        eventually("the backend is UP", lambda: self.tern.telemetry("/tern/pools")["inside/one"]["state"] == "UP")
        return listener

    def test_text_and_ends_pass_from_one_network_to_the_other(self):
        client, server = self.joined(self.listen())
        with client, server:
            found = exchange(client, server, 16 * MIB)
        expected = digest_of(16 * MIB)
        self.assertEqual(found, {"client": expected, "server": expected})
        self.expect_no_connections()

    def test_resets_pass_from_one_network_to_the_other(self):
        listener = self.listen()
        for first, second in ((0, 1), (1, 0)):
            ends = self.joined(listener)
            with ends[0], ends[1]:
                abort(ends[first])
                with self.assertRaises(ConnectionResetError):
                    receive_all(ends[second])
        self.expect_no_connections()
