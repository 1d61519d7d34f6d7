// SPDX-License-Identifier: BSD-3-Clause
// Each kind of wrong line is refused with file, line, column, key, what was found and what is allowed.
#include <gtest/gtest.h>

#include "config_support.hpp"

namespace tern::app {
namespace {

struct Case {
  std::string name;
  std::string text;
  std::string errors;  // every error that must be reported, in order, and no other
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.text; }

std::string named(const testing::TestParamInfo<Case>& info) { return info.param.name; }

class Refused : public testing::TestWithParam<Case> {};

TEST_P(Refused, WithPlaceKeyAndRemedy) {
  const LoadedConfig loaded = parse(GetParam().text);
  EXPECT_EQ(lines(loaded.errors), GetParam().errors);
  EXPECT_FALSE(loaded.config.has_value());
}

const std::string kTcp = "[tcp]\n";  // line 10 of minimal()

INSTANTIATE_TEST_SUITE_P(
    Syntax, Refused,
    testing::Values(
        Case{"NoValue", "[dataplane]\nworkers\n",
             "t.toml:2:8: TOML syntax: Error while parsing key-value pair: expected '=', saw '\\n'; correct "
             "this "
             "first, the rest is not read yet\n"},
        Case{"HugeNumber", "[tcp]\r\nmsl_s = 99999999999999999999\r\n",
             "t.toml:2:29: TOML syntax: Error while parsing decimal integer: '99999999999999999999' is not "
             "representable in 64 bits; correct this first, the rest is not read yet\n"},
        Case{"KeyTwice", "[tcp]\nsack = true\nsack = false\n",
             "t.toml:3:8: TOML syntax: Error while parsing key-value pair: cannot redefine existing boolean "
             "'sack'; "
             "correct this first, the rest is not read yet\n"},
        Case{"NotUtf8", "a = \"\xff\"",
             "t.toml:1:5: TOML syntax: Encountered invalid utf-8 sequence; correct this first, the rest is "
             "not "
             "read yet\n"}),
    named);

INSTANTIATE_TEST_SUITE_P(
    Shape, Refused,
    testing::Values(
        Case{"EmptyFile", "",
             "t.toml:1:1: dataplane.workers: missing; write [dataplane] and below it workers = [...], the "
             "CPUs that "
             "tern may keep busy; this machine has 0-7\n"
             "t.toml:1:1: port: missing; at least one port is needed, write [[port]] with its device and "
             "addresses "
             "below\n"},
        Case{"PortAsTable", "[dataplane]\nworkers = [1]\n[port]\ndevice = \"net_tap0\"\n",
             "t.toml:3:1: port: found a table; allowed is an array of tables, write [[port]] above each\n"},
        Case{"PortAsNumber", "port = 3\n[dataplane]\nworkers = [1]\n",
             "t.toml:1:8: port: found the integer 3; allowed is an array of tables, write [[port]] above "
             "each\n"},
        Case{"PortInAnArrayAsNumber", "port = [3]\n[dataplane]\nworkers = [1]\n",
             "t.toml:1:9: port: found the integer 3 in the array; allowed is an array of tables, write "
             "[[port]] above "
             "each\n"},
        Case{"NoPorts", "port = []\n[dataplane]\nworkers = [1]\n",
             "t.toml:1:8: port: missing; at least one port is needed, write [[port]] with its device and "
             "addresses "
             "below\n"},
        Case{"TcpAsArray", minimal({}, {}, "[[tcp]]\nsack = true\n"),
             "t.toml:10:1: tcp: found an array of tables; allowed is one table, write [tcp] once\n"},
        Case{"DataplaneAsText",
             "dataplane = \"fast\"\n[[port]]\ndevice = \"net_tap0\"\naddresses = [\"192.0.2.2/24\"]\n",
             "t.toml:1:13: dataplane: found the string \"fast\"; allowed is one table, write [dataplane] "
             "once\n"},
        Case{"UnknownTable", minimal({}, {}, "[dataplain]\n"),
             "t.toml:10:2: dataplain: unknown table; did you mean [dataplane]?\n"},
        Case{"UnknownArrayOfTables", minimal({}, {}, "[[ports]]\n"),
             "t.toml:10:3: ports: unknown table; did you mean [[port]]?\n"},
        Case{"UnlikeAnyTable", minimal({}, {}, "[x.y]\n"),
             "t.toml:10:2: x: unknown table; known are [eal], [dataplane], [[port]], [tcp], [[pool]], "
             "[[backend]] and "
             "[[service]]\n"},
        Case{"KeyBeforeAnyTable", "workers = [1]\n" + minimal(),
             "t.toml:1:1: workers: unknown key; it belongs below [dataplane]\n"},
        Case{"UnknownKey", minimal("workers", "workers = [1]\nmax_conections = 5"),
             "t.toml:3:1: dataplane.max_conections: unknown key in [dataplane]; did you mean "
             "max_connections?\n"},
        Case{"KeyWithoutUnit", minimal({}, {}, kTcp + "delayed_ack = 5\n"),
             "t.toml:11:1: tcp.delayed_ack: unknown key in [tcp]; did you mean delayed_ack_ms?\n"},
        Case{"KeyOfAnotherTable", minimal("workers", "workers = [1]\nmtu = 1500"),
             "t.toml:3:1: dataplane.mtu: unknown key in [dataplane]; it belongs below [[port]]\n"},
        Case{"KeyUnlikeAny", minimal("workers", "workers = [1]\nhelp = 1"),
             "t.toml:3:1: dataplane.help: unknown key in [dataplane]; known are workers, idle, "
             "idle_sleep_us, max_connections, busy_connections, drain_s, max_time_waits, max_orphans, "
             "buffers and fast_open_keys\n"},
        Case{"OddKey", minimal("workers", "workers = [1]\n\"a \\u001b\" = 1"),
             "t.toml:3:1: dataplane.\"a \\x1b\": unknown key in [dataplane]; known are workers, idle, "
             "idle_sleep_us, max_connections, busy_connections, drain_s, max_time_waits, max_orphans, "
             "buffers and fast_open_keys\n"},
        Case{"TableInATable", minimal({}, {}, "[dataplane.idle]\n"),
             "t.toml:10:1: dataplane.idle: found a table; allowed is \"adaptive\" or \"poll\"\n"},
        Case{"UnknownTableInAPort", minimal({}, {}, "[service.mtu]\n"),
             "t.toml:10:10: service.mtu: unknown table in [[service]]; it belongs below [[port]]\n"}),
    named);

INSTANTIATE_TEST_SUITE_P(
    Eal, Refused,
    testing::Values(Case{"ArgsNotAnArray", minimal({}, {}, "[eal]\nargs = \"--no-pci\"\n"),
                         "t.toml:11:8: eal.args: found the string \"--no-pci\"; allowed is an array of "
                         "strings, one EAL argument "
                         "each; write it in brackets: [\"--no-pci\"]\n"},
                    Case{"ArgNotText", minimal({}, {}, "[eal]\nargs = [\"-m\", 512]\n"),
                         "t.toml:11:15: eal.args: found the integer 512 in the array; allowed is an array of "
                         "strings, one EAL "
                         "argument each\n"},
                    Case{"Lcores", minimal({}, {}, "[eal]\nargs = [\"--in-memory\",\n \"--lcores=0@0\"]\n"),
                         "t.toml:12:2: eal.args: found \"--lcores=0@0\", which is set by tern; name the CPUs "
                         "in [dataplane] "
                         "workers\n"},
                    Case{"NoPciWithPciPort",
                         minimal("net_tap0", "device = \"0000:01:00.0\"", "[eal]\nargs = [\"--no-pci\"]\n"),
                         "t.toml:11:9: eal.args: found \"--no-pci\" though the port of line 3 is the PCI "
                         "device 0000:01:00.0; "
                         "leave it out, tern probes no other PCI device than those that ports name\n"}),
    named);

INSTANTIATE_TEST_SUITE_P(
    Dataplane, Refused,
    testing::Values(
        Case{"WorkersMissing", minimal("workers", ""),
             "t.toml:1:1: dataplane.workers: missing below [dataplane]; allowed is an array of 1 to 127 CPU "
             "numbers "
             "of this machine, each once\n"},
        Case{"WorkersNotAnArray", minimal("workers", "workers = 1"),
             "t.toml:2:11: dataplane.workers: found the integer 1; allowed is an array of 1 to 127 CPU "
             "numbers of "
             "this machine, each once; write it in brackets: [1]\n"},
        Case{"NoWorkers", minimal("workers", "workers = []"),
             "t.toml:2:11: dataplane.workers: found an empty array; allowed is an array of 1 to 127 CPU "
             "numbers of "
             "this machine, each once\n"},
        Case{
            "NoSuchCpu", minimal("workers", "workers = [1, 8, -1]"),
            "t.toml:2:15: dataplane.workers: found CPU 8, which this machine does not have; allowed are 0-7\n"
            "t.toml:2:18: dataplane.workers: found CPU -1, which this machine does not have; allowed are "
            "0-7\n"},
        Case{"CpuBeyond32Bits", minimal("workers", "workers = [4294967297]"),
             "t.toml:2:12: dataplane.workers: found CPU 4294967297, which this machine does not have; "
             "allowed are "
             "0-7\n"},
        Case{"CpuTwice", minimal("workers", "workers = [1, 2, 1]"),
             "t.toml:2:18: dataplane.workers: found CPU 1 twice; allowed is one worker per CPU, leave one "
             "out\n"},
        Case{"CpuAsText", minimal("workers", "workers = [1, \"2\"]"),
             "t.toml:2:15: dataplane.workers: found the string \"2\" in the array; allowed is an array of 1 "
             "to 127 "
             "CPU numbers of this machine, each once\n"},
        Case{"IdleWord", minimal("workers", "workers = [1]\nidle = \"sleepy\""),
             "t.toml:3:8: dataplane.idle: found \"sleepy\"; allowed is \"adaptive\" or \"poll\"\n"},
        Case{"IdleType", minimal("workers", "workers = [1]\nidle = 5"),
             "t.toml:3:8: dataplane.idle: found the integer 5; allowed is \"adaptive\" or \"poll\"\n"},
        Case{"TooManyConnections", minimal("workers", "workers = [1]\nmax_connections = 16777217"),
             "t.toml:3:19: dataplane.max_connections: found the integer 16777217; allowed is an integer from "
             "64 to "
             "16777216 (connections per worker)\n"},
        Case{"TooFewBuffers", minimal("workers", "workers = [1]\nbuffers = 1"),
             "t.toml:3:11: dataplane.buffers: found the integer 1; allowed is an integer from 4096 to "
             "16777216 "
             "(packet buffers per worker), or 0 (automatic)\n"}),
    named);

std::string bad_address(const std::string& address, const std::string& problem) {
  return "t.toml:5:14: port.addresses: found \"" + address + "\", which " + problem +
         "; allowed is a unicast address of a host\n";
}

std::string with_address(const std::string& address) {
  return minimal("addresses", "addresses = [\"" + address + "\", \"192.0.2.2/24\"]");
}

INSTANTIATE_TEST_SUITE_P(
    Port, Refused,
    testing::Values(
        Case{"DeviceMissing", minimal("net_tap0", ""),
             "t.toml:3:1: port.device: missing below [[port]]; allowed is a DPDK virtual device such as "
             "\"net_tap0\" "
             "or a PCI address such as \"0000:01:00.0\"\n"},
        Case{"DeviceOfTheKernel", minimal("net_tap0", "device = \"eth0\""),
             "t.toml:4:10: port.device: found \"eth0\"; allowed is a DPDK virtual device such as "
             "\"net_tap0\" or a PCI address such as \"0000:01:00.0\"\n"},
        Case{"DeviceWithoutNumber", minimal("net_tap0", "device = \"net_af_xdp\""),
             "t.toml:4:10: port.device: found \"net_af_xdp\"; allowed is a DPDK virtual device "
             "such as "
             "\"net_tap0\" or a PCI address such as \"0000:01:00.0\"; add a number: net_af_xdp0\n"},
        Case{"DeviceWithArguments", minimal("net_tap0", "device = \"net_tap0,iface=x\""),
             "t.toml:4:10: port.device: found \"net_tap0,iface=x\"; allowed is a DPDK virtual "
             "device such "
             "as \"net_tap0\" or a PCI address such as \"0000:01:00.0\"; write what follows the comma as "
             "args = "
             "\"iface=x\"\n"},
        Case{"PciWithoutDomain", minimal("net_tap0", "device = \"01:00.0\""),
             "t.toml:4:10: port.device: found \"01:00.0\"; allowed is a DPDK virtual device such "
             "as "
             "\"net_tap0\" or a PCI address such as \"0000:01:00.0\"; write 0000:01:00.0\n"},
        Case{"DeviceTwice",
             minimal({}, {}, "[[port]]\ndevice = \"net_tap0\"\naddresses = [\"198.51.100.1/24\"]\n"),
             "t.toml:11:10: port.device: found \"net_tap0\", which is the port of line 3 already; allowed is "
             "each "
             "device once\n"},
        Case{"AddressTwice",
             minimal({}, {}, "[[port]]\ndevice = \"net_tap1\"\naddresses = [\"192.0.2.2/32\"]\n"),
             "t.toml:12:14: port.addresses: found \"192.0.2.2/32\", which the port of line 3 has already; "
             "allowed is "
             "each address once\n"},
        Case{"AddressTwiceInOnePort", with_address("192.0.2.2/32"),
             "t.toml:5:30: port.addresses: found \"192.0.2.2/24\", which the port of line 3 has already; "
             "allowed is "
             "each address once\n"},
        Case{"NoAddresses", minimal("addresses", "addresses = []"),
             "t.toml:5:13: port.addresses: found an empty array; allowed is an array of one or more strings "
             "\"a.b.c.d/len\"\n"},
        Case{"AddressWithoutLength", with_address("192.0.2.3"),
             "t.toml:5:14: port.addresses: found \"192.0.2.3\"; allowed is an array of one or "
             "more strings "
             "\"a.b.c.d/len\"; add the length of its network's prefix, such as \"192.0.2.3/24\"\n"},
        Case{"AddressLengthZero", with_address("192.0.2.3/0"),
             "t.toml:5:14: port.addresses: found \"192.0.2.3/0\"; allowed is an array of one or "
             "more "
             "strings \"a.b.c.d/len\"; len is from 1 to 32\n"},
        Case{"AddressLength33", with_address("192.0.2.3/33"),
             "t.toml:5:14: port.addresses: found \"192.0.2.3/33\"; allowed is an array of one or "
             "more "
             "strings \"a.b.c.d/len\"; len is from 1 to 32\n"},
        Case{"AddressOfTheNetwork", with_address("192.0.2.0/24"),
             bad_address("192.0.2.0/24", "is the address of the network itself")},
        Case{"AddressBroadcast", with_address("192.0.2.255/24"),
             bad_address("192.0.2.255/24", "is the broadcast address of its network")},
        Case{"AddressMulticast", with_address("224.0.0.5/24"),
             bad_address("224.0.0.5/24", "is a multicast address")},
        Case{"AddressLoopback", with_address("127.0.0.1/8"),
             bad_address("127.0.0.1/8", "is a loopback address")},
        Case{"AddressUnspecified", with_address("0.0.0.0/32"),
             bad_address("0.0.0.0/32", "is in 0.0.0.0/8, which no host may have")},
        Case{"AddressLimitedBroadcast", with_address("255.255.255.255/32"),
             bad_address("255.255.255.255/32", "is in 240.0.0.0/4, which no host may have")},
        Case{
            "MemifClientWithoutCopies",
            minimal("net_tap0", "device = \"net_memif0\"\nargs = \"zero-copy=yes,role=client\""),
            "t.toml:5:8: port.args: found \"zero-copy=yes,role=client\", by which DPDK's driver loses frames "
            "of several buffers; leave zero-copy=yes out\n"},
        Case{"MemifClientByDefaultWithoutCopies",
             minimal("net_tap0", "device = \"net_memif0\"\nargs = \"socket=/run/x,zero-copy=yes\""),
             "t.toml:5:8: port.args: found \"socket=/run/x,zero-copy=yes\", by which DPDK's driver loses "
             "frames of several buffers; leave zero-copy=yes out\n"},
        Case{"MtuTooSmall", minimal("net_tap0", "device = \"net_tap0\"\nmtu = 575"),
             "t.toml:5:7: port.mtu: found the integer 575; allowed is an integer from 576 to 9216 (bytes)\n"},
        Case{"MtuInQuotes", minimal("net_tap0", "device = \"net_tap0\"\nmtu = \"1500\""),
             "t.toml:5:7: port.mtu: found the string \"1500\"; allowed is an integer from 576 to 9216 "
             "(bytes); write "
             "it without quotes: 1500\n"},
        Case{"MtuFraction", minimal("net_tap0", "device = \"net_tap0\"\nmtu = 1500.5"),
             "t.toml:5:7: port.mtu: found the floating-point number 1500.5; allowed is an integer from 576 "
             "to 9216 "
             "(bytes)\n"},
        Case{"OffloadAsNumber", minimal("net_tap0", "device = \"net_tap0\"\noffload = 1"),
             "t.toml:5:11: port.offload: found the integer 1; allowed is true or false\n"}),
    named);

const std::string kKeys =
    "; allowed is an array of at most two strings of 32 hexadecimal digits, such as "
    "\"a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4\"\n";

std::string with_keys(const std::string& keys) {
  return minimal("workers", "workers = [1]\nfast_open_keys = " + keys);
}

INSTANTIATE_TEST_SUITE_P(
    FastOpenKeys, Refused,
    testing::Values(Case{"TooShort", with_keys("[\"a1a1a1a1-b2b2b2b2-c3c3c3c3\"]"),
                         "t.toml:3:19: dataplane.fast_open_keys: found a string that is no key" + kKeys},
                    Case{"NoDigit", with_keys("[\"a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4dg\"]"),
                         "t.toml:3:19: dataplane.fast_open_keys: found a string that is no key" + kKeys},
                    Case{"NoDash", with_keys("[\"a1a1a1a1-b2b2b2b2-c3c3c3c30d4d4d4d4\"]"),
                         "t.toml:3:19: dataplane.fast_open_keys: found a string that is no key" + kKeys},
                    Case{"Three",
                         with_keys("[\"a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4\", "
                                   "\"a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d5\", "
                                   "\"a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d6\"]"),
                         "t.toml:3:18: dataplane.fast_open_keys: found 3 keys" + kKeys}),
    named);

INSTANTIATE_TEST_SUITE_P(
    Tcp, Refused,
    testing::Values(
        Case{"CookiesWord", minimal({}, {}, kTcp + "cookies = \"sometimes\"\n"),
             "t.toml:11:11: tcp.cookies: found \"sometimes\"; allowed is \"always\", \"when-full\" or "
             "\"never\"\n"},
        Case{"MtuProbingWord", minimal({}, {}, kTcp + "mtu_probing = \"yes\"\n"),
             "t.toml:11:15: tcp.mtu_probing: found \"yes\"; allowed is \"off\", \"black-hole\" or "
             "\"always\"\n"},
        Case{"EcnWord", minimal({}, {}, kTcp + "ecn = \"yes\"\n"),
             "t.toml:11:7: tcp.ecn: found \"yes\"; allowed is \"off\", \"accept\" or \"on\"\n"},
        Case{"CongestionWord", minimal({}, {}, kTcp + "congestion = \"reno\"\n"),
             "t.toml:11:14: tcp.congestion: found \"reno\"; allowed is \"cubic\", \"newreno\" or \"bbr\"\n"},
        Case{"Pacing", minimal({}, {}, kTcp + "pacing = 1\n"),
             "t.toml:11:10: tcp.pacing: found the integer 1; allowed is true or false\n"},
        Case{"FastOpenAsText", minimal({}, {}, kTcp + "fast_open = \"yes\"\n"),
             "t.toml:11:13: tcp.fast_open: found the string \"yes\"; allowed is true or false\n"},
        Case{
            "FastOpenPendingZero", minimal({}, {}, kTcp + "fast_open_pending = 0\n"),
            "t.toml:11:21: tcp.fast_open_pending: found the integer 0; allowed is an integer from 1 to 65536 "
            "(connections)\n"},
        Case{"LargestInteger", minimal({}, {}, kTcp + "msl_s = 9223372036854775807\n"),
             "t.toml:11:9: tcp.msl_s: found the integer 9223372036854775807; allowed is an integer from 1 to "
             "120 "
             "(seconds)\n"},
        Case{"DateForADuration", minimal({}, {}, kTcp + "msl_s = 00:00:30\n"),
             "t.toml:11:9: tcp.msl_s: found a date or time; allowed is an integer from 1 to 120 (seconds)\n"},
        Case{"MssBelow48", minimal({}, {}, "mss = 47\n"),
             "t.toml:10:7: service.mss: found the integer 47; allowed is an integer from 48 to 8960 (bytes), "
             "or 0 "
             "(from the port's mtu)\n"},
        Case{"MssBeyondMtu", minimal({}, {}, "mss = 1461\n"),
             "t.toml:10:7: service.mss: found 1461, but service \"web\" listens on the port \"net_tap0\" "
             "whose mtu of "
             "1500 leaves 1460; allowed is at most 1460, or 0 (from the port's mtu)\n"},
        Case{"MssOfTcpBeyondMtu",
             minimal("net_tap0", "device = \"net_tap0\"\nmtu = 1000", kTcp + "mss = 1460\n"),
             "t.toml:12:7: tcp.mss: found 1460, but service \"web\" listens on the port \"net_tap0\" whose "
             "mtu of "
             "1000 leaves 960; allowed is at most 960, or 0 (from the port's mtu)\n"},
        Case{"RtoMinAboveInitial", minimal({}, {}, kTcp + "rto_min_ms = 1001\n"),
             "t.toml:11:14: tcp.rto_min_ms: found rto_min_ms = 1001 above rto_initial_ms = 1000; allowed is "
             "rto_min_ms <= rto_initial_ms <= rto_max_ms\n"},
        Case{
            "RtoInitialBelowMin", minimal({}, {}, kTcp + "rto_initial_ms = 100\n"),
            "t.toml:11:18: tcp.rto_initial_ms: found rto_min_ms = 200 above rto_initial_ms = 100; allowed is "
            "rto_min_ms <= rto_initial_ms <= rto_max_ms\n"},
        Case{"RtoMaxOfServiceBelowInitialOfTcp",
             minimal({}, {}, "rto_max_ms = 1000\n" + kTcp + "rto_initial_ms = 1500\n"),
             "t.toml:10:14: service.rto_max_ms: found rto_initial_ms = 1500 above rto_max_ms = 1000; allowed "
             "is "
             "rto_min_ms <= rto_initial_ms <= rto_max_ms\n"},
        Case{"NagleInQuotes", minimal({}, {}, kTcp + "nagle = \"false\"\n"),
             "t.toml:11:9: tcp.nagle: found the string \"false\"; allowed is true or false; write it without "
             "quotes: "
             "false\n"}),
    named);

INSTANTIATE_TEST_SUITE_P(
    Service, Refused,
    testing::Values(
        Case{"EverythingMissing", minimal({}, {}, "[[service]]\n"),
             "t.toml:10:1: service.name: missing below [[service]]; allowed is a name of its own, 1 to 32 of "
             "the "
             "characters a-z, 0-9 and -\n"
             "t.toml:10:1: service.kind: missing below [[service]]; allowed is \"echo\", \"discard\", "
             "\"chargen\", \"http\" or \"proxy\"\n"
             "t.toml:10:1: service.listen: missing below [[service]]; allowed is an array of one or more "
             "strings "
             "\"address:port\"\n"},
        Case{"NameWithCapital", minimal("name", "name = \"Web\""),
             "t.toml:7:8: service.name: found \"Web\"; allowed is a name of its own, 1 to 32 of "
             "the "
             "characters a-z, 0-9 and -\n"},
        Case{"NameTooLong", minimal("name", "name = \"" + std::string(33, 'a') + "\""),
             "t.toml:7:8: service.name: found \"" + std::string(33, 'a') +
                 "\"; allowed is a name of its own, 1 to 32 of the characters a-z, 0-9 and -\n"},
        Case{"NameTwice",
             minimal({}, {}, "[[service]]\nname = \"web\"\nkind = \"echo\"\nlisten = [\"192.0.2.2:7\"]\n"),
             "t.toml:11:8: service.name: found \"web\", which the service of line 6 has already; allowed is "
             "a name "
             "of its own\n"},
        Case{"KindWord", minimal("kind", "kind = \"ftp\""),
             "t.toml:8:8: service.kind: found \"ftp\"; allowed is \"echo\", \"discard\", "
             "\"chargen\", \"http\" or \"proxy\"\n"},
        Case{"ListenNotAnArray", minimal("listen", "listen = \"192.0.2.2:80\""),
             "t.toml:9:10: service.listen: found the string \"192.0.2.2:80\"; allowed is an array of one or "
             "more "
             "strings \"address:port\"; write it in brackets: [\"192.0.2.2:80\"]\n"},
        Case{"ListenNowhere", minimal("listen", "listen = []"),
             "t.toml:9:10: service.listen: found an empty array; allowed is an array of one or more strings "
             "\"address:port\"\n"},
        Case{"ListenWithoutPort", minimal("listen", "listen = [\"192.0.2.2\"]"),
             "t.toml:9:11: service.listen: found \"192.0.2.2\"; allowed is an array of one or "
             "more strings "
             "\"address:port\"; add a port from 1 to 65535, such as \"192.0.2.2:80\"\n"},
        Case{"ListenPortZero", minimal("listen", "listen = [\"192.0.2.2:0\"]"),
             "t.toml:9:11: service.listen: found \"192.0.2.2:0\"; allowed is an array of one or "
             "more "
             "strings \"address:port\"; the address is one of a port, the port from 1 to 65535\n"},
        Case{"ListenPort65536", minimal("listen", "listen = [\"192.0.2.2:65536\"]"),
             "t.toml:9:11: service.listen: found \"192.0.2.2:65536\"; allowed is an array of one "
             "or more "
             "strings \"address:port\"; the address is one of a port, the port from 1 to 65535\n"},
        Case{"ListenPortEmpty", minimal("listen", "listen = [\"192.0.2.2:\"]"),
             "t.toml:9:11: service.listen: found \"192.0.2.2:\"; allowed is an array of one or "
             "more "
             "strings \"address:port\"; the address is one of a port, the port from 1 to 65535\n"},
        Case{"ListenElsewhere",
             minimal("listen", "listen = [\"192.0.2.9:80\"]",
                     "[[port]]\ndevice = \"net_tap1\"\naddresses = [\"198.51.100.1/24\"]\n"),
             "t.toml:9:11: service.listen: found \"192.0.2.9:80\", whose address no port has; allowed are "
             "192.0.2.2 "
             "and 198.51.100.1\n"},
        Case{"ListenTwice",
             minimal({}, {},
                     "[[service]]\nname = \"b\"\nkind = \"echo\"\nlisten = [\"192.0.2.2:7\", "
                     "\"192.0.2.2:80\"]\n"),
             "t.toml:13:26: service.listen: found \"192.0.2.2:80\", which line 9 listens on already; allowed "
             "is each "
             "address and port once\n"}),
    named);

TEST(ConfigErrors, AllProblemsAreReportedAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(
      errors("[tcp]\nmsl_s = 0\nsak = true\n[[port]]\ndevice = \"net_tap0\"\nmtu = 1\n"
             "addresses = [\"192.0.2.2/24\"]\n[dataplane]\nworkers = [9]\n"),
      "t.toml:2:9: tcp.msl_s: found the integer 0; allowed is an integer from 1 to 120 (seconds)\n"
      "t.toml:3:1: tcp.sak: unknown key in [tcp]; did you mean sack?\n"
      "t.toml:6:7: port.mtu: found the integer 1; allowed is an integer from 576 to 9216 (bytes)\n"
      "t.toml:9:12: dataplane.workers: found CPU 9, which this machine does not have; allowed are 0-7\n");
}

TEST(ConfigErrors, LinesOfAFileWithCarriageReturnsAreCountedTheSame) {
  std::string text;
  for (const char c : minimal("kind", "kind = \"ftp\"", "[tcp]\nmsl_s = 0\n")) {
    if (c == '\n') text += '\r';
    text += c;
  }
  EXPECT_EQ(errors(text),
            "t.toml:8:8: service.kind: found \"ftp\"; allowed is \"echo\", \"discard\", \"chargen\", "
            "\"http\" or \"proxy\"\n"
            "t.toml:11:9: tcp.msl_s: found the integer 0; allowed is an integer from 1 to 120 (seconds)\n");
}

TEST(ConfigErrors, AnAddressThatCannotBeReadIsNotBlamedOnTheServicesToo) {
  EXPECT_EQ(errors(minimal("addresses", "addresses = [\"192.0.2.2\"]")),
            "t.toml:5:14: port.addresses: found \"192.0.2.2\"; allowed is an array of one or more "
            "strings "
            "\"a.b.c.d/len\"; add the length of its network's prefix, such as \"192.0.2.2/24\"\n");
}

TEST(ConfigErrors, ThirtyThreePortsAreTooMany) {
  std::string text(kMinimal);
  for (int i = 1; i <= 32; ++i) {
    const std::string number = std::to_string(i);
    text += "[[port]]\ndevice = \"net_tap" + number + "\"\naddresses = [\"198.51.100." + number + "/32\"]\n";
  }
  EXPECT_EQ(errors(text), "t.toml:103:1: port: found 33 ports; allowed are 32\n");
}

TEST(ConfigErrors, AHundredAndTwentyEightWorkersAreTooMany) {
  Machine machine;
  std::string list;
  for (unsigned cpu = 0; cpu < 128; ++cpu) {
    machine.cpus.push_back(cpu);
    list += std::to_string(cpu) + ",";
  }
  const auto loaded = parse_config(minimal("workers", "workers = [" + list + "]"), "t.toml", machine);
  EXPECT_EQ(
      lines(loaded.errors),
      "t.toml:2:11: dataplane.workers: found 128 CPUs; allowed is an array of 1 to 127 CPU numbers of this "
      "machine, each once\n");
}

TEST(ConfigErrors, AFileThatIsNotThereIsAnErrorOfItsFirstLine) {
  const auto loaded = load_config("/nonexistent/tern.toml", eight_cpus());
  EXPECT_EQ(lines(loaded.errors),
            "/nonexistent/tern.toml:1:1: --config: cannot be read: No such file or directory; give the path "
            "of a TOML "
            "file that this user may read\n");
}

TEST(ConfigErrors, ADirectoryIsNotAConfiguration) {
  const auto loaded = load_config("/tmp", eight_cpus());
  EXPECT_EQ(
      lines(loaded.errors),
      "/tmp:1:1: --config: cannot be read: Is a directory; give the path of a TOML file that this user may "
      "read\n");
}

TEST(ConfigErrors, AFileWithoutAnEndIsRefused) {
  const auto loaded = load_config("/dev/zero", eight_cpus());
  EXPECT_EQ(lines(loaded.errors),
            "/dev/zero:1:1: --config: is larger than 1 MiB; give the path of a TOML file that this user may "
            "read\n");
}

}  // namespace
}  // namespace tern::app
