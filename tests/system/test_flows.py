# SPDX-License-Identifier: BSD-3-Clause
"""/tern/flows: what tern says of single connections, beside what the kernel says of the same ones."""

import os
import re
import socket
import threading
import unittest

from harness import CHARGEN, CLIENT, CPUS, DISCARD, ECHO, HTTP, ROOT, SERVER, Net, Tern, eventually, receive_exactly, run
from peer_case import PeerCase, Response, request


def walk(tern, *keys):
    """Every flow that the keys let pass, page by page."""
    flows, command = {}, ",".join(["/tern/flows", *keys])
    while True:
        page = tern.telemetry(command)
        assert "error" not in page, page
        following = page.pop("next")
        assert not flows.keys() & page.keys(), "met twice"
        flows |= page
        if not following:
            return flows
        command = f"/tern/flows,{following}"


class Flows(PeerCase):
    configuration = {"tcp": {"cookies": "when-full", "account_limits": True, "msl_s": 2}}

    def setUp(self):
        super().setUp()
        self.expect_no_connections()

    def walk(self, *keys):
        return walk(self.tern, *keys)

    def flow_of(self, client):
        """What tern says of the kernel's connection; none where there is nothing."""
        address, port = client.getsockname()
        found = list(self.walk(f"remote={address}:{port}").values())
        self.assertLessEqual(len(found), 1)
        return found[0] if found else None

    def kernel_of(self, client):
        """What ss -ti has of it: its state, and {"bytes_acked": "5", "mss": "1448", ...}."""
        port = client.getsockname()[1]
        text = self.net.run("ss", "-Htin", "state", "all", f"sport = :{port}").stdout
        return text.split()[0], dict(re.findall(r"([a-z_]+):([^ \n]+)", text))

    def kernel_queue(self, client):
        """Bytes that the kernel holds for a client which does not read."""
        port = client.getsockname()[1]
        return int(self.net.run("ss", "-Htn", "state", "established", f"sport = :{port}").stdout.split()[0])

    def expect_state(self, client, state):
        eventually(lambda: f"{state}; it is {self.flow_of(client)}", lambda: (self.flow_of(client) or {}).get("state") == state)

    def test_agrees_with_the_kernel_about_a_connection(self):
        retransmitted = self.tern.count("retransmissions")
        with self.net.connect(ECHO) as client:
            for _ in range(20):
                client.sendall(bytes(3000))
                receive_exactly(client, 3000)
            # The kernel's last acknowledgment may be on its way.
            eventually("all is acknowledged", lambda: self.flow_of(client)["bytes_acked"] == 60000)
            flow = self.flow_of(client)
            state, kernel = self.kernel_of(client)
            local = f"{CLIENT}:{client.getsockname()[1]}"
        self.assertEqual((state, flow["state"]), ("ESTAB", "ESTABLISHED"))
        self.assertEqual((flow["local"], flow["remote"], flow["service"]), (f"{SERVER}:{ECHO}", local, "echo"))
        # The kernel counts what it sends again; tern counts each byte once.
        self.assertEqual(flow["bytes_received"], int(kernel["bytes_sent"]) - int(kernel.get("bytes_retrans", 0)))
        self.assertEqual(flow["bytes_sent"], int(kernel["bytes_received"]))
        self.assertEqual(flow["mss"], int(kernel["mss"]))
        self.assertEqual((flow["unsent"], flow["unread"], flow["in_flight"]), (0, 0, 0))
        self.assertEqual((flow["loss"], flow["congestion"]), ("open", "cubic"))
        self.assertEqual(flow["retransmissions"], self.tern.count("retransmissions") - retransmitted)
        self.assertEqual((flow["limited_by"], flow["place"]), ("idle", "awake"))
        self.assertEqual(flow["options"].split()[:2], ["ts", "sack"])
        scales = kernel["wscale"].split(",")  # theirs of us, and theirs
        self.assertIn(f"wscale:{scales[1]}/{scales[0]}", flow["options"])
        # A round trip over a tap is shorter than a tenth of a second, at either end.
        self.assertTrue(0 < flow["rtt_us"] < 100000, flow)
        self.assertTrue(0 < float(kernel["rtt"].split("/")[0]) < 100, kernel)
        self.assertGreaterEqual(flow["cwnd"], flow["mss"])
        self.assertGreaterEqual(flow["rto_us"], flow["rtt_us"])

    def test_shows_that_a_peer_does_not_read(self):
        with self.net.connect(CHARGEN, receive_buffer=4096) as client:
            eventually(lambda: f"the peer's window is closed; it is {self.flow_of(client)}",
                       lambda: self.flow_of(client)["limited_by"] == "receiver")
            eventually("time passes", lambda: self.flow_of(client).get("receiver_ms", 0) > 0)
            flow = self.flow_of(client)
            self.assertGreater(flow["unsent"], 0)
            # It has all that the kernel has taken in and nobody read.
            eventually("both ends agree", lambda: self.flow_of(client)["bytes_acked"] == self.kernel_queue(client))

    def test_names_the_states_as_the_kernel_does(self):
        with self.net.connect(HTTP) as client:
            client.sendall(request("/bytes/30000000"))
            client.shutdown(socket.SHUT_WR)
            self.expect_state(client, "CLOSE-WAIT")
            self.assertEqual(self.kernel_of(client)[0], "FIN-WAIT-2")
        with self.net.connect(HTTP) as client:
            client.sendall(request("/", "Connection: close"))
            Response(client)
            self.assertEqual(client.recv(1), b"")
            self.expect_state(client, "FIN-WAIT-2")
            self.assertEqual(self.kernel_of(client)[0], "CLOSE-WAIT")
            client.shutdown(socket.SHUT_WR)
            self.expect_state(client, "TIME-WAIT")
            flow = self.flow_of(client)
            self.assertEqual((flow["place"], flow["service"]), ("time-wait", "web"))
            self.assertTrue(0 < flow["time_wait_ms"] <= 4000, flow)
            self.assertEqual(list(self.walk("state=TIME-WAIT", f"remote={CLIENT}:{client.getsockname()[1]}").values())[0]["state"], "TIME-WAIT")

    def test_each_connection_is_shown_once_on_many_pages(self):
        clients = [self.net.connect(ECHO if i % 2 else DISCARD) for i in range(200)]
        try:
            eventually("all are open", lambda: self.tern.connections()["ESTABLISHED"] == 200)
            flows = self.walk("state=ESTABLISHED").values()
            self.assertEqual(len(flows), 200)
            self.assertEqual({flow["remote"] for flow in flows}, {f"{CLIENT}:{client.getsockname()[1]}" for client in clients})
            self.assertEqual(len(self.walk("service=echo")), 100)
            self.assertEqual(self.walk("service=web"), {})
            self.assertEqual(len(self.walk(f"remote={CLIENT}/24", "worker=0")), 200)
            self.assertEqual(self.walk("remote=198.51.100.0/24"), {})
        finally:
            for client in clients:
                client.close()

    def script(self, *keys, **options):
        """scripts/flows, which asks this tern."""
        environment = os.environ | {"RUNTIME_DIRECTORY": str(self.tern.folder)}
        return run(ROOT / "scripts/flows", "-f", self.tern.tap, *keys, env=environment, **options)

    def test_the_script_prints_all_pages(self):
        clients = [self.net.connect(ECHO) for _ in range(30)]
        try:
            lines = self.script("service=echo", "state=ESTABLISHED").stdout.splitlines()
            self.assertEqual(len(lines), 60)
            port = clients[7].getsockname()[1]
            self.assertIn(f"ESTABLISHED  {SERVER}:{ECHO}  {CLIENT}:{port}  echo  awake", lines)
            self.assertTrue(all(" ts sack " in line and " rtt_us:" in line for line in lines[1::2]), lines)
        finally:
            for client in clients:
                client.close()
        self.assertIn("there are SYN-SENT", self.script("state=open", check=False).stderr)

    def test_a_wrong_parameter_is_answered_by_what_is_allowed(self):
        for wrong, remedy in (("worker=9", "there are 0 to 0"), ("state=open", "CLOSE-WAIT"), ("service=mail", "/tern/services"),
                              ("remote=here", "ADDRESS/BITS"), ("from=1", "WORKER/POSITION"), ("all", "worker=, from=, state=")):
            self.assertIn(remedy, self.tern.telemetry(f"/tern/flows,{wrong}")["error"])
        self.assertIn("there are 0 to 0", self.tern.telemetry("/tern/connections,9")["error"])

    def test_every_command_is_documented_and_no_other(self):
        page = (ROOT / "docs/telemetry.md").read_text()
        documented = set(re.findall(r"^\| `(/tern/[a-z]+)` \|", page, re.MULTILINE))
        self.assertEqual({command for command in self.tern.telemetry("/") if command.startswith("/tern/")}, documented)

    def test_the_link_of_a_tap_in_another_namespace_is_not_known(self):
        self.assertEqual(self.tern.telemetry("/tern/ports")["net_tap0"]["link"], "unknown")

    def test_asked_under_load_harms_nobody(self):
        size, asked, done, resets = 200_000_000, 0, threading.Event(), self.tern.count("resets_sent")
        received = []

        def download():
            with self.net.connect(HTTP) as client:
                client.sendall(request(f"/bytes/{size}", "Connection: close"))
                received.append(len(Response(client).body))
            done.set()
        idle = [self.net.connect(ECHO) for _ in range(100)]
        thread = threading.Thread(target=download)
        thread.start()
        try:
            while not done.is_set():
                self.assertEqual(len(self.walk("service=echo")), 100)
                asked += 1
        finally:
            thread.join()
            for client in idle:
                client.close()
        self.assertEqual(received, [size])
        self.assertGreater(asked, 0)
        self.assertEqual(self.tern.count("resets_sent"), resets)


class FlowsOfTwoWorkers(unittest.TestCase):
    @unittest.skipIf(len(CPUS) < 2, "it takes two CPUs")
    def test_a_walk_passes_from_worker_to_worker(self):
        with Net() as net, Tern(net, dataplane={"workers": CPUS[:2], "max_connections": 1000}) as tern:
            clients = [net.connect(ECHO) for _ in range(64)]  # which the kernel spreads over the tap's two queues
            both = walk(tern, "state=ESTABLISHED")
            self.assertEqual({flow["remote"] for flow in both.values()}, {f"{CLIENT}:{client.getsockname()[1]}" for client in clients})
            first, second = walk(tern, "worker=0", "state=ESTABLISHED"), walk(tern, "worker=1", "state=ESTABLISHED")
            self.assertEqual(sorted(both), sorted([*first, *second]))
            self.assertTrue(first and second)
            for client in clients:
                client.close()
            self.assertEqual(tern.stop(), 0)
