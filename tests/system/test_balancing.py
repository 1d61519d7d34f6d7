# SPDX-License-Identifier: BSD-3-Clause
"""tern as a load balancer in front of real servers: nginx, HAProxy, and the kernel's sockets in the tests' hands."""

import hashlib
import re
import socket
import subprocess
import tempfile
import threading
from collections import Counter

from backends import Haproxy, Host, Nginx, pool, proxy
from harness import CLIENT, HTTP, SERVER, abort, eventually, receive_all, receive_exactly
from peer_case import PeerCase, Response, get, pattern, request

FRONT, V1, V2, DIRECT, TRUSTING, DENIED, FEW, SLOWLY, ONE, IGNORED = range(8080, 8090)
CHECKS = {"check_interval_ms": 200, "check_timeout_ms": 200, "check_rise": 1, "check_fall": 1}
ADDRESSES = {name: f"192.0.2.{number}" for name, number in (("a", 11), ("b", 12), ("c", 13), ("h", 14))}
HAND = "192.0.2.15"  # where tests play the server
HAND_PORT = 9000
TOLD = [("a", ADDRESSES["a"], 81), ("h", ADDRESSES["h"], 81)]

CONFIGURATION = (
    pool("web", [(name, ADDRESSES[name], 80) for name in "abc"], check="http", check_path="/name", **CHECKS) +
    pool("v1", TOLD, send_proxy="v1", **CHECKS) +
    pool("v2", TOLD, send_proxy="v2", proxy_options=["crc32c", "unique-id"], **CHECKS) +
    pool("hand", [("hand", HAND, HAND_PORT)], check="none", eject_after=0) +
    pool("one", [("hand", HAND, HAND_PORT, {"max_connections": 1})], check="none", eject_after=0) +
    proxy("front", f"{SERVER}:{FRONT}", "web") + proxy("v1", f"{SERVER}:{V1}", "v1") +
    proxy("v2", f"{SERVER}:{V2}", "v2") + proxy("direct", f"{SERVER}:{DIRECT}", "hand") +
    proxy("trusting", f"{SERVER}:{TRUSTING}", "v2", accept_proxy_from=[f"{CLIENT}/32"], connect_timeout_ms=1000) +
    proxy("denied", f"{SERVER}:{DENIED}", "web", deny=[f"{CLIENT}/32"]) +
    proxy("ignored", f"{SERVER}:{IGNORED}", "web", allow=["198.51.100.0/24"], refuse="silent") +
    proxy("few", f"{SERVER}:{FEW}", "hand", max_per_source=2) +
    proxy("slowly", f"{SERVER}:{SLOWLY}", "hand", rate_per_source=1, rate_burst=2) +
    proxy("one", f"{SERVER}:{ONE}", "one", queue_timeout_ms=1500))


class BalancingCase(PeerCase):
    configuration = {"more": CONFIGURATION}

    @classmethod
    def start(cls):
        super().start()
        cls.hosts = {name: Host(cls.net, int(address.split(".")[-1])) for name, address in ADDRESSES.items()}
        cls.hand = Host(cls.net, int(HAND.split(".")[-1]))
        cls.web = {name: Nginx(cls.hosts[name], 80, name).start() for name in "abc"}
        cls.told = [Nginx(cls.hosts["a"], 81, "a", proxy_protocol=True).start(), Haproxy(cls.hosts["h"], 81).start()]
        cls.expect_states({f"web/{name}": "UP" for name in "abc"} |
                          {f"{which}/{name}": "UP" for which in ("v1", "v2") for name in "ah"})

    @classmethod
    def states(cls):
        """{'web/a': 'UP', ...}"""
        return {name: backend["state"] for name, backend in cls.tern.telemetry("/tern/pools").items()}

    @classmethod
    def expect_states(cls, expected):
        eventually(lambda: f"{expected}: {cls.tern.telemetry('/tern/pools')}", lambda: expected.items() <= cls.states().items())

    @classmethod
    def discard(cls):
        for server in [*cls.__dict__.get("web", {}).values(), *cls.__dict__.get("told", [])]:
            server.close()
        super().discard()

    def ask(self, port, path):
        with self.net.connect(port) as connection:
            connection.sendall(request(path, "Connection: close"))
            return Response(connection).body

    def joined(self, port=DIRECT, **buffers):
        """A client and the server that it was joined with, both in the test's hands."""
        listener = self.hand.listen(HAND_PORT)
        try:
            client = self.net.connect(port, **buffers)
            server, _ = listener.accept()
            server.settimeout(client.gettimeout())
            return client, server
        finally:
            listener.close()


