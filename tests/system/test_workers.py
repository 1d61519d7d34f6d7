# SPDX-License-Identifier: BSD-3-Clause
"""Two workers behind one tap, whose queues get the frames that the kernel sees fit; and behind a memif, whose peer chooses."""

import re
import tempfile
import time
import unittest

from backends import Host, Nginx, pool, proxy
from harness import ECHO, HTTP, SERVER, Tern, receive_exactly
from peer_case import PeerCase, Response, request

FRONT = 8080
ADDRESSES = {"a": "192.0.2.11", "b": "192.0.2.12"}


class Workers(PeerCase):
    configuration = {
        "dataplane": {"workers": [0, 1]},
        "more": pool("web", [(name, address, 80) for name, address in ADDRESSES.items()], check="none") + proxy("front", f"{SERVER}:{FRONT}", "web"),
    }

    @classmethod
    def start(cls):
        super().start()
        cls.hosts = {name: Host(cls.net, int(address.split(".")[-1])) for name, address in ADDRESSES.items()}
        cls.web = [Nginx(cls.hosts[name], 80, name).start() for name in ADDRESSES]

    @classmethod
    def discard(cls):
        for server in cls.__dict__.get("web", []):
            server.close()
        super().discard()

    def test_answers_of_backends_reach_the_worker_that_asked(self):
        handed = self.tern.count("frames_handed_on")
        before = [self.tern.count(name) for name in ("connect_timeouts", "refused_retries")]
        printed = self.net.run("wrk", "-t", "1", "-c", "40", "-d", "2", "-H", "Connection: close", f"http://{SERVER}:{FRONT}/name").stdout
        requests = int(re.search(r"(\d+) requests in", printed)[1])
        self.assertGreater(requests, 500, printed)
        self.assertNotIn("Socket errors", printed)
        self.assertNotIn("Non-2xx", printed)
        self.assertGreater(self.tern.count("frames_handed_on"), handed + requests // 4)  # about half of all answers' frames
        self.assertEqual([self.tern.count(name) for name in ("connect_timeouts", "refused_retries")], before)

    def test_connections_that_were_idle_are_found_again(self):
        """The tap forgets after three seconds which queue a flow was sent from."""
        connections = [self.net.connect(port) for port in (FRONT, HTTP, ECHO) for _ in range(8)]
        for _ in range(2):
            for number, connection in enumerate(connections):
                if number < 16:
                    connection.sendall(request("/name" if number < 8 else "/"))
                    self.assertEqual(Response(connection).status, 200)
                else:
                    connection.sendall(b"echo")
                    self.assertEqual(receive_exactly(connection, 4), b"echo")
            time.sleep(4)
        for connection in connections:
            connection.close()


class PeersChoice(unittest.TestCase):
    def test_it_is_warned_of_that_nothing_keeps_connections_together(self):
        for workers in ([0], [0, 1]):
            with tempfile.TemporaryDirectory(prefix="tern-memif-") as folder, \
                    Tern(memif=f"{folder}/memif.sock", dataplane={"workers": workers}) as tern:
                self.assertEqual("which of 2 workers a frame comes to" in tern.output, len(workers) == 2, tern.output)
