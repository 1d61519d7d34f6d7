# SPDX-License-Identifier: BSD-3-Clause
"""Who is measured, each started afresh for each run: tern under ternload over memif, bare frames over the same wire, and nginx on
the kernel over a veth pair. A run returns {"rate": ..., ...}; docs/performance.md explains the keys."""

import json
import re
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from machine import BUILD, CLIENT_CPU, SERVER_CPU, Process, harness, put_first, read_json
import backends  # of tests/system: tables of pools and proxies

SERVER, CLIENT = "192.0.2.2", "192.0.2.64"
BACKEND_PORT = "198.51.100.1"  # where tern's proxy is a client
BACKENDS = [f"198.51.100.{number}" for number in range(11, 19)]
PROXY = 8080
BULK_BYTES = 65536
WARM_UP = 1.0  # seconds, in each run
SIEGE_CLIENTS, SIEGE_SYNS = 100_000, 4_000_000  # a second


def memif(role, socket, zero_copy="yes", ring=10):
    """ring: the logarithm of how many frames each ring holds, as the client wants it."""
    return f"role={role},socket={socket},socket-abstract=no" + (f",zero-copy={zero_copy},rsize={ring}" if role == "client" else "")


class Tern(harness.Tern):
    """tern behind a memif, with all of TCP at its defaults, polling."""

    def __init__(self, *arguments, **keys):
        super().__init__(*arguments, **keys)
        put_first(self.process.pid)

    def configuration(self, connections=100_000, mib=640):
        self.socket = self.folder / "memif.sock"
        arguments = ["--no-pci", "--in-memory", "--single-file-segments", "-m", str(mib), f"--file-prefix={self.tap}"]
        text = (f"[eal]\nargs = {json.dumps(arguments)}\n"
                f"[dataplane]\nworkers = [{SERVER_CPU}]\nidle = \"poll\"\nmax_connections = {connections}\n"
                f"[[port]]\ndevice = \"net_memif0\"\nargs = \"{memif('server', self.socket)}\"\naddresses = [\"{SERVER}/24\"]\n")
        for name, (kind, port) in harness.SERVICES.items():
            text += f"[[service]]\nname = \"{name}\"\nkind = \"{kind}\"\nlisten = [\"{SERVER}:{port}\"]\n"
        return text

    def totals(self):
        """(time, {counter: its sum over all workers and ports}) so far."""
        before = time.monotonic()
        counters = self.counters()
        sums = {}
        for path, value in counters.items():
            name = path.split(".")[-1]
            sums[name] = sums.get(name, 0) + value
        return (before + time.monotonic()) / 2, sums

    def over(self, seconds):
        """What the counters grow by in each of so many seconds."""
        began, first = self.totals()
        time.sleep(seconds)
        ended, last = self.totals()
        return {name: (last[name] - first[name]) / (ended - began) for name in last}


class Backends(Tern):
    """All of the proxy's backends at the other end of its second memif. They share the client's CPU, and sleep as soon as there is
    nothing to do."""

    def configuration(self, socket, ring):
        arguments = ["--no-pci", "--in-memory", "--single-file-segments", "-m", "400", f"--file-prefix={self.tap}"]
        return (f"[eal]\nargs = {json.dumps(arguments)}\n"
                f"[dataplane]\nworkers = [{CLIENT_CPU}]\nidle_sleep_us = 50\nmax_connections = 20000\n"
                f"[[port]]\ndevice = \"net_memif0\"\nargs = \"{memif('client', socket, 'no', ring)}\"\n"
                f"addresses = {json.dumps([f'{address}/24' for address in BACKENDS])}\n"
                f"[[service]]\nname = \"web\"\nkind = \"http\"\nlisten = {json.dumps([f'{address}:80' for address in BACKENDS])}\n")


class Proxy(Tern):
    """tern's proxy between two memifs, its clients' and its backends'."""

    def configuration(self, **keys):
        self.behind = self.folder / "behind.sock"
        return (super().configuration(**keys) +
                f"[[port]]\ndevice = \"net_memif1\"\nargs = \"{memif('server', self.behind)}\"\naddresses = [\"{BACKEND_PORT}/24\"]\n" +
                backends.pool("web", [(f"b{i}", address, 80) for i, address in enumerate(BACKENDS)], check="none") +
                backends.proxy("front", f"{SERVER}:{PROXY}", "web"))


@contextmanager
def proxied(ring):
    """A proxy with its backends."""
    with Proxy() as proxy, Backends(socket=proxy.behind, ring=ring):
        yield proxy


