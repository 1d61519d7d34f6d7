# SPDX-License-Identifier: BSD-3-Clause
"""Ethernet frames built byte by byte, for what the kernel would never send.

As a program it floods tern with SYNs from random sources, as many as told, and prints how many it sent:
    raw_frames.py flood DEVICE SERVER_MAC SERVER_ADDRESS PORT COUNT
"""

import random
import socket
import struct
import sys

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ethernet(to, sender, payload, ether_type=0x0800):
    return to + sender + struct.pack("!H", ether_type) + payload


def ipv4(source, destination, payload, protocol=6, **wrong):
    """An IPv4 packet; wrong replaces version, words, total_length, fragment, check or options."""
    options = wrong.get("options", b"")
    words = wrong.get("words", 5 + len(options) // 4)
    header = struct.pack("!BBHHHBBH4s4s", wrong.get("version", 4) << 4 | words, 0,
                         wrong.get("total_length", 20 + len(options) + len(payload)), 1, wrong.get("fragment", 0), 64,
                         protocol, 0, socket.inet_aton(source), socket.inet_aton(destination)) + options
    header = header[:10] + struct.pack("!H", wrong.get("check", checksum(header))) + header[12:]
    return header + payload


def tcp(source, destination, ports, flags, seq=0, ack=0, options=b"", payload=b"", **wrong):
    """A TCP segment; wrong replaces words (the data offset) or check."""
    words = wrong.get("words", 5 + len(options) // 4)
    segment = struct.pack("!HHIIBBHHH", *ports, seq, ack, words << 4, flags, 65535, 0, 0) + options + payload
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 6, len(segment))
    check = wrong.get("check", checksum(pseudo + segment))
    return segment[:16] + struct.pack("!H", check) + segment[18:]


def segment_of(frame):
    """Ports (from, to), seq, ack and flags of a frame's TCP segment; nothing where it holds none by IPv4."""
    if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_TCP:
        return None
    at = 14 + 4 * (frame[14] & 0xf)
    from_port, to_port, seq, ack, _, flags = struct.unpack_from("!HHIIBB", frame, at)
    return {"ports": (from_port, to_port), "seq": seq, "ack": ack, "flags": flags}


def flood(device, to, server, port, count):
    """count SYNs with all the usual options from 198.18.0.0/15 (RFC 2544); returns how many the device took."""
    sender = bytes.fromhex("020000000001")
    options = bytes.fromhex("020405b40402080a0000000100000000" "01030307")
    chance = random.Random(1)
    first = ethernet(to, sender, ipv4("198.18.0.0", server, tcp("198.18.0.0", server, (0, port), SYN, options=options)))
    # Each frame is the first with other numbers in it; the checksums follow by RFC 1624, so that this is quick.
    ip_check, tcp_check = (int.from_bytes(first[at:at + 2], "big") ^ 0xffff for at in (24, 50))
    sent = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((device, 0))
        frame = bytearray(first)
        for _ in range(count):
            host, source_port, seq = chance.getrandbits(16), chance.randrange(1024, 65536), chance.getrandbits(32)
            struct.pack_into("!H", frame, 28, host)
            struct.pack_into("!HHI", frame, 34, source_port, port, seq)
            struct.pack_into("!H", frame, 24, _folded(ip_check + host))
            struct.pack_into("!H", frame, 50, _folded(tcp_check + host + source_port + (seq >> 16) + (seq & 0xffff)))
            try:
                raw.send(frame)
                sent += 1
            except OSError:
                pass  # the device's queue is full: as lossy as a network
    return sent


def _folded(total):
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff


if __name__ == "__main__":
    _, _, DEVICE, MAC, ADDRESS, PORT, COUNT = sys.argv
    print(flood(DEVICE, bytes.fromhex(MAC), ADDRESS, int(PORT), int(COUNT)))
