# SPDX-License-Identifier: BSD-3-Clause
"""What comes from strangers: floods and frames that no honest host sends."""

import socket
import subprocess
import sys
import time
from pathlib import Path

from harness import CLIENT, CLOSED, ECHO, PATIENCE, SERVER, eventually
from peer_case import PeerCase
from raw_frames import ACK, FIN, PSH, RST, SYN, ethernet, ipv4, tcp

SYNS = 200000
GENERATOR = str(Path(__file__).with_name("raw_frames.py"))


class Flood(PeerCase):
    configuration = {"dataplane": {"max_connections": 1000}}

    def flood(self, port, count):
        with self.net.inside():
            return subprocess.Popen([sys.executable, "-B", GENERATOR, "flood", self.net.tap, self.net.mac().hex(), SERVER,
                                     str(port), str(count)], stdout=subprocess.PIPE, text=True)

    def serve_clients(self, generator):
        """Real clients, one after the other, until the generator has ended; each must be served. Returns how many there were,
        which is a matter of the machine's speed."""
        served = 0
        while generator.poll() is None:
            with self.net.connect(ECHO) as client:
                client.sendall(b"%d" % served)
                self.assertEqual(client.recv(100), b"%d" % served)
            served += 1
            time.sleep(0.01)
        return served

    def test_a_syn_flood_leaves_real_clients_served_and_allocates_nothing(self):
        before = self.tern.counters()
        cookies, accepted = self.tern.count("cookies_sent"), self.tern.count("connections_accepted")
        generator = self.flood(ECHO, SYNS)
        served = self.serve_clients(generator)
        sent = int(generator.communicate(timeout=PATIENCE)[0])
        self.assertGreater(served, 0)
        self.assertGreater(sent, SYNS // 2)
        # The tap may lose what overflows its queue, and the kernel does not say how much.
        self.tern.expect_count("cookies_sent", cookies + sent // 4)
        self.assertEqual(self.tern.count("connections_accepted"), accepted + served)
        self.assertEqual(self.tern.count("connections_refused_full"), 0)
        self.assertEqual(self.tern.count("connections_refused_memory"), 0, before)
        self.expect_no_connections()

    def test_hping3_floods_as_well(self):
        before = self.tern.count("syns_received")
        self.net.run("hping3", "--syn", "--rand-source", "--faster", "-c", "20000", "-q", "-p", ECHO, "-I", self.net.tap,
                     SERVER, check=False, timeout=60)
        self.tern.expect_count("syns_received", before + 1000)
        with self.net.connect(ECHO) as client:
            client.sendall(b"x")
            self.assertEqual(client.recv(1), b"x")

    def test_a_flood_of_a_closed_port_leaves_real_clients_served(self):
        self.assertGreater(self.serve_clients(self.flood(CLOSED, SYNS // 4)), 0)

    def test_invented_third_segments_open_no_connection(self):
        invalid, accepted = self.tern.count("cookies_invalid"), self.tern.count("connections_accepted")
        to, sender = self.net.mac(), self.net.client_mac()
        with self.net.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((self.net.tap, 0))
            for number in range(1000):
                segment = tcp(CLIENT, SERVER, (20000 + number, ECHO), ACK, seq=number * 7919, ack=number * 104729)
                raw.send(ethernet(to, sender, ipv4(CLIENT, SERVER, segment)))
        self.tern.expect_count("cookies_invalid", invalid + 900)
        self.assertEqual(self.tern.count("connections_accepted"), accepted)


class SynQueue(PeerCase):
    """What both modes with a SYN queue share."""

    flood = Flood.flood

    def half_open(self):
        return self.tern.telemetry("/tern/services")["echo"]["half_open"]

    def echo(self, client, text):
        client.sendall(text)
        self.assertEqual(client.recv(100), text)

    def expect_flood_forgotten(self):
        """Nothing is left of a flood once the SYN-ACKs' retries are used up."""
        eventually(lambda: f"no half-open connection; there are {self.half_open()}", lambda: self.half_open() == 0)
        self.expect_no_connections()


class SynQueueWithCookies(SynQueue):
    configuration = {"dataplane": {"max_connections": 1000},
                     "tcp": {"cookies": "when-full", "syn_backlog": 256, "syn_ack_retries": 1}}

    def test_a_handshake_is_queued_and_takes_no_cookie(self):
        sent, queued = self.tern.count("cookies_sent"), self.tern.count("syns_queued")
        for _ in range(20):
            with self.net.connect(ECHO) as client:
                self.echo(client, b"queued")
        self.tern.expect_count("syns_queued", queued + 20)
        self.assertEqual(self.tern.count("cookies_sent"), sent)
        self.expect_no_connections()

    def test_a_flood_is_answered_by_cookies_once_the_queue_is_full_and_clients_are_served(self):
        with self.net.connect(ECHO) as early:
            generator = self.flood(ECHO, SYNS // 4)
            served = Flood.serve_clients(self, generator)
            generator.communicate(timeout=PATIENCE)
            self.assertGreater(served, 0)
            self.assertGreater(self.tern.count("syns_answered_full"), 1000)
            self.assertLessEqual(self.half_open(), 256)
            self.echo(early, b"still here")
        self.expect_flood_forgotten()


class SynQueueWithoutCookies(SynQueue):
    configuration = {"dataplane": {"max_connections": 1000},
                     "tcp": {"cookies": "never", "syn_backlog": 256, "syn_ack_retries": 1}}

    def test_a_flood_is_dropped_once_the_queue_is_full_and_clients_are_served_afterwards(self):
        with self.net.connect(ECHO) as early:
            self.flood(ECHO, SYNS // 4).communicate(timeout=PATIENCE)
            self.assertGreater(self.tern.count("syns_dropped_full"), 1000)
            self.assertGreater(self.tern.count("listen_drops"), 1000)
            self.assertEqual(self.tern.count("cookies_sent"), 0)
            self.assertLessEqual(self.half_open(), 256)
            self.echo(early, b"still here")
        self.expect_flood_forgotten()
        with self.net.connect(ECHO) as late:
            self.echo(late, b"served again")


class Malformed(PeerCase):
    """Each frame is dropped, its reason is counted, and tern goes on."""

    def expect_drop(self, reason, frame, copies=3):
        before = self.tern.count(reason)
        with self.net.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((self.net.tap, 0))
            for _ in range(copies):
                raw.send(frame)
        self.tern.expect_count(reason, before + copies)

    def frames(self):
        """(counter, frame) for each kind."""
        to, sender = self.net.mac(), self.net.client_mac()
        ports = (1234, ECHO)

        def packet(payload=b"", protocol=6, **wrong):
            return ethernet(to, sender, ipv4(CLIENT, SERVER, payload, protocol, **wrong))

        def segment(flags=SYN, **wrong):
            return packet(tcp(CLIENT, SERVER, ports, flags, **wrong))

        good = tcp(CLIENT, SERVER, ports, SYN)
        other = bytes.fromhex("02fedcba9876")
        yield "frame_not_ours", ethernet(other, sender, ipv4(CLIENT, SERVER, good))
        yield "frame_source", ethernet(to, b"\xff" * 6, ipv4(CLIENT, SERVER, good))
        yield "vlan_unknown", ethernet(to, sender, b"\x00\x05\x08\x00" + ipv4(CLIENT, SERVER, good), 0x8100)
        yield "ether_type_unknown", ethernet(to, sender, bytes(46), 0x88b5)
        yield "arp_malformed", ethernet(to, sender, bytes(10), 0x0806)
        yield "ipv4_too_short", ethernet(to, sender, bytes(10))
        yield "ipv4_version", packet(good, version=5)
        yield "ipv4_header_length", packet(good, words=4)
        yield "ipv4_header_length", ethernet(to, sender, ipv4(CLIENT, SERVER, b"", words=15))
        yield "ipv4_total_length", packet(good, total_length=19)
        yield "ipv4_total_length", packet(good, total_length=1400)
        yield "ipv4_checksum", packet(good, check=0x1234)
        yield "ipv4_source", ethernet(to, sender, ipv4("127.0.0.1", SERVER, tcp("127.0.0.1", SERVER, ports, SYN)))
        yield "ipv4_source", ethernet(to, sender, ipv4("224.0.0.1", SERVER, tcp("224.0.0.1", SERVER, ports, SYN)))
        yield "ipv4_not_ours", ethernet(to, sender, ipv4(CLIENT, "192.0.2.99", tcp(CLIENT, "192.0.2.99", ports, SYN)))
        yield "ipv4_fragment", packet(good, fragment=0x2000)
        yield "ipv4_fragment", packet(good, fragment=185)
        yield "ipv4_source_route", packet(good, options=bytes.fromhex("8307040a00000100"))
        yield "ipv4_protocol", packet(good, protocol=132)
        yield "icmp_too_short", packet(b"\x08\x00", protocol=1)
        yield "icmp_checksum", packet(b"\x08\x00\x12\x34\x00\x00\x00\x00", protocol=1)
        yield "tcp_too_short", packet(good[:19])
        yield "tcp_data_offset_small", segment(words=4)
        yield "tcp_data_offset_small", segment(words=0)
        yield "tcp_data_offset_large", segment(words=15)
        yield "tcp_port_zero", packet(tcp(CLIENT, SERVER, (0, ECHO), SYN))
        yield "tcp_port_zero", packet(tcp(CLIENT, SERVER, (1234, 0), SYN))
        yield "tcp_checksum", segment(check=0x1234)

    def test_each_malformed_frame_is_dropped_with_its_reason(self):
        for reason, frame in self.frames():
            with self.subTest(reason=reason, frame=frame.hex()):
                self.expect_drop(reason, frame)
        self.net.connect(ECHO).close()

    def test_options_of_length_zero_and_one_and_beyond_the_header_are_survived(self):
        to, sender = self.net.mac(), self.net.client_mac()
        before = self.tern.count("syns_received")
        options = ["02000000", "02010000", "03000000", "080a0000", "080a000000000000", "05020000", "05ff0000", "00000000",
                   "01010102", "02040000", "0204000103030fff", "fe00", "fd01"]
        with self.net.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((self.net.tap, 0))
            for number, text in enumerate(options):
                data = bytes.fromhex(text).ljust(-(-len(text) // 8) * 4, b"\1")
                segment = tcp(CLIENT, SERVER, (3000 + number, ECHO), SYN, options=data)
                raw.send(ethernet(to, sender, ipv4(CLIENT, SERVER, segment)))
        self.tern.expect_count("syns_received", before + len(options))
        self.net.connect(ECHO).close()

    def test_every_combination_of_flags_is_survived(self):
        to, sender = self.net.mac(), self.net.client_mac()
        before = self.tern.count("segments_received")
        with self.net.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((self.net.tap, 0))
            for flags in range(256):
                for port in (ECHO, CLOSED):
                    segment = tcp(CLIENT, SERVER, (4000 + flags, port), flags, seq=flags, ack=1, payload=b"text")
                    raw.send(ethernet(to, sender, ipv4(CLIENT, SERVER, segment)))
        self.tern.expect_count("segments_received", before + 500)
        self.net.connect(ECHO).close()

    def test_resets_and_syns_with_guessed_numbers_do_not_end_a_connection(self):
        to, sender = self.net.mac(), self.net.client_mac()
        with self.net.connect(ECHO) as client:
            port = client.getsockname()[1]
            with self.net.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
                raw.bind((self.net.tap, 0))
                for number in range(200):
                    for flags in (RST, RST | ACK, SYN, FIN | ACK, PSH | ACK):
                        segment = tcp(CLIENT, SERVER, (port, ECHO), flags, seq=number * 21474836, ack=number * 104729,
                                      payload=b"evil" if flags & PSH else b"")
                        raw.send(ethernet(to, sender, ipv4(CLIENT, SERVER, segment)))
            client.sendall(b"still here")
            self.assertEqual(client.recv(100), b"still here")
