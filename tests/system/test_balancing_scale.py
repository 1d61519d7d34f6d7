# SPDX-License-Identifier: BSD-3-Clause
"""tern as a load balancer at the size and in the weather of real days: requests by the hundred thousand, bulk both ways, a thousand
slow readers, losses, and clients that are never heard of again.

TERN_REQUESTS is how many requests are made in new connections, and in kept ones, 100,000 unless told, and a fifth of them where backends
want PROXY headers; TERN_BULK_MIB is how much is sent each way, 1,024.
"""

import array
import fcntl
import hashlib
import os
import re
import resource
import selectors
import socket
import termios
import threading
import time

from backends import PAGE, pool, proxy
from harness import SERVER, Net, abort, eventually, receive_exactly, unique_name
from peer_case import pattern
from raw_frames import SYN, ethernet, ipv4, tcp
from test_balancing import ADDRESSES, DIRECT, FRONT, HAND_PORT, TOLD, BalancingCase

REQUESTS = int(os.environ.get("TERN_REQUESTS", "100000"))
BULK = int(os.environ.get("TERN_BULK_MIB", "1024")) << 20

SLOW, IDLE, FAR, MANY, MANY_V1, MANY_V2 = range(8100, 8106)
BUFFER_KIB = 16
FAR_CLIENT, FAR_SERVER, FAR_PORT = "192.0.2.50", "192.0.2.60", 9001

MORE = (
    proxy("slow", f"{SERVER}:{SLOW}", "hand", receive_buffer_kib=BUFFER_KIB, receive_buffer_initial_kib=BUFFER_KIB,
          send_buffer_kib=BUFFER_KIB) +
    proxy("idle", f"{SERVER}:{IDLE}", "hand", client_timeout_ms=1000, server_fin_timeout_ms=500) +
    pool("far", [("far", FAR_SERVER, FAR_PORT)], check="none", eject_after=0) +
    proxy("far", f"{SERVER}:{FAR}", "far") +
    # As before nginx, and before nginx and HAProxy, but with checks that bear with a machine at its limit.
    pool("many", [(name, ADDRESSES[name], 80) for name in "abc"]) + proxy("many", f"{SERVER}:{MANY}", "many") +
    "".join(pool(f"many-{version}", TOLD, send_proxy=version) + proxy(f"many-{version}", f"{SERVER}:{port}", f"many-{version}")
            for version, port in (("v1", MANY_V1), ("v2", MANY_V2))))

# Counts answers by whether they are what is expected, and ends wrk after so many by the signal that it takes for that.
WRK = """
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int, int);")
local wanted, expected, threads = %d, %s, {}
good, bad = 0, 0
function setup(thread) table.insert(threads, thread) end
function response(status, headers, body)
  if status == 200 and body == expected then good = good + 1 else bad = bad + 1 end
  if good + bad == wanted then ffi.C.kill(ffi.C.getpid(), 2) end
end
function done(summary)
  local errors = summary.errors
  print(string.format("good=%%d bad=%%d errors=%%d", threads[1]:get("good"), threads[1]:get("bad"),
                      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


def queued(connection, request):
    """Bytes in one of a socket's queues: FIONREAD for what is unread, TIOCOUTQ for what is unacknowledged."""
    found = array.array("i", [0])
    fcntl.ioctl(connection, request, found)
    return found[0]


def digest_of(size):
    digest = hashlib.sha256()
    for offset in range(0, size, 1 << 20):
        digest.update(pattern(offset, min(1 << 20, size - offset)))
    return digest.hexdigest()


