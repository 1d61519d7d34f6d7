# SPDX-License-Identifier: BSD-3-Clause
"""One queue for two senders: tern and a Linux kernel behind a router, whose way to the client is slow.

    with Bottleneck(rate=20, queue=100_000) as link:
        shares = link.share([TERN, LINUX], seconds=10)

The router is a namespace that forwards; its egress to the client has a rate (tbf) and a drop-tail queue in bytes. Each sender has a
link of its own to the router, without a limit and without offloads, so that what waits in the queue are frames of an MTU.
"""

import json
import selectors
import socket
import threading
import time
from contextlib import ExitStack

import harness
from harness import CHARGEN, SERVER, Net, Tern, run, unique_name

CLIENT, TOWARD_CLIENT = "198.51.100.2", "198.51.100.1"
LINUX_SERVER, TOWARD_LINUX = "192.0.3.2", "192.0.3.1"
TERN, LINUX = (SERVER, CHARGEN), (LINUX_SERVER, 5001)
BURST = 5000  # bytes, three frames: what leaves at once where the router's timer was late


class LinuxServer:
    """Sends without end to whoever connects, by a congestion control."""

    def __init__(self, net, congestion):
        with net.inside():
            self.socket = socket.create_server(LINUX, backlog=8)
        # For this socket and by root: tcp_allowed_congestion_control need not name it.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                peer = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._send, args=[peer], daemon=True).start()

    @staticmethod
    def _send(peer):
        text = bytes(1 << 18)
        try:
            while True:
                peer.sendall(text)
        except OSError:
            peer.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def veth(near_net, far_net):
    """A wire: its two ends, the second in far_net."""
    near, far = unique_name(), unique_name()
    run("ip", "link", "add", near, "netns", near_net.name, "type", "veth", "peer", "name", far, "netns", far_net.name)
    for end, where in ((near, near_net), (far, far_net)):
        where.run("ethtool", "-K", end, "tso", "off", "gso", "off", "gro", "off")
    return near, far


class Bottleneck:
    """The three namespaces, tern and the Linux server, for as long as the block lasts.

    rate: Mbit/s; queue: bytes; tern, linux: their congestion controls; wire(router, client): makes the way between these two, and
    names its ends; keys: further ones of tern's.
    """

    def __init__(self, rate, queue, tern="cubic", linux="cubic", wire=veth, tcp=None, **keys):
        with ExitStack() as made:
            self.router = made.enter_context(Net(f"{harness.CLIENT}/24"))
            self.client = made.enter_context(Net())
            self.server = made.enter_context(Net())
            tcp = {"congestion": tern, "send_buffer_kib": 8192} | (tcp or {})
            # tern has no route to the client: it answers to where a frame came from.
            self.tern = made.enter_context(Tern(self.router, tcp=tcp, **keys))
            self.egress, ingress = wire(self.router, self.client)
            to_linux, from_linux = veth(self.router, self.server)
            for net, device, address in ((self.router, self.egress, TOWARD_CLIENT), (self.client, ingress, CLIENT),
                                         (self.router, to_linux, TOWARD_LINUX), (self.server, from_linux, LINUX_SERVER)):
                net.run("ip", "address", "add", f"{address}/24", "dev", device)
                net.run("ip", "link", "set", device, "up")
            self.client.run("ip", "route", "add", "default", "via", TOWARD_CLIENT)
            self.server.run("ip", "route", "add", "default", "via", TOWARD_LINUX)
            self.router.run("tc", "qdisc", "add", "dev", self.egress, "root", "tbf", "rate", f"{rate}mbit", "burst", BURST,
                            "limit", queue)
            self.router.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
            self.client.run("sysctl", "-q", "-w", "net.ipv4.tcp_rmem=4096 1048576 16777216")
            self.server.run("sysctl", "-q", "-w", "net.ipv4.tcp_wmem=4096 65536 16777216", "net.ipv4.tcp_no_metrics_save=1")
            made.enter_context(LinuxServer(self.server, linux))
            for address in (SERVER, LINUX_SERVER):  # no neighbour is unknown when it counts
                self.client.run("ping", "-c", "2", "-i", "0.2", address)
            self._made = made.pop_all()

    def share(self, senders, seconds, every=0.1):
        """Connects to all of them at once, in this order, and reads from each what comes.

        Returns samples, one after each `every` seconds: a list of what each has sent since its connect, in bytes.
        """
        with ExitStack() as open_ones, selectors.DefaultSelector() as selector:
            for index, sender in enumerate(senders):
                peer = open_ones.enter_context(self.client.socket())
                open_ones.callback(harness.abort, peer)  # what still waits is of no use
                peer.setblocking(False)
                peer.connect_ex(sender)
                selector.register(peer, selectors.EVENT_READ, index)
            began, received, samples = time.monotonic(), [0] * len(senders), []
            room = bytearray(1 << 18)
            while len(samples) < seconds / every:
                for key, _ in selector.select(every):
                    count = key.fileobj.recv_into(room)
                    assert count, f"{senders[key.data]} ended"
                    received[key.data] += count
                if time.monotonic() >= began + every * (len(samples) + 1):
                    samples.append(list(received))
            return samples

    def dropped(self):
        """Frames that found no room in the queue."""
        (qdisc,) = json.loads(self.router.run("tc", "-json", "-s", "qdisc", "show", "dev", self.egress, "root").stdout)
        return qdisc["drops"]

    def close(self):
        self._made.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def jain(amounts):
    """Jain's index of fairness: 1 for equal amounts, 1/n where one has all."""
    return sum(amounts) ** 2 / (len(amounts) * sum(amount**2 for amount in amounts))
