# SPDX-License-Identifier: BSD-3-Clause
"""ternload against servers on the kernel, nginx and plain sockets, and against tern."""

import random
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from backends import Host, Nginx
from generator import LoadedNet, Sockets
from harness import CHARGEN, DISCARD, ECHO, HTTP, PEER_CPU, SERVER, Tern, eventually, run
from peer_case import pattern

WEB = f"http://{SERVER}"


class LoadCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = LoadedNet()
        cls.host = Host(cls.net, int(SERVER.split(".")[-1]))

    @classmethod
    def tearDownClass(cls):
        cls.net.close()

    def load(self, *arguments, status=0, **options):
        """Runs ternload, which is to end with this status; None: any."""
        outcome = self.net.load(*arguments, **options)
        self.assertIn(outcome.status, (0, 1) if status is None else (status,), outcome.output)
        if status == 0:
            self.assertEqual(sum(outcome.errors.values()), 0, outcome.output)
        return outcome

    def serve(self, port, serve):
        server = Sockets(self.net, port, serve)
        self.addCleanup(server.close)
        return server


class Web(LoadCase):
    """nginx on the kernel."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nginx = Nginx(cls.host)
        (cls.nginx.root / "large").write_bytes(random.Random(1).randbytes(1 << 20))
        cls.nginx.start()

    @classmethod
    def tearDownClass(cls):
        cls.nginx.close()
        super().tearDownClass()

    def test_connections(self):
        outcome = self.load("connections", f"{WEB}/name", "--in-flight", "20")
        self.assertGreater(outcome.counts["responses"], 100)
        self.assertAlmostEqual(outcome.counts["connections_finished"], outcome.counts["responses"], delta=40)
        self.assertGreater(outcome.result["latency_us"]["p50"], 0)
        self.assertIn("% of its time busy", outcome.output)

    def test_limited_connections_are_all_measured(self):
        outcome = self.load("connections", f"{WEB}/name", "--limit-connections", "500", "--duration", "20s", "--verify")
        for name in ("connections_begun", "connections_opened", "connections_finished", "responses"):
            self.assertEqual(outcome.counts[name], 500, name)

    def test_requests_pipelined_and_verified(self):
        outcome = self.load("requests", f"{WEB}/name", "--in-flight", "32", "--pipeline", "4", "--verify")
        self.assertGreater(outcome.counts["responses"], 1000)
        self.assertEqual(outcome.result["connections"], 8)
        self.assertEqual(outcome.result["in_flight"], 32)

    def test_requests_on_connections_that_end(self):
        outcome = self.load("requests", f"{WEB}/name", "--in-flight", "10", "--requests-per-connection", "20",
                            "--limit-requests", "1000", "--duration", "20s")
        self.assertEqual(outcome.counts["responses"], 1000)
        self.assertIn(outcome.counts["connections_opened"], range(50, 61), "the last ones may have fewer")

    def test_mixed_pages_verified(self):
        outcome = self.load("mixed", WEB, "--mix", "/name=9", "--mix", "/large", "--in-flight", "8", "--verify")
        self.assertGreater(outcome.counts["connections_finished"], 5)
        self.assertGreater(outcome.counts["bytes_received"], 1 << 20)

    def test_throughput_over_http(self):
        outcome = self.load("throughput", f"{WEB}/large", "--connections", "4", "--verify")
        self.assertGreater(outcome.counts["responses"], 4)

    def test_a_rate_is_kept_or_what_is_missing_is_told(self):
        for mode, begun in (("connections", "connections_begun"), ("requests", "requests_sent")):
            outcome = self.load(mode, f"{WEB}/name", "--rate", "500")
            meant = 500 * outcome.result["seconds"]
            self.assertGreater(outcome.counts[begun] + outcome.result["overdue"], 0.95 * meant, mode)

    def test_many_connections_are_held(self):
        outcome = self.load("concurrent", f"{WEB}/name", "--connections", "500", "--touch", "0.2", "--rate", "500")
        self.assertEqual(outcome.result["connections"], 500)
        self.assertGreater(outcome.counts["responses"], 0)
        self.assertEqual(outcome.counts["connections_opened"], 0, "all were there before anything was measured")

    def test_a_status_other_than_2xx_is_an_error(self):
        outcome = self.load("requests", f"{WEB}/nowhere", "--in-flight", "1", status=1)
        self.assertGreater(outcome.errors["http_status"], 0)
        self.assertEqual(outcome.counts["responses"], 0)

    def test_a_flood_beside_connections(self):
        outcome = self.load("connections", f"{WEB}/name", "--rate", "50", "--flood", "2000", status=None)
        self.assertGreater(outcome.counts["flood_syns"], 0)
        self.assertGreater(outcome.counts["responses"], 0)

    def test_a_flood_alone(self):
        outcome = self.load("flood", WEB, "--flood", "2000")
        self.assertGreater(outcome.counts["flood_syns"], 100)
        self.assertIn("SYNs/s", outcome.output)

    def test_progress_and_plot(self):
        with tempfile.TemporaryDirectory() as folder:
            plot = Path(folder) / "plot.svg"
            outcome = self.load("requests", f"{WEB}/name", "--interval", "100ms", "--plot", plot)
            self.assertRegex(outcome.output, r"s \(warm-up\)  \d+ responses/s")
            self.assertGreater(len([sample for sample in outcome.result["samples"] if sample["measured"]]), 3)
            self.assertTrue(plot.read_text().startswith("<svg "))


class Ends(LoadCase):
    """Servers that a test plays, and those that are not there."""

    def test_nobody_listens(self):
        outcome = self.load("connections", f"{WEB}:81/", "--limit-connections", "20", status=1)
        self.assertEqual(outcome.errors["refused"], 20)

    def test_nobody_has_the_address(self):
        outcome = self.load("connections", "http://192.0.2.77/", "--limit-connections", "1", "--duration", "20s", status=1)
        self.assertEqual(outcome.errors["unreachable"], 1)

    def test_connections_are_reset_when_asked_for(self):
        def serve(connection):
            while connection.recv(1000):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        server = self.serve(8000, serve)
        self.load("connections", f"{WEB}:8000/", "--close", "reset", "--limit-connections", "50", "--duration", "20s")
        server.expect_ended(50)
        self.assertEqual(server.resets, 50)

    def test_one_wrong_byte_is_seen(self):
        served = []

        def serve(connection):
            while connection.recv(1000):
                served.append(connection)
                body = b"right" if len(served) != 5 else b"wrong"
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body)
        self.serve(8001, serve)
        outcome = self.load("requests", f"{WEB}:8001/", "--in-flight", "1", "--limit-requests", "20", "--duration", "20s",
                            "--verify", status=1)
        self.assertEqual(outcome.errors["wrong_bytes"], 1)
        self.assertEqual(outcome.counts["responses"], 19)

    def test_a_rate_beyond_the_server_is_told(self):
        def serve(connection):
            while connection.recv(1000):
                time.sleep(0.05)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        self.serve(8002, serve)
        outcome = self.load("requests", f"{WEB}:8002/", "--connections", "2", "--rate", "1000")
        self.assertGreater(outcome.result["overdue"], 100)
        self.assertRegex(outcome.output, r"/s of the 1000/s asked for; \d+ are overdue")
        self.assertGreater(outcome.result["latency_us"]["max"], 100_000)

    def test_text_down(self):
        def serve(connection):
            while True:
                connection.sendall(pattern(0, 251 * 260))
        self.serve(8003, serve)
        outcome = self.load("throughput", f"tcp://{SERVER}:8003", "--connections", "4", "--verify")
        self.assertGreater(outcome.counts["bytes_received"], 1 << 20)

    def test_text_up_to_netcat(self):
        with self.net.inside():
            netcat = subprocess.Popen(["nc", "-l", SERVER, "8004"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        reader = subprocess.Popen(["sha256sum"], stdin=netcat.stdout, stdout=subprocess.DEVNULL)
        try:
            listening = lambda: ":8004" in self.net.run("ss", "-Hltn").stdout
            eventually("nc listens", listening)
            outcome = self.load("throughput", f"tcp://{SERVER}:8004", "--connections", "1", "--direction", "up")
            self.assertGreater(outcome.counts["bytes_sent"], 1 << 20)
        finally:
            netcat.kill()
            netcat.wait()
            reader.wait()
            netcat.stdout.close()

    def test_text_both_ways(self):
        def serve(connection):
            while text := connection.recv(1 << 16):
                connection.sendall(text)
        server = self.serve(8005, serve)
        outcome = self.load("throughput", f"tcp://{SERVER}:8005", "--connections", "4", "--direction", "both", "--verify")
        self.assertGreater(outcome.counts["bytes_received"], 1 << 20)
        self.assertGreater(outcome.counts["bytes_sent"], 1 << 20)
        server.expect_ended(4)


class AgainstTern(unittest.TestCase):
    """tern's tap and a veth pair, at whose other end ternload is, in one bridge; each has its own CPU."""

    @classmethod
    def setUpClass(cls):
        cls.net = LoadedNet()
        try:
            cls.tern = Tern(dataplane={"max_connections": 20000})
            run("ip", "link", "set", cls.tern.tap, "netns", cls.net.name)
            cls.net.run("ip", "link", "add", "bridge", "type", "bridge")
            cls.net.run("ip", "link", "add", "load", "type", "veth", "peer", "name", "bridged")
            # Both ends of a tap have one address; the bridge would keep for itself what is for its own port's.
            cls.net.run("ip", "link", "set", cls.tern.tap, "address", "02:00:00:00:00:01")
            for name in (cls.tern.tap, "bridged"):
                cls.net.run("ip", "link", "set", name, "master", "bridge")
            for name in (cls.tern.tap, "bridged", "load", "bridge"):
                cls.net.run("ip", "link", "set", name, "up")
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        if hasattr(cls, "tern"):
            cls.tern.close()
        cls.net.close()

    def load(self, *arguments):
        outcome = self.net.load(*arguments, cpu=PEER_CPU, device="net_af_packet0,iface=load")
        self.assertEqual(outcome.status, 0, outcome.output)
        return outcome

    def test_connections_and_requests(self):
        for mode in ("connections", "requests"):
            outcome = self.load(mode, f"http://{SERVER}:{HTTP}/bytes/300", "--in-flight", "8", "--verify")
            self.assertGreater(outcome.counts["responses"], 100, mode)

    def test_text_each_way(self):
        for port, direction in ((CHARGEN, "down"), (DISCARD, "up"), (ECHO, "both")):
            outcome = self.load("throughput", f"tcp://{SERVER}:{port}", "--connections", "4", "--direction", direction)
            if direction != "up":
                self.assertGreater(outcome.counts["bytes_received"], 1 << 20, direction)
            if direction != "down":
                self.assertGreater(outcome.counts["bytes_sent"], 1 << 20, direction)
            eventually("tern has no connection left", lambda: not any(self.tern.connections().values()))
