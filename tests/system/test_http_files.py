# SPDX-License-Identifier: BSD-3-Clause
"""The http service's files against curl: whole and in parts, conditions, limits of a connection."""

import hashlib
import os
import tempfile
from pathlib import Path

from harness import SERVER, Net, Tern, receive_all
from peer_case import PeerCase, Response, request

PORT = 8080
LARGE = 3_000_000


class Files(PeerCase):
    @classmethod
    def start(cls):
        cls.root = tempfile.TemporaryDirectory(prefix="tern-site-")
        root = Path(cls.root.name)
        (root / "index.html").write_text("<p>hello</p>\n", encoding="utf-8")
        (root / "docs").mkdir()
        (root / "docs/index.html").write_text("docs", encoding="utf-8")
        cls.large = os.urandom(LARGE)
        (root / "large.bin").write_bytes(cls.large)
        service = (f'[[service]]\nname = "files"\nkind = "http"\nlisten = ["{SERVER}:{PORT}"]\n'
                   f'root = "{root}"\nmax_requests = 5\nidle_timeout_s = 1\n')
        cls.net = Net()
        cls.tern = Tern(cls.net, more=service)
        cls.net.mac()

    @classmethod
    def discard(cls):
        super().discard()
        cls.root.cleanup()

    def curl(self, path, *options, **run_options):
        return self.net.run("curl", "--silent", "--show-error", "--max-time", "20", *options,
                            f"http://{SERVER}:{PORT}{path}", **run_options).stdout

    def test_a_large_file_arrives_whole_and_uncopied(self):
        before = self.tern.count("text_attached")
        body = self.curl("/large.bin", text=False)
        self.assertEqual(hashlib.sha256(body).hexdigest(), hashlib.sha256(self.large).hexdigest())
        self.assertGreaterEqual(self.tern.count("text_attached") - before, LARGE * 9 // 10)

    def test_parts_put_together_are_the_file(self):
        edges = [0, 1, 63_999, 64_001, 1_000_000, LARGE]
        parts = [self.curl("/large.bin", "--range", f"{first}-{end - 1}", text=False)
                 for first, end in zip(edges, edges[1:])]
        self.assertEqual(b"".join(parts), self.large)

    def test_an_interrupted_download_is_gone_on_with(self):
        with tempfile.TemporaryDirectory() as folder:
            partial = Path(folder) / "large.bin"
            partial.write_bytes(self.large[:1_234_567])
            self.curl("/large.bin", "--continue-at", "-", "--output", partial)
            self.assertEqual(partial.read_bytes(), self.large)

    def test_a_part_beyond_the_end_is_refused(self):
        head = self.curl("/large.bin", "--range", f"{LARGE}-", "--include")
        self.assertTrue(head.startswith("HTTP/1.1 416"), head)
        self.assertIn(f"Content-Range: bytes */{LARGE}", head)

    def test_head_tells_the_length(self):
        head = self.curl("/large.bin", "--head")
        self.assertTrue(head.startswith("HTTP/1.1 200"), head)
        self.assertIn(f"Content-Length: {LARGE}", head)

    def test_what_has_not_changed_is_not_sent_again(self):
        with tempfile.TemporaryDirectory() as folder:
            tag, body = Path(folder) / "tag", Path(folder) / "body"
            self.curl("/", "--etag-save", tag, "--output", body)
            again = self.curl("/", "--etag-compare", tag, "--write-out", "%{http_code}", "--output", "/dev/null")
            self.assertEqual(again, "304")
            os.utime(body)
            newer = self.curl("/", "--time-cond", body, "--write-out", "%{http_code}", "--output", "/dev/null")
            self.assertEqual(newer, "304")

    def test_a_folder_is_its_index(self):
        self.assertEqual(self.curl("/docs/"), "docs")
        self.assertEqual(self.curl("/docs", "--location"), "docs")

    def test_nothing_outside_is_reached(self):
        for path in ("/../../../../etc/passwd", "/docs/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd"):
            with self.subTest(path=path):
                self.assertEqual(self.curl(path, "--path-as-is", "--write-out", "%{http_code}"), "400")

    def test_a_connection_on_which_nothing_is_asked_ends(self):
        with self.net.connect(PORT) as connection:
            self.assertEqual(connection.recv(1), b"")
        with self.net.connect(PORT) as connection:
            connection.sendall(request("/docs/"))
            Response(connection)
            self.assertEqual(connection.recv(1), b"")

    def test_a_request_without_an_end_gets_408(self):
        with self.net.connect(PORT) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
            answer = receive_all(connection)
        self.assertTrue(answer.startswith(b"HTTP/1.1 408"), answer)

    def test_a_connection_ends_with_its_last_request(self):
        with self.net.connect(PORT) as connection:
            for _ in range(4):
                connection.sendall(request("/docs/"))
                self.assertNotIn("connection", Response(connection).headers)
            connection.sendall(request("/docs/") + request("/docs/"))
            answer = receive_all(connection)
        self.assertIn(b"Connection: close", answer)
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 1)
