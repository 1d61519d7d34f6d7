# SPDX-License-Identifier: BSD-3-Clause
"""The http service against curl and against requests written by hand."""

import socket

from harness import HTTP, SERVER, receive_all, receive_exactly
from peer_case import PeerCase, Response, get, pattern, request


class Http(PeerCase):
    def test_curl_gets_the_page(self):
        done = self.net.run("curl", "--silent", "--show-error", "--include", "--max-time", "10", f"http://{SERVER}/")
        head, _, body = done.stdout.partition("\n\n")
        self.assertTrue(head.startswith("HTTP/1.1 200"), done.stdout)
        self.assertTrue(body.strip())

    def test_curl_reuses_its_connection(self):
        done = self.net.run("curl", "--silent", "--show-error", "--verbose", "--max-time", "10",
                            *[f"http://{SERVER}/bytes/1000"] * 3, "--output", "/dev/null", "--output", "/dev/null",
                            "--output", "/dev/null")
        self.assertEqual(done.stderr.count("Connected to"), 1, done.stderr)

    def test_bytes_sends_the_pattern_for_lengths_around_a_segment(self):
        for size in (0, 1, 250, 251, 252, 1447, 1448, 1449, 1460, 65535, 65536, 1 << 20):
            with self.subTest(size=size):
                response = get(self.net, f"/bytes/{size}")
                self.assertEqual((response.status, response.length), (200, size))
                self.assertEqual(response.body, bytes(pattern(0, size)))

    def test_bytes_above_one_gib_or_without_a_number_are_refused(self):
        for path in ("/bytes/1073741825", "/bytes/99999999999999999999999", "/bytes/", "/bytes/-1", "/bytes/1x"):
            with self.subTest(path=path):
                self.assertIn(get(self.net, path).status, (400, 404))

    def test_another_path_is_not_found(self):
        self.assertEqual(get(self.net, "/nothing").status, 404)

    def test_one_connection_serves_several_requests(self):
        with self.net.connect(HTTP) as connection:
            for path in ("/", "/bytes/5000", "/nothing", "/"):
                connection.sendall(request(path))
                response = Response(connection)
                self.assertEqual(response.status, 404 if path == "/nothing" else 200)

    def test_requests_in_one_segment_are_answered_in_order(self):
        sizes = [10, 3000, 0, 100000, 1]
        with self.net.connect(HTTP) as connection:
            connection.sendall(b"".join(request(f"/bytes/{size}") for size in sizes))
            self.assertEqual([len(Response(connection).body) for _ in sizes], sizes)

    def test_a_request_cut_into_single_bytes_is_understood(self):
        with self.net.connect(HTTP) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for letter in request("/bytes/7"):
                connection.sendall(bytes([letter]))
            self.assertEqual(Response(connection).body, bytes(pattern(0, 7)))

    def test_connection_close_closes_after_the_answer(self):
        with self.net.connect(HTTP) as connection:
            connection.sendall(request("/bytes/5000", "Connection: close"))
            self.assertEqual(len(Response(connection).body), 5000)
            self.assertEqual(connection.recv(1), b"")

    def test_http_1_0_closes_after_the_answer(self):
        with self.net.connect(HTTP) as connection:
            connection.sendall(request("/bytes/5000", version="1.0"))
            self.assertEqual(len(Response(connection).body), 5000)
            self.assertEqual(connection.recv(1), b"")

    def test_http_1_1_stays_open_after_the_answer(self):
        with self.net.connect(HTTP) as connection:
            connection.sendall(request("/"))
            Response(connection)
            connection.settimeout(0.5)
            self.assertRaises(TimeoutError, connection.recv, 1)

    def test_a_malformed_request_gets_400_and_the_end(self):
        for sent in (b"hello\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1 extra\r\n\r\n", b"GET / FTP/1.0\r\n\r\n",
                     b"\x00\x01\x02\x03\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n"):
            with self.subTest(sent=sent), self.net.connect(HTTP) as connection:
                connection.sendall(sent)
                answer = receive_all(connection)
                self.assertTrue(answer.startswith(b"HTTP/1.1 400"), answer[:200])

    def test_a_head_without_end_is_refused(self):
        with self.net.connect(HTTP) as connection:
            try:
                connection.sendall(b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 300000)
                answer = receive_all(connection)
                self.assertRegex(answer[:20], rb"^HTTP/1.1 4\d\d")
            except (ConnectionResetError, BrokenPipeError):
                pass  # the answer may be overtaken by the RST that the unread rest of the head provokes

    def test_a_client_that_closes_its_side_first_still_gets_the_whole_answer(self):
        with self.net.connect(HTTP) as connection:
            connection.sendall(request("/bytes/1000000", "Connection: close"))
            connection.shutdown(socket.SHUT_WR)
            response = Response(connection, whole_body=False)
            self.assertEqual(receive_exactly(connection, response.length), bytes(pattern(0, 1000000)))
            self.assertEqual(connection.recv(1), b"")
