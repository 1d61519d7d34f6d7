# SPDX-License-Identifier: BSD-3-Clause
"""Turns a script written for FreeBSD's TCP into one that says the same of tern's.

Only what no RFC asks for is changed: the order and padding of options in what leaves, the value of SO_RCVBUF once
connected, commands that look into FreeBSD's kernel, the window's edge, and when a bare ACK leaves within RFC 9293's
half second.
"""

import re

OUTBOUND = re.compile(r"^(\s*[+*]?[\d.]*(?:~\+?[\d.]+)?\s*)>\s*(.*)$")
OPTIONS = re.compile(r"<([^>]*)>")
BARE_ACK = re.compile(r"^\.\s+\d+:\d+\(0\)")
ACK_SLACK_S = 0.3
# Receiver's SWS avoidance (RFC 9293 section 3.8.6.2.2) holds the right edge until a segment is worth it; FreeBSD's
# edge follows each byte that is read.
PARTLY_OPEN = re.compile(r"\bwin (?!65535\b|0\b)\d+")
# FreeBSD takes what lies within its buffer of 45 segments; tern what lies within the window that it announced.
WINDOW_EDGE = re.compile(r"\b657\d\d\b")


# The numbers of the states in Linux's TCP_INFO, which tern's answers in.
STATES = {"ESTABLISHED": 1, "SYN_SENT": 2, "SYN_RECEIVED": 3, "FIN_WAIT_1": 4, "FIN_WAIT_2": 5, "TIME_WAIT": 6,
          "CLOSED": 7, "CLOSE_WAIT": 8, "LAST_ACK": 9, "LISTEN": 10, "CLOSING": 11}


def linux_order(options):
    """The options of a SYN, in the order in which tern writes them."""
    words = [word.strip() for word in options.split(",")]
    words = [word for word in words if word not in ("nop", "eol")]
    found = {word.split()[0]: word for word in words}
    if "mss" not in found:
        return options
    order = [found.pop("mss")]
    sack, stamps, scale = found.pop("sackOK", None), found.pop("TS", None), found.pop("wscale", None)
    if stamps:
        order += [sack, stamps] if sack else ["nop", "nop", stamps]
    elif sack:
        order += ["nop", "nop", sack]
    if scale:
        order += ["nop", scale]
    order += found.values()
    fast_open = found.get("FO", "").removeprefix("FO").strip()
    return ",".join(order + ["nop"] * (-(2 + len(fast_open) // 2) % 4 if "FO" in found else 0))


def relaxed(time):
    """The time of a bare ACK, as a range."""
    match = re.fullmatch(r"(\s*)\+([\d.]+)(\s*)", time)
    if not match:
        return time
    start = float(match.group(2))
    return "%s+%.3f~+%.3f%s" % (match.group(1), start, start + ACK_SLACK_S, match.group(3))


def convert_line(line):
    if "SO_RCVBUF" in line or "sockstat" in line:
        return ""
    if "%{" in line:
        return re.sub(r"\bTCPI_([A-Z_12]+)", lambda m: str(STATES.get(m.group(1), m.group())), line)
    match = OUTBOUND.match(line)
    if not match:
        return WINDOW_EDGE.sub(lambda m: str(int(m.group()) - 65700 + 65535), line)
    time, packet = match.groups()
    if packet.startswith("S"):
        packet = OPTIONS.sub(lambda m: "<" + linux_order(m.group(1)) + ">", packet)
    elif BARE_ACK.match(packet):
        time = relaxed(time)
        packet = PARTLY_OPEN.sub("", packet)
    return time + "> " + packet


def from_freebsd(text):
    text = re.sub(r"(?ms)^#ifdef FreeBSD$.*?^#endif$\n?", "", text)
    text = re.sub(r"(?m)^#(?:ifdef STANDARD|endif)$\n?", "", text)
    return "\n".join(convert_line(line) for line in text.splitlines()) + "\n"
