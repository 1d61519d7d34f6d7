# SPDX-License-Identifier: BSD-3-Clause
"""tern as a load balancer whose connections to backends follow other TCP settings than those of its clients."""

import socket

from backends import Host, pool, proxy
from harness import SERVER, eventually, receive_exactly
from peer_case import PeerCase

FRONT, BACK = 8080, 9000
MSS = 1000  # of text and options, toward the backend


class BalancingWithItsOwnTcp(PeerCase):
    configuration = {"more":
        pool("own", [("hand", "192.0.2.15", BACK)], check="none", congestion="bbr", mss=MSS, keep_alive=True, keep_alive_idle_s=1) +
        proxy("front", f"{SERVER}:{FRONT}", "own", congestion="newreno")}

    @classmethod
    def start(cls):
        super().start()
        cls.hand = Host(cls.net, 15)

    def flow_of(self, end):
        """What tern says of its side of a connection, whose other end is ours."""
        address, port = end.getsockname()
        return self.tern.telemetry(f"/tern/flows,remote={address}:{port},state=ESTABLISHED")

    def test_backends_and_clients_have_each_their_own_settings(self):
        with self.hand.listen(BACK) as listener:
            client = self.net.connect(FRONT)
            server, _ = listener.accept()
        server.settimeout(client.gettimeout())
        with client, server:
            for one, other in ((client, server), (server, client)):
                one.sendall(bytes(5000))
                receive_exactly(other, 5000)
            found = {}
            for name, end in (("client", client), ("server", server)):
                flows = [flow for flow in self.flow_of(end).values() if isinstance(flow, dict)]
                self.assertEqual(len(flows), 1, flows)
                found[name] = flows[0]["service"], flows[0]["congestion"], flows[0]["advertised_mss"]
                told = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)  # less the timestamps
                self.assertEqual(told, flows[0]["advertised_mss"] - 12)
            self.assertEqual(found, {"client": ("front", "newreno", 1460), "server": ("front", "bbr", MSS)})
            probes = self.tern.count("keep_alive_probes")
            eventually("the silent backend is asked", lambda: self.tern.count("keep_alive_probes") > probes)
        self.expect_no_connections()
