# SPDX-License-Identifier: BSD-3-Clause
"""Servers behind tern's load balancer: nginx, HAProxy, and plain sockets that a test plays itself."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from harness import PATIENCE, _open, eventually

NETWORK = "192.0.2"
PAGE = bytes(32 + i % 95 for i in range(3000))  # printable, and what each server has at /page


class Host:
    """An address of its own in the clients' namespace."""

    def __init__(self, net, number):
        self.net = net
        self.address = f"{NETWORK}.{number}"
        net.run("ip", "address", "add", f"{self.address}/24", "dev", net.tap)

    def listen(self, port, backlog=1024):
        """A listening socket that the test serves itself."""
        listener = self.net.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address, port))
        listener.listen(backlog)
        return listener


class Daemon:
    """A server that runs in the foreground with a folder of its own, and can be killed and started again."""

    def __init__(self, host, port, name):
        self.host, self.port, self.name = host, port, name
        self.folder = Path(tempfile.mkdtemp(prefix="tern-backend-"))
        os.chmod(self.folder, 0o755)
        self.process = None
        _open.append(self)

    def command(self):
        raise NotImplementedError

    def start(self):
        with self.host.net.inside(), open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            start_new_session=True)
        eventually(lambda: f"{self.name} listens: {(self.folder / 'output').read_text()}", self.answers)
        return self

    def answers(self):
        with self.host.net.inside(), socket.socket() as probe:
            probe.settimeout(PATIENCE)
            return probe.connect_ex((self.host.address, self.port)) == 0

    def kill(self):
        """SIGKILL to it and to what it has started."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, 9)
            except ProcessLookupError:
                pass
            self.process.wait(PATIENCE)
            self.process = None

    def close(self):
        if self in _open:
            _open.remove(self)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Nginx(Daemon):
    """Serves /name, /page, what is put into its root, and /client: whom it takes for the client."""

    def __init__(self, host, port=80, name="a", proxy_protocol=False):
        super().__init__(host, port, name)
        self.root = self.folder / "root"
        self.root.mkdir()
        (self.root / "name").write_text(name)
        (self.root / "page").write_bytes(PAGE)
        accept = " proxy_protocol" if proxy_protocol else ""
        told = "$proxy_protocol_addr:$proxy_protocol_port" if proxy_protocol else "$remote_addr:$remote_port"
        (self.folder / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; error_log {self.folder}/error.log; pid {self.folder}/pid; user root;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000; default_type text/plain;
  client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy; fastcgi_temp_path {self.folder}/fastcgi;
  uwsgi_temp_path {self.folder}/uwsgi; scgi_temp_path {self.folder}/scgi;
  server {{
    listen {host.address}:{port}{accept} backlog=4096;
    root {self.root};
    location = /client {{ return 200 "{told}"; }}
  }}
}}
""")

    def command(self):
        return ["nginx", "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder)]


class Haproxy(Daemon):
    """Serves /page, and answers other requests by the client that a PROXY header told it of, and by the header's unique id."""

    def __init__(self, host, port=80, name="h"):
        super().__init__(host, port, name)
        (self.folder / "page").write_bytes(PAGE)
        (self.folder / "haproxy.cfg").write_text(f"""
global
  maxconn 4096
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 5s
frontend front
  bind {host.address}:{port} accept-proxy
  http-request return status 200 content-type text/plain file {self.folder}/page if {{ path /page }}
  http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port] %[fc_pp_unique_id,hex]"
""")

    def command(self):
        return ["haproxy", "-db", "-f", str(self.folder / "haproxy.cfg")]


def pool(name, backends, **keys):
    """[[pool]] and [[backend]] tables: backends are (name, address, port) or (name, address, port, {key: value})."""
    text = f'[[pool]]\nname = "{name}"\n' + _keys(keys)
    for backend in backends:
        own, address, port, *more = backend
        text += f'[[backend]]\npool = "{name}"\nname = "{own}"\naddress = "{address}:{port}"\n' + _keys(*more or [{}])
    return text


def proxy(name, listen, to, **keys):
    return f'[[service]]\nname = "{name}"\nkind = "proxy"\nlisten = ["{listen}"]\npool = "{to}"\n' + _keys(keys)


def _keys(keys):
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
