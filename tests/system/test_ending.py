# SPDX-License-Identifier: BSD-3-Clause
"""tern's own end: clean on SIGINT and SIGTERM, with nothing left behind, and nothing for the sanitizers to report."""

import re
import signal
import subprocess
import time
import unittest
from pathlib import Path

from harness import CHARGEN, CLOSED, ECHO, HTTP, ON_ALL_CPUS, ROOT, SANITIZED_BINARY, SERVER, Net, Tern, abort, run
from peer_case import Response, get, request
from test_transfer import MIB, drop, echo_through, fetch_pattern


def links(net=None):
    return run("ip", "-brief", "link").stdout if net is None else net.run("ip", "-brief", "link").stdout


class Ending(unittest.TestCase):
    def end_with(self, number):
        with Net() as net, Tern(net) as tern:
            busy = [net.connect(HTTP), net.connect(CHARGEN), net.connect(ECHO)]
            busy[0].sendall(request("/bytes/1073741824"))
            busy[0].recv(65536)
            status = tern.stop(number)
            self.assertEqual(status, 0, tern.output)
            self.assertNotIn(tern.tap, links() + links(net))
            self.assertEqual(tern.files_left(), [])
            self.assertRegex(tern.output, r"connections_accepted\D+3\b")
            for connection in busy:
                connection.close()

    def test_sigint_ends_cleanly_with_connections_open(self):
        self.end_with(signal.SIGINT)

    def test_sigterm_ends_cleanly_with_connections_open(self):
        self.end_with(signal.SIGTERM)

    def test_a_second_signal_while_ending_does_no_harm(self):
        with Net() as net, Tern(net) as tern:
            tern.process.send_signal(signal.SIGTERM)
            tern.process.send_signal(signal.SIGINT)
            self.assertEqual(tern.stop(), 0, tern.output)

    def test_a_namespace_that_is_removed_under_tern_does_not_take_it_down(self):
        with Net() as net, Tern(net) as tern:
            net.connect(ECHO).close()
            net.close()
            time.sleep(0.5)
            self.assertTrue(tern.is_running(), tern.output)
            self.assertEqual(tern.stop(), 0, tern.output)

    def test_two_terns_run_beside_each_other(self):
        with Net() as net, Tern(net) as tern, Net() as other_net, Tern(other_net) as other:
            self.assertEqual(get(net, "/").status, 200)
            self.assertEqual(get(other_net, "/").status, 200)
            self.assertEqual((tern.count("connections_accepted"), other.count("connections_accepted")), (1, 1))


class Demo(unittest.TestCase):
    def expect_nothing_left(self, said):
        name = re.search(r"tern-demo-\d+", said)
        self.assertIsNotNone(name, said)
        self.assertNotIn(name[0], run("ip", "netns", "list").stdout)
        self.assertNotRegex(links(), r"\btern0\b")
        self.assertFalse(Path("/var/run/dpdk", name[0]).exists())
        self.assertEqual(run("pgrep", "-f", f"file-prefix={name[0]}", check=False).stdout, "")

    def test_demo_once_works_and_leaves_nothing_behind(self):
        done = run(*ON_ALL_CPUS, ROOT / "scripts/demo", "--once", timeout=300)
        self.assertIn("HTTP/1.1 200", done.stdout)
        self.assertRegex(done.stdout, r"connections_accepted +\+1\b")
        self.expect_nothing_left(done.stdout)

    def test_demo_of_the_load_balancer_shows_a_server_go_and_come_back(self):
        done = run(*ON_ALL_CPUS, ROOT / "scripts/demo", "--balance", "--once", timeout=300)
        said = done.stdout
        killed, returned = said.index("Server b is killed"), said.index("Server b returns")
        self.assertRegex(said[:killed], r"web/b +UP +L7OK")
        self.assertRegex(said[killed:returned], r"web/b +DOWN")
        self.assertRegex(said[returned:], r"web/b +UP +L7OK")
        self.assertRegex(said, r"[0-9]+ requests; failed, being under way as b was killed: [01]\b")
        self.expect_nothing_left(said)

    def test_a_demo_that_is_terminated_leaves_nothing_behind(self):
        with subprocess.Popen([*ON_ALL_CPUS, ROOT / "scripts/demo"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True) as demo:
            said = ""
            for line in demo.stdout:
                said += line
                if "until Ctrl-C" in line:
                    break
            demo.send_signal(signal.SIGTERM)
            said += demo.stdout.read()
            self.assertEqual(demo.wait(60), 143, said)
        self.expect_nothing_left(said)


class Sanitized(unittest.TestCase):
    """The same programs built with the address and undefined-behaviour sanitizers, through a bit of everything."""

    def test_the_sanitizers_report_nothing(self):
        if not SANITIZED_BINARY.exists():
            self.fail(f"{SANITIZED_BINARY} is missing: scripts/build sanitize makes it")
        with Net() as net, Tern(net, binary=SANITIZED_BINARY) as tern:
            self.assertEqual(get(net, "/").status, 200)
            self.assertEqual(get(net, "/nothing").status, 404)
            with net.connect(HTTP) as connection:
                fetch_pattern(connection, 8 * MIB)
            with net.connect(ECHO) as connection:
                self.assertEqual(*echo_through(connection, 8 * MIB, seed=6))
            with net.connect(HTTP) as connection:
                connection.sendall(b"nonsense\r\n\r\n")
                self.assertEqual(Response(connection).status, 400)
            with net.socket() as client:
                self.assertRaises(ConnectionRefusedError, client.connect, (SERVER, CLOSED))
            for port in (CHARGEN, HTTP, ECHO):
                connection = net.connect(port)
                connection.sendall(request("/bytes/1000000"))
                connection.recv(100)
                abort(connection)
            drop(net, "INPUT")
            drop(net, "OUTPUT")
            with net.connect(ECHO) as connection:
                self.assertEqual(*echo_through(connection, 2 * MIB, seed=7))
            still_open = net.connect(ECHO)
            status = tern.stop()
            still_open.close()
            report = re.search(r"(?:ERROR: \w+Sanitizer|runtime error:)[^\n]*", tern.output)
            self.assertIsNone(report, tern.output)
            self.assertEqual(status, 0, tern.output)
