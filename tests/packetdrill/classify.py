# SPDX-License-Identifier: BSD-3-Clause
"""How far a script of google/packetdrill leans on Linux, by what it says and not by who passes it.

wire     calls that any sockets API has, no options but SO_REUSEADDR, SO_ERROR and TCP_NODELAY, no settings, no code
mostly   also options and settings that stand for something in an RFC, calls that wait for events, and code that looks at
         nothing but what RFC 4898 has too: windows, thresholds, what is unacknowledged or was sent again, states, options
linux    the rest: TCP_INFO's other fields, how buffers are reckoned, the error queue, Linux's own options and settings
"""

import re

CLASSES = ("wire", "mostly", "linux")

WIRE_CALLS = {"socket", "bind", "listen", "accept", "connect", "read", "readv", "recv", "recvfrom", "write", "writev", "send",
              "sendto", "sendmsg", "close", "shutdown", "fcntl", "setsockopt", "getsockopt"}
MOSTLY_CALLS = WIRE_CALLS | {"poll", "ioctl", "epoll_create", "epoll_ctl", "epoll_wait"}
WIRE_OPTIONS = {"SO_REUSEADDR", "SO_ERROR", "TCP_NODELAY"}
MOSTLY_OPTIONS = WIRE_OPTIONS | {"SO_KEEPALIVE", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT", "TCP_SYNCNT",
                                 "TCP_MAXSEG", "TCP_CORK", "TCP_FASTOPEN", "TCP_FASTOPEN_CONNECT", "TCP_FASTOPEN_KEY", "IP_TOS",
                                 "SO_SNDBUF"}
MOSTLY_SETTINGS = {"tcp_timestamps", "tcp_sack", "tcp_ecn", "tcp_fastopen", "tcp_fastopen_key", "tcp_window_scaling",
                   "tcp_slow_start_after_idle", "tcp_congestion_control", "tcp_syncookies"}
MOSTLY_FIELDS = {"tcpi_snd_cwnd", "tcpi_snd_ssthresh", "tcpi_unacked", "tcpi_options", "tcpi_ca_state", "tcpi_total_retrans", "tcpi_state",
                 "tcpi_snd_mss", "tcpi_advmss", "tcpi_rto", "tcpi_rtt", "tcpi_rttvar"}
LINUX_FLAGS = {"MSG_ERRQUEUE", "MSG_ZEROCOPY", "MSG_EOR", "EPOLLET", "EPOLLEXCLUSIVE", "EPOLLONESHOT"}


def class_of(script):
    """One of CLASSES, for a script's text as upstream has it."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", script, flags=re.S)
    code = " ".join(re.findall(r"%\{(.*?)\}%", text, flags=re.S))
    shell = " ".join(re.findall(r"`(.*?)`", text, flags=re.S))
    rest = re.sub(r"%\{.*?\}%|`.*?`", "", text, flags=re.S)
    calls = {name for name in re.findall(r"^\s*(?:[+*]?[\d.~+*]+\s+)?(?:\+?[\d.]+\.\.\.[+\d.]+\s+)?([a-z]\w*)\(", rest, flags=re.M) if not name.startswith("msg_")}
    options = set(re.findall(r"[gs]etsockopt\([^,]+,\s*\w+,\s*(\w+)", rest))
    settings = set(re.findall(r"ipv4[./](\w+)", shell))
    fields = set(re.findall(r"\b[a-z]+i_\w+", code))
    commands = re.sub(r"(?m)#[^\n]*|\S*(defaults|sysctl_restore)\S*|\S*set_sysctls\.py|\S*ipv4\S*|\\|\bsysctl\b|-[qw]\b", "", shell).split()
    flags = set(re.findall(r"\b(?:MSG|EPOLL)\w+", rest))
    if calls <= WIRE_CALLS and options <= WIRE_OPTIONS and not settings and not code and not commands and not flags & LINUX_FLAGS:
        return "wire"
    known = calls <= MOSTLY_CALLS and options <= MOSTLY_OPTIONS and settings <= MOSTLY_SETTINGS and fields <= MOSTLY_FIELDS
    return "mostly" if known and not commands and not flags & LINUX_FLAGS else "linux"