def ternload(seconds, mode, path, options, read_rate, *, units=1, scheme="http", tern_keys=None, more=None,
             zero_copy="yes", serve=Tern, ring=10):
    """One run of tern under ternload. read_rate(outcome, counters): the rate, from ternload's JSON and the growth of tern's counters
    by the second; units: that a rate of one stands for, per second; more(outcome, counters): further keys; serve: what starts
    tern.

    The share of its core that tern's worker spends on rounds with something to do is what the empty ones leave of it, which take as
    long as when nothing comes. ternload says its own."""
    with tempfile.TemporaryDirectory(prefix="tern-bench-") as folder, serve(**(tern_keys or {})) as tern:
        idle_rate = tern.over(0.4)["polls_idle"]
        result = Path(folder) / "result.json"
        command = [BUILD / "app/ternload/ternload", "--in-memory", f"--file-prefix=load{tern.tap}", "--", mode,
                   f"{scheme}://{SERVER}{path}", "--device", f"net_memif0,{memif('client', tern.socket, zero_copy, ring)}",
                   "--address", f"{CLIENT}/24", "--cpu", CLIENT_CPU, "--warm-up", f"{WARM_UP}s", "--duration", f"{seconds}s",
                   "--interval", "100ms", "--json", result, *options]
        with Process("ternload", command, folder, cpus=[CLIENT_CPU]) as load:
            await_measurement(load)
            counters = tern.over(max(seconds - 0.6, 0.5))
            load.wait(seconds + 60, statuses=(0, 1))
        outcome = read_json(result)
    rate = read_rate(outcome, counters)
    share = max(0.0, 1 - counters["polls_idle"] / idle_rate)
    found = {"rate": rate, "share": round(share, 3), "client_share": round(outcome["per_second"]["busy_ns"] / 1e9, 3)}
    found["ns"] = round(share * 1e9 / rate / units, 1) if rate else None
    for key in ("p50", "p99", "p99_9"):
        if outcome["latency_us"]["count"]:
            found[f"latency_{key}_us"] = outcome["latency_us"][key]
    found |= more(outcome, counters) if more else {}
    errors = {kind: count for kind, count in outcome["errors"].items() if count}
    return found | ({"errors": errors} if errors else {})


def await_measurement(load):
    """Until ternload's progress says that what comes now counts."""
    def measures():
        if load.process.poll() is not None:
            raise AssertionError(f"ternload ended too early\n{load.output[-4000:]}")
        return any(" responses/s" in line and "(warm-up)" not in line for line in load.output.splitlines())
    harness.eventually(lambda: f"ternload measures\n{load.output[-4000:]}", measures, 60)


def tern_connections(seconds):
    return ternload(seconds, "connections", "/", ["--in-flight", 1000, "--addresses", 64],
                    lambda outcome, _: outcome["per_second"]["connections_finished"])


def responses(outcome, _):
    return outcome["per_second"]["responses"]


def tern_requests(seconds):
    return ternload(seconds, "requests", "/", ["--in-flight", 1000], responses)


def zero_copies(_, counters):
    """The share of sent text that tern copied."""
    sent = sum(counters[name] for name in ("text_in_place", "text_attached", "text_copied"))
    return {"copied": round(counters["text_copied"] / sent, 6)} if sent else {}


def tern_down(seconds):
    return ternload(seconds, "requests", f"/bytes/{BULK_BYTES}", ["--in-flight", 64],
                    lambda outcome, _: outcome["per_second"]["bytes_received"] * 8 / 1e9, units=1e9 / 8 / BULK_BYTES,
                    more=zero_copies)


def tern_up(seconds):
    # Without the driver's zero-copy, which loses text that lies outside of mbufs, as this does, or dies of it (DPDK 22.11).
    return ternload(seconds, "throughput", f":{harness.DISCARD}", ["--connections", 16, "--direction", "up"],
                    lambda _, counters: counters["bytes_received"] * 8 / 1e9, units=1e9 / 8 / BULK_BYTES, scheme="tcp",
                    zero_copy="no")


# Who shares a CPU is away for milliseconds, which so many connections outlast, and rings that hold a few frames of each.
TURNS = {"ring": 13, "in_flight": 2000}


def proxy_connections(seconds):
    return ternload(seconds, "connections", f":{PROXY}/", ["--in-flight", TURNS["in_flight"], "--addresses", 64],
                    lambda outcome, _: outcome["per_second"]["connections_finished"], serve=lambda: proxied(TURNS["ring"]),
                    ring=TURNS["ring"])


def proxy_bulk(seconds):
    return ternload(seconds, "requests", f":{PROXY}/bytes/{BULK_BYTES}", ["--in-flight", 64],
                    lambda outcome, _: outcome["per_second"]["bytes_received"] * 8 / 1e9, units=1e9 / 8 / BULK_BYTES,
                    more=zero_copies, serve=lambda: proxied(10))


def tern_responses(size):
    """Requests for responses of this many bytes."""
    def run(seconds):
        return ternload(seconds, "requests", f"/bytes/{size}", ["--in-flight", 256], responses)
    return run


def tern_flood(seconds):
    """SYNs alone, as many as ternload can send."""
    return ternload(seconds, "flood", "/", ["--flood", 20e6], lambda _, counters: counters["cookies_sent"],
                    more=lambda outcome, _: {"offered": outcome["per_second"]["flood_syns"]})


