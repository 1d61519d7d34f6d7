# SPDX-License-Identifier: BSD-3-Clause
"""A client behind a router whose link to it takes smaller packets than tern's."""

from harness import HTTP, Net, run
from peer_case import MIB, PeerCase, fetch_pattern

FAR, ROUTER = "198.51.100.2", "198.51.100.1"


class NarrowPath(PeerCase):
    @classmethod
    def start(cls):
        super().start()
        cls.far = Net()
        near_end, far_end = f"{cls.net.name}r", f"{cls.net.name}f"
        run("ip", "link", "add", near_end, "netns", cls.net.name, "mtu", 1500, "type", "veth",
            "peer", "name", far_end, "netns", cls.far.name, "mtu", 1500)
        for net, device, address in ((cls.net, near_end, ROUTER), (cls.far, far_end, FAR)):
            net.run("ip", "address", "add", f"{address}/24", "dev", device)
            net.run("ip", "link", "set", device, "up")
            # Packets as they are sent, not joined by offloads.
            net.run("ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off", check=False)
        cls.far.run("ip", "route", "add", "default", "via", ROUTER, "advmss", 1460)
        cls.net.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        cls.near_end, cls.far_end = near_end, far_end

    @classmethod
    def discard(cls):
        if (far := cls.__dict__.get("far")) is not None:
            far.close()
        super().discard()

    def setUp(self):
        super().setUp()
        self.net.run("ip", "link", "set", self.near_end, "mtu", 1500)
        self.far.run("ip", "link", "set", self.far_end, "mtu", 1500)

    def test_bulk_through_a_router_with_a_smaller_mtu_arrives_whole(self):
        lowered = self.tern.count("path_mtu_lowered")
        self.net.run("ip", "link", "set", self.near_end, "mtu", 1000)
        with self.far.connect(HTTP) as connection:
            fetch_pattern(connection, 16 * MIB)
        self.assertGreater(self.tern.count("path_mtu_lowered"), lowered)

    def test_bulk_through_a_black_hole_arrives_whole(self):
        # The far end of a veth drops what is larger than its MTU, and says nothing.
        probes = self.tern.count("mtu_probes")
        self.far.run("ip", "link", "set", self.far_end, "mtu", 1200)
        with self.far.connect(HTTP) as connection:
            fetch_pattern(connection, 4 * MIB)
        self.assertGreater(self.tern.count("mtu_probes"), probes)