def exchange(client, server, size, patience=300):
    """Sends size bytes each way at once, each end closing behind them; the digests of what came, by end."""
    found = {}

    def receive(which, end):
        digest, room = hashlib.sha256(), bytearray(1 << 20)
        while count := end.recv_into(room):
            digest.update(memoryview(room)[:count])
        found[which] = digest.hexdigest()

    def send(end):
        for offset in range(0, size, 1 << 20):
            end.sendall(pattern(offset, min(1 << 20, size - offset)))
        end.shutdown(socket.SHUT_WR)

    threads = [threading.Thread(target=target, args=arguments) for target, arguments in (
        (receive, ("client", client)), (receive, ("server", server)), (send, (client,)), (send, (server,)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience)
    return found


def vanish(connection):
    """Closes a socket of which the peer hears nothing (TCP_REPAIR)."""
    connection.setsockopt(socket.IPPROTO_TCP, 19, 1)
    connection.close()


class ScaleCase(BalancingCase):
    configuration = {"more": BalancingCase.configuration["more"] + MORE}

    @classmethod
    def start(cls):
        super().start()
        cls.expect_states({name: "UP" for name in cls.states()})


class Size(ScaleCase):
    WAYS = ((MANY, REQUESTS), (MANY_V1, REQUESTS // 5), (MANY_V2, REQUESTS // 5))

    def requests(self, header, port, wanted):
        """How many sessions so many requests took, none of which failed or had a wrong byte in its answer."""
        before = self.tern.count("sessions")
        script = self.tern.folder / "requests.lua"
        expected = '"' + "".join(f"\\{byte:03d}" for byte in PAGE) + '"'
        script.write_text(WRK % (wanted, expected))
        printed = self.net.run("wrk", "-t", "1", "-c", "50", "-d", "300", "-s", script, "-H", header,
                               f"http://{SERVER}:{port}/page", timeout=320).stdout
        good, bad, errors = map(int, re.search(r"good=(\d+) bad=(\d+) errors=(\d+)", printed).groups())
        seen = f"{printed}\n{self.tern.telemetry('/tern/pools')}\n{self.tern.telemetry('/tern/services')}"
        self.assertEqual((bad, errors), (0, 0), seen)
        self.assertGreaterEqual(good, wanted, seen)
        self.expect_no_connections()
        return self.tern.count("sessions") - before

    def test_many_requests_in_new_connections(self):
        for port, wanted in self.WAYS:
            with self.subTest(port=port):
                self.assertGreaterEqual(self.requests("Connection: close", port, wanted), wanted)

    def test_many_requests_in_kept_connections(self):
        for port, wanted in self.WAYS:
            with self.subTest(port=port):
                self.assertLessEqual(self.requests("Connection: keep-alive", port, wanted), 50 + wanted // 1000)

    def test_bulk_each_way_is_exact(self):
        client, server = self.joined()
        with client, server:
            found = exchange(client, server, BULK)
        expected = digest_of(BULK)
        self.assertEqual(found, {"client": expected, "server": expected})
        self.expect_no_connections()


class SlowReaders(ScaleCase):
    COUNT = 1000
    # A receive buffer of one side and a send buffer of the other, and what a segment overshoots.
    PER_CONNECTION = 2 * BUFFER_KIB * 1024 + 3000

    def test_a_thousand_take_no_more_memory_than_their_buffers(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 14, 1 << 14))
        listener = self.hand.listen(HAND_PORT, backlog=2000)
        clients, servers = [], {}
        with listener:
            for _ in range(self.COUNT):
                client = self.net.connect(SLOW, receive_buffer=4096)
                server, _ = listener.accept()
                client.sendall(len(clients).to_bytes(4, "big"))
                number = int.from_bytes(receive_exactly(server, 4), "big")
                server.setblocking(False)
                server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
                clients.append(client)
                servers[number] = server
        sent = self.fill(servers)
        held = [sent[i] - queued(servers[i], termios.TIOCOUTQ) - queued(clients[i], termios.FIONREAD) for i in servers]
        self.assertLessEqual(max(held), self.PER_CONNECTION)
        self.assertLessEqual(sum(held), self.COUNT * self.PER_CONNECTION)
        self.assertGreater(sum(held), self.COUNT * 8192, "they have been held up, or nothing was tested")
        self.assertEqual(self.tern.count("text_refused_memory"), 0, "their buffers are within the pool")
        # Nobody else is the worse for it, and nobody has lost anything.
        self.assertIn(self.ask(FRONT, "/name"), (b"a", b"b", b"c"))
        for number, server in servers.items():
            server.setblocking(True)
            server.shutdown(socket.SHUT_WR)
            received = 0
            while part := clients[number].recv(1 << 16):
                self.assertEqual(part, pattern(number + received, len(part)))
                received += len(part)
            self.assertEqual(received, sent[number])
            server.close()
            clients[number].close()
        self.expect_no_connections()

    def fill(self, servers):
        """Each server sends until it cannot; how much each has sent. Over when none has got on for a second."""
        sent = dict.fromkeys(servers, 0)
        with selectors.DefaultSelector() as selector:
            for number, server in servers.items():
                selector.register(server, selectors.EVENT_WRITE, number)
            while ready := selector.select(timeout=1):
                for key, _ in ready:
                    number = key.data
                    try:
                        sent[number] += key.fileobj.send(pattern(number + sent[number], 16384))
                    except BlockingIOError:
                        pass
        return sent


class Weather(ScaleCase):
    """Clients and servers that are at times not heard, or not heard of again."""

    @classmethod
    def start(cls):
        super().start()
        # Hosts behind a router of the tap's network, which answers for them there and loses what a test wants.
        cls.far = Net()
        here, there = unique_name(), unique_name()
        cls.net.run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", cls.far.name)
        cls.net.run("ip", "link", "set", here, "up")
        cls.far.run("ip", "link", "set", there, "up")
        for address in (FAR_CLIENT, FAR_SERVER):
            cls.far.run("ip", "address", "add", f"{address}/24", "dev", there)
            cls.net.run("ip", "route", "add", f"{address}/32", "dev", here)
        for setting in ("ip_forward=1", f"conf.{here}.proxy_arp=1", f"conf.{cls.net.tap}.proxy_arp=1",
                        f"conf.{here}.proxy_arp_pvlan=1", f"neigh.{here}.proxy_delay=0", f"neigh.{cls.net.tap}.proxy_delay=0"):
            cls.net.run("sysctl", "-q", "-w", f"net.ipv4.{setting}")
        cls.net.run("iptables", "-A", "FORWARD", "-p", "tcp", "-m", "statistic", "--mode", "random", "--probability", "0.02",
                    "-j", "DROP")

    @classmethod
    def discard(cls):
        if (far := cls.__dict__.get("far")) is not None:
            far.close()
        super().discard()

    def lost(self):
        listed = self.net.run("iptables", "-L", "FORWARD", "-v", "-x").stdout
        return int(re.search(r"^\s*(\d+).*DROP", listed, re.MULTILINE)[1])

    def connect_far(self, port):
        with self.far.inside():
            made = socket.socket()
        made.settimeout(60)
        made.bind((FAR_CLIENT, 0))
        made.connect((SERVER, port))
        return made

    def test_losses_on_the_clients_side(self):
        self.bulk_with_losses(DIRECT, self.connect_far, self.hand.listen(HAND_PORT))

    def test_losses_on_the_servers_side(self):
        with self.far.inside():
            listener = socket.create_server((FAR_SERVER, FAR_PORT))
        self.bulk_with_losses(FAR, self.net.connect, listener)

    def bulk_with_losses(self, port, connect, listener):
        size, before = 16 << 20, self.lost()
        with listener:
            client = connect(port)
            listener.settimeout(60)
            server, _ = listener.accept()
        with client, server:
            for end in (client, server):
                end.settimeout(60)
            found = exchange(client, server, size)
        expected = digest_of(size)
        self.assertEqual(found, {"client": expected, "server": expected})
        self.assertGreater(self.lost() - before, 20, "nothing was lost, so nothing was tested")
        self.expect_no_connections()

    def test_clients_that_vanish_are_not_waited_for(self):
        before = self.tern.count("client_timeouts")
        servers = []
        for _ in range(20):
            client, server = self.joined(IDLE)
            client.sendall(b"x")
            self.assertEqual(server.recv(1), b"x")
            vanish(client)
            servers.append(server)
        for server in servers:
            with server, self.assertRaises(ConnectionResetError):
                server.recv(1)
        self.assertEqual(self.tern.count("client_timeouts") - before, 20)
        self.expect_no_connections()

    def test_a_server_that_never_closes_is_not_waited_for(self):
        client, server = self.joined(IDLE)
        with client, server:
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(server.recv(1), b"")
            self.tern.expect_count("fin_timeouts", 1)
            with self.assertRaises(BrokenPipeError):  # what a reset is behind a FIN
                server.sendall(b"x")
        self.expect_no_connections()

    def test_half_open_clients_cost_no_backend(self):
        """SYNs whose third segment never comes: nothing is kept of them, and no backend hears of them."""
        sessions = self.tern.count("sessions")
        answered = self.tern.count("segments_sent")
        mac = self.net.mac()
        with self.net.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw, self.hand.listen(HAND_PORT) as listener:
            raw.bind((self.net.tap, 0))
            for port in range(10_000, 11_000):
                frame = ethernet(mac, self.net.client_mac() if port == 10_000 else own,
                                 ipv4("192.0.2.77", SERVER, tcp("192.0.2.77", SERVER, (port, DIRECT), SYN)))
                own = frame[6:12]
                raw.send(frame)
            self.tern.expect_count("segments_sent", answered + 1000)
            listener.settimeout(0)
            with self.assertRaises(BlockingIOError):
                listener.accept()
        self.assertEqual(self.tern.count("sessions"), sessions)
        self.expect_no_connections()

    def test_a_side_that_resets_amid_its_text(self):
        for first, second in ((0, 1), (1, 0)):
            ends = self.joined()
            with ends[0], ends[1]:
                ends[second].settimeout(20)
                ends[first].sendall(pattern(0, 1 << 18))
                receive_exactly(ends[second], 1 << 16)
                sender = threading.Thread(target=self.send_until_reset, args=(ends[second],))
                sender.start()
                receive_exactly(ends[first], 1 << 18)
                abort(ends[first])
                sender.join(20)
                self.assertFalse(sender.is_alive(), "the other side has not been reset")
        self.expect_no_connections()

    @staticmethod
    def send_until_reset(end):
        try:
            while True:
                end.sendall(pattern(0, 1 << 16))
        except (ConnectionResetError, BrokenPipeError):
            pass