def tern_siege(seconds):
    """Clients that come by a schedule while SYNs are answered that nobody will complete."""
    def more(outcome, counters):
        begun = outcome["counts"]["connections_begun"]
        return {"offered": SIEGE_CLIENTS, "overdue": outcome["overdue"], "syns_offered": outcome["per_second"]["flood_syns"],
                "syns_answered": counters["cookies_sent"],
                "retransmitted_share": round(outcome["tcp"]["retransmissions"] / begun, 6) if begun else None}
    return ternload(seconds, "connections", "/", ["--rate", SIEGE_CLIENTS, "--flood", SIEGE_SYNS, "--addresses", 64],
                    lambda outcome, _: outcome["per_second"]["connections_finished"], more=more)


def tern_holding(connections, asking=10_000):
    """So many connections are held, and so many of them ask."""
    def run(seconds):
        return ternload(seconds, "concurrent", "/",
                        ["--connections", connections, "--touch", min(1, asking / connections), "--in-flight", 1000,
                         "--addresses", max(1, connections // 32_000)],
                        responses, tern_keys={"connections": connections + 20_000, "mib": 640 + connections // 2048},
                        more=lambda outcome, _: {"held": outcome["connections"]})
    return run


def raw(seconds, size=74):
    """testpmd sends frames of this many bytes, as large as a SYN with its options; another swaps the addresses and sends them back."""
    common = ["--no-pci", "--in-memory", "--single-file-segments", "-m", "256"]
    with tempfile.TemporaryDirectory(prefix="tern-bench-") as folder:
        socket = Path(folder) / "memif.sock"

        def testpmd(name, role, lcores, *options):
            return Process(name, ["dpdk-testpmd", "--lcores", lcores, *common, f"--file-prefix={name}{Path(folder).name}",
                                  f"--vdev=net_memif0,{memif(role, socket)}", "--", "--stats-period=1", "--auto-start", *options], folder)
        with testpmd("macswap", "server", f"(0,2)@{CLIENT_CPU},1@{SERVER_CPU}", "--forward-mode=macswap") as swap:
            harness.eventually("testpmd opens its memif", socket.exists)
            with testpmd("flowgen", "client", f"(0,2)@{SERVER_CPU},1@{CLIENT_CPU}", "--forward-mode=flowgen", f"--txpkts={size}"):
                harness.eventually(lambda: f"frames come\n{swap.output[-2000:]}", lambda: swapped(swap))
                time.sleep(WARM_UP + seconds + 1)
            rates = sorted(swapped(swap)[1:-1])  # the first and the last second were not whole
    rate = rates[len(rates) // 2]
    return {"rate": rate, "ns": round(1e9 / rate, 1)}


def swapped(swap):
    """Frames that testpmd received, in each second that it has told of."""
    return [int(rate) for rate in re.findall(r"Rx-pps:\s+(\d+)", swap.output) if int(rate)]


NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen {server}:80 backlog=4096; root {folder}/www; }}
}}
"""


@contextmanager
def nginx(folder):
    """nginx in a namespace, on the server's CPU; yields (the client's namespace, nginx)."""
    page = Path(folder) / "www"
    page.mkdir()
    (page / "index.html").write_text("x" * 160, encoding="utf-8")  # as large as tern's page
    (page / "bulk").write_bytes(bytes(BULK_BYTES))
    Path(folder).chmod(0o755)
    configuration = Path(folder) / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, server=SERVER), encoding="utf-8")
    with harness.Net() as server, harness.Net() as client:
        near, far = harness.unique_name(), harness.unique_name()
        harness.run("ip", "link", "add", near, "netns", server.name, "type", "veth", "peer", "name", far, "netns", client.name)
        for net, name, address in ((server, near, SERVER), (client, far, CLIENT)):
            net.run("ip", "address", "add", f"{address}/24", "dev", name)
            net.run("ip", "link", "set", name, "up")
            net.run("sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=1024 65535", "net.core.somaxconn=4096")
        with Process("nginx", ["nginx", "-c", configuration], folder, cpus=[SERVER_CPU], net=server) as process:
            harness.eventually("nginx listens", lambda: f"{SERVER}:80" in server.run("ss", "-ltn").stdout)
            yield client, process


def wrk(seconds, path, connections, *options):
    """(requests per second, bytes per second, the core's share) of nginx under wrk."""
    with tempfile.TemporaryDirectory(prefix="tern-bench-") as folder, nginx(folder) as (client, server):
        command = ["wrk", "--threads", 1, "--connections", connections, *options, "--duration", f"{int(WARM_UP + seconds)}s",
                   f"http://{SERVER}{path}"]
        with Process("wrk", command, folder, cpus=[CLIENT_CPU], net=client) as load:
            output = load.wait(seconds + 60)
        del server
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])
    amount, unit = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?)B", output).groups()
    errors = re.search(r"Socket errors: (.*)", output)
    return rate, float(amount) * 1024 ** " KMG".index(unit or " "), errors[1] if errors else None


def nginx_connections(seconds):
    return {"rate": wrk(seconds, "/index.html", 64, "--header", "Connection: close")[0]}


def nginx_requests(seconds):
    return {"rate": wrk(seconds, "/index.html", 64)[0]}


def nginx_bulk(seconds):
    return {"rate": wrk(seconds, "/bulk", 16)[1] * 8 / 1e9}