class Balancing(BalancingCase):
    def test_each_backend_gets_its_turn(self):
        names = Counter(self.ask(FRONT, "/name").decode() for _ in range(30))
        self.assertEqual(names, {"a": 10, "b": 10, "c": 10})

    def test_servers_learn_the_client_from_proxy_headers(self):
        ids = set()
        for port in (V1, V2, V2):
            for _ in range(2):  # nginx and HAProxy
                with self.net.connect(port) as connection:
                    mine = "%s:%d" % connection.getsockname()
                    connection.sendall(request("/client", "Connection: close"))
                    answer = Response(connection).body.decode().split(" ")
                self.assertEqual(answer[0], mine)
                if len(answer) > 1:  # HAProxy's
                    self.assertEqual(answer[1], f"{SERVER}:{port}")
                    ids.add(answer[2])
        self.assertEqual(sorted(map(len, ids)), [0, 32, 32], "the unique id of version 2, 16 bytes, each another")

    def test_requests_in_new_and_in_kept_connections_all_succeed(self):
        for header in ("Connection: keep-alive", "Connection: close"):
            done = self.net.run("wrk", "-t", "1", "-c", "50", "-d", "5", "-H", header, f"http://{SERVER}:{FRONT}/name").stdout
            self.assertNotIn("Socket errors", done)
            self.assertNotIn("Non-2xx", done)
            self.assertGreater(int(re.search(r"(\d+) requests in", done)[1]), 1000, done)
        self.expect_no_connections()

    def test_curl_keeps_its_connection_and_its_backend(self):
        urls = [f"http://{SERVER}:{FRONT}/name"] * 3
        done = self.net.run("curl", "--silent", "--show-error", "--verbose", "--max-time", "10", *urls)
        self.assertEqual(done.stderr.count("Connected to"), 1, done.stderr)
        self.assertIn(done.stdout, ("aaa", "bbb", "ccc"))

    def test_nc_and_nc_hear_each_other_out(self):
        """nc both sends and hears, as client and as server; each closes its direction behind what it sends."""
        asked, answered = bytes(pattern(0, 1 << 20)), bytes(pattern(100, 1 << 20))
        with tempfile.TemporaryFile() as answers, tempfile.TemporaryFile() as heard:  # a pipe would hold the server up
            answers.write(answered)
            answers.seek(0)
            with self.net.inside():
                server = subprocess.Popen(["nc", "-N", "-l", HAND, str(HAND_PORT)], stdin=answers, stdout=heard)
            with server:
                try:
                    eventually("nc listens", lambda: f"{HAND}:{HAND_PORT}" in self.net.run("ss", "-Hltn").stdout)
                    done = self.net.run("nc", "-N", SERVER, DIRECT, input=asked, text=False)
                    server.wait(timeout=20)
                finally:
                    server.kill()
            heard.seek(0)
            self.assertEqual(heard.read(), asked)
        self.assertEqual(done.stdout, answered)

    def test_half_close_passes_both_ways(self):
        for first, second in ((0, 1), (1, 0)):
            ends = self.joined()
            with ends[0], ends[1]:
                ends[first].sendall(b"that is all")
                ends[first].shutdown(socket.SHUT_WR)
                self.assertEqual(receive_all(ends[second]), b"that is all")
                ends[second].sendall(pattern(0, 500_000))
                ends[second].close()
                self.assertEqual(receive_all(ends[first]), pattern(0, 500_000))
        self.expect_no_connections()

    def test_reset_passes_both_ways(self):
        for first, second in ((0, 1), (1, 0)):
            ends = self.joined()
            with ends[0], ends[1]:
                ends[first].sendall(b"x")
                self.assertEqual(ends[second].recv(1), b"x")
                abort(ends[first])
                with self.assertRaises(ConnectionResetError):
                    ends[second].recv(1)
        self.expect_no_connections()

    def test_what_a_client_sends_before_its_backend_answers_is_not_lost(self):
        listener = self.hand.listen(HAND_PORT)
        with listener, self.net.connect(DIRECT) as client:
            client.sendall(b"early")
            client.shutdown(socket.SHUT_WR)
            server, _ = listener.accept()
            with server:
                self.assertEqual(receive_all(server), b"early")

    def test_bulk_both_ways_at_once_is_exact(self):
        size = 64 << 20
        client, server = self.joined()
        with client, server:
            found = {}

            def receive(which, end):
                digest = hashlib.sha256()
                while part := end.recv(1 << 20):
                    digest.update(part)
                found[which] = digest.hexdigest()

            def send(end):
                for offset in range(0, size, 1 << 20):
                    end.sendall(pattern(offset, 1 << 20))
                end.shutdown(socket.SHUT_WR)

            threads = [threading.Thread(target=target, args=arguments) for target, arguments in (
                (receive, ("client", client)), (receive, ("server", server)), (send, (client,)), (send, (server,)))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
            digest = hashlib.sha256()
            for offset in range(0, size, 1 << 20):
                digest.update(pattern(offset, 1 << 20))
            self.assertEqual(found, {"client": digest.hexdigest(), "server": digest.hexdigest()})
        self.expect_no_connections()

    def test_a_slow_reader_stops_the_server(self):
        """What tern holds for it is bounded by the receive buffer of one side and the send buffer of the other."""
        client, server = self.joined(receive_buffer=8192)
        with client, server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            server.settimeout(2)
            sent = 0
            try:
                while sent < 64 << 20:
                    sent += server.send(pattern(sent, 65536))
            except TimeoutError:
                pass
            # 4 MiB and 256 KiB in tern, and a little in both kernels.
            self.assertLess(sent, 6 << 20)
            server.shutdown(socket.SHUT_WR)
            received = 0
            while part := client.recv(1 << 20):
                self.assertEqual(part, pattern(received, len(part)))
                received += len(part)
            self.assertEqual(received, sent)
        self.expect_no_connections()

    def test_text_is_moved_and_not_copied(self):
        before = self.tern.count("text_copied"), self.tern.count("text_in_place") + self.tern.count("text_attached")
        client, server = self.joined()
        with client, server:
            client.sendall(pattern(0, 1 << 20))
            receive_exactly(server, 1 << 20)
        after = self.tern.count("text_copied"), self.tern.count("text_in_place") + self.tern.count("text_attached")
        self.assertGreaterEqual(after[1] - before[1], 1_000_000)
        self.assertLess(after[0] - before[0], 50_000)


class Trust(BalancingCase):
    def test_a_trusted_clients_header_is_passed_on(self):
        for _ in range(2):
            with self.net.connect(TRUSTING) as connection:
                connection.sendall(b"PROXY TCP4 10.9.8.7 10.0.0.1 1234 80\r\n" + request("/client", "Connection: close"))
                self.assertEqual(Response(connection).body.decode().split(" ")[0], "10.9.8.7:1234")

    def test_a_malformed_header_is_refused_and_counted(self):
        before = self.tern.count("headers_malformed")
        for wrong in (b"GET / HTTP/1.1\r\n\r\n", b"\r\n\r\n\0\r\nQUIT\nx", b"PROXY TCP4 1.2.3.4\r\n"):
            with self.net.connect(TRUSTING) as connection:
                connection.sendall(wrong)
                with self.assertRaises(ConnectionResetError):
                    connection.recv(1)
        self.assertEqual(self.tern.count("headers_malformed"), before + 3)

    def test_a_header_that_does_not_come_is_not_waited_for(self):
        with self.net.connect(TRUSTING) as connection:
            connection.sendall(b"PROXY TCP4 ")
            with self.assertRaises(ConnectionResetError):
                connection.recv(1)
        self.tern.expect_count("headers_timed_out", 1)


class Limits(BalancingCase):
    def expect_refused(self, port, reason):
        """A new client is answered by RST, for this reason and no other: the backend would have taken it."""
        reasons = ("refused_access", "refused_source", "refused_rate", "refused_down", "refused_retries")
        before = {name: self.tern.count(name) for name in reasons}
        with self.hand.listen(HAND_PORT) as listener, self.assertRaises(ConnectionRefusedError):
            listener.settimeout(0)
            try:
                self.net.connect(port).close()
            finally:
                with self.assertRaises(BlockingIOError):
                    listener.accept()
        self.tern.expect_count(reason, before[reason] + 1)
        self.assertEqual({name: self.tern.count(name) for name in reasons}, before | {reason: before[reason] + 1})

    def admitted(self, port):
        """A client and its server, or nothing where it is refused."""
        try:
            return self.joined(port)
        except ConnectionRefusedError:
            return None

    def test_denied_clients_are_reset(self):
        self.expect_refused(DENIED, "refused_access")

    def test_clients_may_be_ignored(self):
        before = self.tern.count("refused_access")
        with self.net.socket() as client:
            client.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                client.connect((SERVER, IGNORED))
        self.tern.expect_count("refused_access", before + 1)

    def test_a_client_may_have_only_so_many(self):
        first, second = self.joined(FEW), self.joined(FEW)
        self.expect_refused(FEW, "refused_source")
        for end in first:
            end.close()
        third = eventually("its place has come free", lambda: self.admitted(FEW))
        for end in (*second, *third):
            end.close()

    def test_a_client_may_come_only_so_fast(self):
        pairs = [self.joined(SLOWLY) for _ in range(2)]
        self.expect_refused(SLOWLY, "refused_rate")
        for pair in pairs:
            for end in pair:
                end.close()

    def test_a_client_waits_for_a_full_backend(self):
        queued, timeouts = self.tern.count("queued"), self.tern.count("queue_timeouts")
        listener = self.hand.listen(HAND_PORT)
        with listener:
            first = self.net.connect(ONE)
            first_server, _ = listener.accept()
            second = self.net.connect(ONE)
            second.sendall(b"waiting")
            self.tern.expect_count("queued", queued + 1)
            first.close()
            first_server.close()
            second_server, _ = listener.accept()
            with second, second_server:
                self.assertEqual(receive_exactly(second_server, 7), b"waiting")
                with self.net.connect(ONE) as third, self.assertRaises(ConnectionResetError):
                    third.recv(1)  # waits for queue_timeout_ms in vain
        self.tern.expect_count("queue_timeouts", timeouts + 1)


class Draining(BalancingCase):
    def test_a_drained_backend_gets_no_new_connections_and_finishes_the_old(self):
        kept = []
        for _ in range(3):  # one to each
            connection = self.net.connect(FRONT)
            connection.sendall(request("/name"))
            kept.append((connection, Response(connection).body))
        self.tern.telemetry("/tern/drain,web/b")
        self.expect_states({"web/b": "DRAIN"})
        self.assertEqual({self.ask(FRONT, "/name") for _ in range(10)}, {b"a", b"c"})
        self.assertEqual(self.tern.telemetry("/tern/pools")["web/b"]["connections"], 1)
        for connection, name in kept:
            with connection:
                connection.sendall(request("/name"))
                self.assertEqual(Response(connection).body, name)
        eventually("it has finished", lambda: self.tern.telemetry("/tern/pools")["web/b"]["connections"] == 0)
        self.tern.telemetry("/tern/maint,web/b")
        self.expect_states({"web/b": "MAINT"})
        self.tern.telemetry("/tern/ready,web/b")
        self.expect_states({"web/b": "UP"})

    def test_a_drained_service_takes_no_new_clients_and_finishes_the_old(self):
        client, server = self.joined()
        with client, server:
            refused = self.tern.count("refused_draining")
            self.tern.telemetry("/tern/drain,direct")
            with self.hand.listen(HAND_PORT), self.assertRaises(ConnectionRefusedError):
                self.net.connect(DIRECT)
            self.tern.expect_count("refused_draining", refused + 1)
            client.sendall(b"still here")
            self.assertEqual(receive_exactly(server, 10), b"still here")
        self.tern.telemetry("/tern/ready,direct")
        for end in self.joined():
            end.close()

    def test_what_is_left_when_its_time_is_over_is_reset(self):
        for drained in ("hand/hand", "direct"):
            before = self.tern.count("drain_timeouts")
            ends = self.joined()
            self.tern.telemetry(f"/tern/drain,{drained},1")
            for end in ends:
                with end, self.assertRaises(ConnectionResetError):
                    end.recv(1)
            self.assertEqual(self.tern.count("drain_timeouts"), before + 1)
            self.tern.telemetry(f"/tern/ready,{drained}")
            self.expect_states({"hand/hand": "UP"})
            for end in self.joined():
                end.close()
        self.expect_no_connections()

    def test_any_service_may_be_drained(self):
        with self.net.connect(HTTP) as client:
            self.tern.telemetry("/tern/drain,web")
            with self.assertRaises(ConnectionRefusedError):
                self.net.connect(HTTP)
            client.sendall(request("/"))
            self.assertEqual(Response(client).headers["connection"], "close")
            self.assertEqual(client.recv(1), b"")
        self.tern.telemetry("/tern/ready,web")
        self.assertEqual(get(self.net, "/").status, 200)

    def test_what_cannot_be_drained_is_answered_by_what_may_be(self):
        for wrong, remedy in (("nobody", "/tern/pools lists"), ("web/a,0", "1 to 86400"), ("web/a,soon", "1 to 86400"),
                              ("echo,5", "only backends and proxies")):
            self.assertIn(remedy, self.tern.telemetry(f"/tern/drain,{wrong}")["error"])
        self.assertIn("no such backend", self.tern.telemetry("/tern/maint,echo")["error"])
        self.assertIn("/tern/drain", self.tern.telemetry("/tern/ready,web/a,5")["error"])


class Ending(BalancingCase):
    configuration = BalancingCase.configuration | {"dataplane": {"drain_s": 20}}

    def test_tern_ends_when_its_last_connection_has_finished(self):
        client, server = self.joined()
        self.tern.process.terminate()
        eventually("it drains", lambda: "draining: " in self.tern.output)
        with self.assertRaises(ConnectionRefusedError):
            self.net.connect(DIRECT)
        client.sendall(b"the last words")
        client.close()
        self.assertEqual(receive_all(server), b"the last words")
        self.assertTrue(self.tern.is_running())
        server.close()
        self.assertEqual(self.tern.process.wait(10), 0)
        type(self).discard()
        type(self).start()


class Failures(BalancingCase):
    def tearDown(self):
        super().tearDown()
        for server in self.web.values():
            if server.process is None:
                server.start()
        self.expect_states({f"web/{name}": "UP" for name in "abc"})

    def test_a_backend_killed_under_load_loses_no_new_connection(self):
        stop, killed = threading.Event(), threading.Event()
        late, lost, served = [], [], {False: 0, True: 0}

        def client():
            while not stop.is_set():
                after = killed.is_set()
                try:
                    self.ask(FRONT, "/name")
                    served[after] += 1
                except (OSError, AssertionError) as problem:
                    (late if after else lost).append(repr(problem))

        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            eventually("they are served", lambda: served[False] > 100)
            self.web["b"].kill()
            killed.set()
            eventually(lambda: f"they are served without it: {late}", lambda: served[True] > 300)
        finally:
            stop.set()
        for thread in threads:
            thread.join(30)
        self.assertEqual(late, [], "connections made after the backend had died")
        self.expect_states({"web/a": "UP", "web/b": "DOWN", "web/c": "UP"})
        self.assertEqual(set(self.ask(FRONT, "/name") for _ in range(10)), {b"a", b"c"})

    def test_a_backend_that_returns_is_used_again(self):
        self.web["b"].kill()
        self.expect_states({"web/b": "DOWN"})
        self.web["b"].start()
        self.expect_states({"web/b": "UP"})
        self.assertEqual(set(self.ask(FRONT, "/name") for _ in range(9)), {b"a", b"b", b"c"})

    def test_a_backend_with_another_answer_is_down(self):
        name = self.web["c"].root / "name"
        name.rename(name.with_name("gone"))
        try:
            eventually("c is DOWN by L7STS", lambda: self.tern.telemetry("/tern/pools")["web/c"]["check"] == "L7STS")
            self.assertEqual(self.states()["web/c"], "DOWN")
        finally:
            name.with_name("gone").rename(name)

    def test_without_any_backend_clients_are_reset(self):
        for server in self.web.values():
            server.kill()
        self.expect_states({f"web/{name}": "DOWN" for name in "abc"})
        before = self.tern.count("refused_down")
        with self.assertRaises(ConnectionResetError):
            self.ask(FRONT, "/name")
        self.tern.expect_count("refused_down", before + 1)
