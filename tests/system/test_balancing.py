# SPDX-License-Identifier: BSD-3-Clause
"""tern as a load balancer in front of real servers."""

from collections import Counter

from backends import Haproxy, Host, Nginx, pool, proxy
from harness import SERVER, eventually
from peer_case import PeerCase, Response, request

FRONT, V1, V2, DIRECT = 8080, 8081, 8082, 8083
CHECKS = {"check_interval_ms": 200, "check_timeout_ms": 200, "check_rise": 1, "check_fall": 1}
ADDRESSES = {name: f"192.0.2.{number}" for name, number in (("a", 11), ("b", 12), ("c", 13), ("h", 14))}
HAND = "192.0.2.15"  # where tests play the server
HAND_PORT = 9000


class Balancing(PeerCase):
    more = (
        pool("web", [(name, ADDRESSES[name], 80) for name in "abc"], check="http", check_path="/name", **CHECKS) +
        pool("v1", [("a", ADDRESSES["a"], 81), ("h", ADDRESSES["h"], 81)], send_proxy="v1", **CHECKS) +
        pool("v2", [("a", ADDRESSES["a"], 81), ("h", ADDRESSES["h"], 81)], send_proxy="v2",
             proxy_options=["crc32c", "unique-id"], **CHECKS) +
        pool("hand", [("hand", HAND, HAND_PORT)], check="none", eject_after=0) +
        proxy("front", f"{SERVER}:{FRONT}", "web") + proxy("v1", f"{SERVER}:{V1}", "v1") +
        proxy("v2", f"{SERVER}:{V2}", "v2") + proxy("direct", f"{SERVER}:{DIRECT}", "hand"))
    configuration = {"more": more}

    @classmethod
    def start(cls):
        super().start()
        hosts = {name: Host(cls.net, int(address.split(".")[-1])) for name, address in ADDRESSES.items()}
        cls.hand = Host(cls.net, 15)
        cls.web = {name: Nginx(hosts[name], 80, name).start() for name in "abc"}
        cls.told = [Nginx(hosts["a"], 81, "a", proxy_protocol=True).start(), Haproxy(hosts["h"], 81).start()]
        eventually(lambda: f"all backends are UP: {cls.tern.telemetry('/tern/pools')}",
                   lambda: all(state == "UP" for state in cls.states().values()))

    @classmethod
    def states(cls):
        """{'web/a': 'UP', ...}"""
        return {name: backend["state"] for name, backend in cls.tern.telemetry("/tern/pools").items()}

    @classmethod
    def discard(cls):
        for server in [*cls.__dict__.get("web", {}).values(), *cls.__dict__.get("told", [])]:
            server.close()
        super().discard()

    def ask(self, port, path):
        with self.net.connect(port) as connection:
            connection.sendall(request(path, "Connection: close"))
            return Response(connection).body

    def test_each_backend_gets_its_turn(self):
        names = Counter(self.ask(FRONT, "/name").decode() for _ in range(30))
        self.assertEqual(names, {"a": 10, "b": 10, "c": 10})

    def test_servers_learn_the_client_from_proxy_headers(self):
        for port in (V1, V2):
            for _ in range(2):
                with self.net.connect(port) as connection:
                    mine = "%s:%d" % connection.getsockname()
                    connection.sendall(request("/client", "Connection: close"))
                    self.assertEqual(Response(connection).body.decode().split(" ")[0], mine)
