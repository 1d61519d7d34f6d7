// SPDX-License-Identifier: BSD-3-Clause
// What a right configuration means: values, defaults, what a service inherits, warnings, the example files.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "config_support.hpp"
#include "tern/config_keys.hpp"

namespace tern::app {
namespace {

using namespace std::chrono_literals;

// Of a configuration that must be right.
Config config_of(const std::string& text) {
  auto loaded = parse(text);
  EXPECT_EQ(lines(loaded.errors), "");
  return loaded.config.value_or(Config{});
}

TEST(ConfigValues, TheSmallestConfigurationHasTheDefaultsOfTheStructs) {
  const Config config = config_of(minimal());
  EXPECT_TRUE(config.eal_args.empty());
  EXPECT_EQ(config.dataplane.workers, std::vector<unsigned>{1});
  EXPECT_EQ(config.dataplane.idle, Idle::kAdaptive);
  EXPECT_EQ(config.dataplane.idle_sleep, 150us);
  EXPECT_EQ(config.dataplane.max_connections, 100000u);
  EXPECT_EQ(config.dataplane.busy_connections, 0u);
  EXPECT_EQ(config.dataplane.max_time_waits, 0u);
  EXPECT_EQ(config.dataplane.max_orphans, 8192u);
  EXPECT_EQ(config.dataplane.buffers, 0u);
  ASSERT_EQ(config.ports.size(), 1u);
  EXPECT_EQ(config.ports[0].device, "net_tap0");
  EXPECT_EQ(config.ports[0].args, "");
  EXPECT_EQ(config.ports[0].addresses, (std::vector<net::Ipv4Interface>{{{0xc0000202}, 24}}));
  EXPECT_EQ(config.ports[0].mtu, 1500);
  EXPECT_TRUE(config.ports[0].offload);
  EXPECT_FALSE(config.ports[0].is_pci());
  ASSERT_EQ(config.services.size(), 1u);
  EXPECT_EQ(config.services[0].name, "web");
  EXPECT_EQ(config.services[0].kind, ServiceKind::kHttp);
  EXPECT_EQ(config.services[0].listen, (std::vector<ListenAddress>{{{0xc0000202}, 80}}));
  EXPECT_EQ(fields(config.services[0].tcp), fields(tcp::Config{}));
}

// A configuration with that line below the key's table.
std::string with(const KnownKey& key, const std::string& line) {
  if (key.table == "dataplane") return minimal("workers", "workers = [1]\n" + line);
  if (key.table == "port") return minimal("net_tap0", "device = \"net_tap0\"\n" + line);
  if (key.table == "pool") return balanced(line);
  if (key.table == "backend") return balanced({}, line);
  constexpr std::array kHttpKeys{"root", "root_limit_mib", "max_requests", "idle_timeout_s"};
  const bool http = std::ranges::find(kHttpKeys, key.name) != kHttpKeys.end();
  if (key.table == "service") return http ? minimal({}, {}, line) : balanced({}, {}, line);
  return minimal({}, {}, header(key.table) + "\n" + line);
}

TEST(ConfigValues, WritingADefaultOutChangesNothing) {
  const std::string plain = summarize(config_of(minimal()));
  const std::string plain_proxy = summarize(config_of(balanced()));
  for (const KnownKey& key : known_keys()) {
    if (key.required() || (key.table == "service" && key.name == "pool")) continue;
    const std::string line = std::string(key.name) + " = " + std::string(key.default_value) + "\n";
    SCOPED_TRACE(header(key.table) + " " + line);
    const std::string text = with(key, line);
    const Config config = config_of(text);
    ASSERT_EQ(config.services.size(), 1u);
    EXPECT_EQ(fields(config.services[0].tcp), fields(tcp::Config{}));
    EXPECT_EQ(summarize(config), config.pools.empty() ? plain : plain_proxy);
  }
}

TEST(ConfigValues, EndsOfEveryRangeAreAllowedAndWhatLiesBeyondIsNot) {
  for (const KnownKey& key : known_keys()) {
    if (key.type != ValueType::kInteger) continue;
    const auto refused = [&](int64_t value) {
      const std::string line = std::string(key.name) + " = " + std::to_string(value) + "\n";
      return errors(with(key, line)).find("found the integer") != std::string::npos;
    };
    SCOPED_TRACE(key.name);
    EXPECT_FALSE(refused(key.least));
    EXPECT_FALSE(refused(key.most));
    EXPECT_TRUE(refused(key.most + 1));
    EXPECT_EQ(refused(key.least - 1), key.least - 1 != 0 || key.zero.empty());
    EXPECT_EQ(refused(0), key.least > 0 && key.zero.empty());
  }
}

TEST(ConfigValues, ServiceMayTurnFastOpenOffAgain) {
  const Config config = config_of(minimal({}, {}, "fast_open = false\n[tcp]\nfast_open = true\n"));
  ASSERT_EQ(config.services.size(), 1u);
  EXPECT_EQ(config.services[0].tcp.fast_open_listen, tcp::FastOpen::kOff);
}

// As net.ipv4.tcp_fastopen_key has them: four numbers, the lowest byte of each first.
TEST(ConfigValues, FastOpenKeysAreReadAsLinuxReadsThem) {
  const Config config =
      config_of(minimal("workers",
                        "workers = [1]\nfast_open_keys = [\"a0bf63f7-ed803d81-cd641d30-cebc4a90\", "
                        "\"00000001-00000000-00000000-000000Ff\"]"));
  ASSERT_EQ(config.dataplane.fast_open_keys.size(), 2u);
  EXPECT_EQ(config.dataplane.fast_open_keys[0],
            (net::PrfKey{0xf7, 0x63, 0xbf, 0xa0, 0x81, 0x3d, 0x80, 0xed, 0x30, 0x1d, 0x64, 0xcd, 0x90, 0x4a,
                         0xbc, 0xce}));
  EXPECT_EQ(config.dataplane.fast_open_keys[1],
            (net::PrfKey{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0}));
  EXPECT_TRUE(config_of(minimal()).dataplane.fast_open_keys.empty());
}

TEST(ConfigValues, TheLongestSleepIsInMicroseconds) {
  const Config config = config_of(minimal("workers", "workers = [1]\nidle_sleep_us = 400"));
  EXPECT_EQ(config.dataplane.idle_sleep, 400us);
}

TEST(ConfigValues, EachCongestionControlHasItsWord) {
  const auto chosen = [](const std::string& word) {
    return config_of(minimal({}, {}, "[tcp]\ncongestion = \"" + word + "\"\n")).services[0].tcp.congestion;
  };
  EXPECT_EQ(chosen("cubic"), tcp::Congestion::kCubic);
  EXPECT_EQ(chosen("newreno"), tcp::Congestion::kNewReno);
  EXPECT_EQ(chosen("bbr"), tcp::Congestion::kBbr);
  const Config both = config_of(minimal({}, {}, "[tcp]\ncongestion = \"bbr\"\necn = \"on\"\n"));
  EXPECT_EQ(both.services[0].tcp.ecn, tcp::Ecn::kOff) << "which BBR does not answer";
}

TEST(ConfigValues, EachTcpKeyReachesItsField) {
  const Config config = config_of(
      minimal("net_tap0", "device = \"net_tap0\"\nmtu = 9000", "[tcp]\n" + std::string(kEveryTcpKey)));
  tcp::Config expected;
  expected.marking = {9, 46};
  expected.cookies = tcp::Cookies::kWhenFull;
  expected.syn_backlog = 64;
  expected.syn_ack_retries = 3;
  expected.max_connections = 1000;
  expected.accept_backlog = 50;
  expected.abort_on_overflow = true;
  expected.fast_open_listen = expected.fast_open_connect = tcp::FastOpen::kOn;
  expected.fast_open_pending = 77;
  expected.msl = 5s;
  expected.mss = 8000;
  expected.mss_floor = 28;
  expected.mtu_probing = tcp::MtuProbing::kAlways;
  expected.base_mss = 600;
  expected.window_scale = 9;
  expected.timestamps = expected.sack = expected.nagle = false;
  expected.ecn = tcp::Ecn::kOn;
  expected.ecn_syn_retries = 2;
  expected.receive_buffer = 64u << 20;
  expected.receive_buffer_initial = 16 * 1024;
  expected.quick_ack_segments = 4;
  expected.send_buffer = 512 * 1024;
  expected.initial_window_segments = 4;
  expected.congestion = tcp::Congestion::kNewReno;
  expected.pacing = true;
  expected.restart_after_idle = false;
  expected.window_validation = true;
  expected.rto_initial = 900ms;
  expected.rto_min = 300ms;
  expected.rto_max = 30s;
  expected.retransmit_limit = 7;
  expected.syn_retries = 3;
  expected.delayed_ack = 20ms;
  expected.ack_every_segments = 2;
  expected.fin_wait_2 = 30s;
  expected.challenge_acks = 3;
  expected.challenge_interval = 700ms;
  expected.keep_alive = {true, 10min, 30s, 3};
  expected.user_timeout = 90s;
  expected.user_timeout_option = true;
  expected.user_timeout_least = 20s;
  expected.user_timeout_most = 200s;
  expected.account_limits = true;
  EXPECT_EQ(fields(config.services.at(0).tcp), fields(expected));
}

TEST(ConfigValues, RetransmissionTimeoutsMayAllBeTheSame) {
  const Config config =
      config_of(minimal({}, {}, "rto_min_ms = 1000\nrto_initial_ms = 1000\nrto_max_ms = 1000\n"));
  EXPECT_EQ(config.services.at(0).tcp.rto_min, config.services.at(0).tcp.rto_max);
}

TEST(ConfigValues, AServiceOverridesTcpForItselfAlone) {
  const Config config = config_of(
      minimal({}, {},
              "nagle = false\n[[service]]\nname = \"b\"\nkind = \"echo\"\nlisten = [\"192.0.2.2:7\"]\n"
              "delayed_ack_ms = 0\n[tcp]\ndelayed_ack_ms = 10\n"));
  ASSERT_EQ(config.services.size(), 2u);
  EXPECT_FALSE(config.services[0].tcp.nagle);
  EXPECT_EQ(config.services[0].tcp.delayed_ack, 10ms);
  EXPECT_TRUE(config.services[1].tcp.nagle);
  EXPECT_EQ(config.services[1].tcp.delayed_ack, 0ms);
}

TEST(ConfigValues, TheNarrowestPortOfAServiceDecidesItsMss) {
  const Config config =
      config_of(minimal("listen", "listen = [\"198.51.100.1:80\", \"192.0.2.2:80\"]",
                        "[[port]]\ndevice = \"net_tap1\"\naddresses = [\"198.51.100.1/24\"]\nmtu = 1400\n"));
  EXPECT_EQ(config.services.at(0).tcp.mss, 1360);
}

TEST(ConfigValues, PciAddressesAreLowercaseAndRecognized) {
  const Config config = config_of(minimal("net_tap0", "device = \"0000:0A:1F.7\""));
  EXPECT_EQ(config.ports.at(0).device, "0000:0a:1f.7");
  EXPECT_TRUE(config.ports.at(0).is_pci());
}

TEST(ConfigValues, DevicesOfAllDpdkDriversMayStand) {
  for (const char* device :
       {"net_tap0", "net_memif12", "net_af_xdp0", "net_af_packet1", "net_virtio_user0"}) {
    EXPECT_EQ(config_of(minimal("net_tap0", "device = \"" + std::string(device) + "\"")).ports.at(0).device,
              device);
  }
}

TEST(ConfigValues, BothAddressesOfASlash31AndASlash32MayStand) {
  const Config config =
      config_of(minimal("addresses", "addresses = [\"192.0.2.2/31\", \"192.0.2.5/31\", \"192.0.2.0/32\"]"));
  EXPECT_EQ(config.ports.at(0).addresses.size(), 3u);
}

TEST(ConfigValues, EalArgumentsArePassedOnInOrder) {
  const Config config = config_of(minimal({}, {}, "[eal]\nargs = [\"--no-pci\", \"-m\", \"512\"]\n"));
  EXPECT_EQ(config.eal_args, (std::vector<std::string>{"--no-pci", "-m", "512"}));
}

TEST(ConfigValues, WithoutServicesOneIsWarned) {
  const auto loaded = parse(kMinimal.substr(0, kMinimal.find("[[service]]")));
  EXPECT_TRUE(loaded.config.has_value());
  ASSERT_EQ(loaded.warnings.size(), 1u);
  EXPECT_EQ(
      to_warning(loaded.warnings[0]),
      "t.toml:1:1: warning: service: none; tern will answer ARP and ping only, write [[service]] for more");
}

TEST(ConfigValues, AScaleTooSmallForTheBufferIsWarnedOf) {
  EXPECT_EQ(lines(parse(minimal({}, {}, "window_scale = 6\n")).warnings), "");
  EXPECT_EQ(lines(parse(minimal({}, {}, "window_scale = 5\n")).warnings),
            "t.toml:10:16: service.window_scale: found window_scale = 5 with receive_buffer_kib = 4096; such "
            "a scale can offer 2048 KiB only, the rest is never used\n");
}

TEST(ConfigValues, AScaleThatIsNotWrittenFollowsTheBuffer) {
  for (const auto& [kib, scale] : {std::pair{4, 7}, {8191, 7}, {8192, 8}, {65536, 11}}) {
    const auto loaded = parse(minimal({}, {}, "[tcp]\nreceive_buffer_kib = " + std::to_string(kib) + "\n"));
    EXPECT_EQ(lines(loaded.warnings), "");
    ASSERT_TRUE(loaded.config);
    EXPECT_EQ(loaded.config->services.at(0).tcp.window_scale, scale) << kib;
  }
}

TEST(ConfigValues, WorkersOnEveryCpuAreWarnedOf) {
  EXPECT_EQ(lines(parse(minimal("workers", "workers = [0,1,2,3,4,5,6,7]")).warnings),
            "t.toml:2:11: dataplane.workers: found every CPU of this machine; the control thread and the "
            "system will "
            "share one with a worker, leave one out if there are several\n");
}

TEST(ConfigValues, EveryExampleIsAcceptedWithoutWarning) {
  int examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TERN_SOURCE_ROOT "/config")) {
    if (entry.path().extension() != ".toml") continue;
    ++examples;
    const auto loaded = load_config(entry.path().string(), {{0, 1}});
    EXPECT_EQ(lines(loaded.errors), "");
    EXPECT_EQ(lines(loaded.warnings), "");
  }
  EXPECT_GE(examples, 3);
}

TEST(ConfigValues, TheDemonstrationServesFourServicesOnTheTap) {
  const auto loaded = load_config(TERN_SOURCE_ROOT "/config/demo.toml", {{0, 1}});
  ASSERT_TRUE(loaded.config.has_value());
  EXPECT_EQ(summarize(*loaded.config),
            "eal: --no-pci --in-memory\n"
            "workers: 1, on CPU 1, idle adaptive, up to 100000 connections each, buffers automatic\n"
            "port net_tap0 (iface=tern0): 192.0.2.2/24, mtu 1500, offloads where the device has them\n"
            "service web: http on 192.0.2.2:80\n"
            "  tcp: cubic, mss 1460, window scale 7, timestamps on, sack on, nagle on, buffers 64 to 4096 "
            "KiB in and 256 "
            "KiB out, "
            "rto 200 ms to 60000 ms\n"
            "service echo: echo on 192.0.2.2:7\n"
            "  tcp: cubic, mss 1460, window scale 7, timestamps on, sack on, nagle off, buffers 64 to 4096 "
            "KiB in and 256 "
            "KiB out, "
            "rto 200 ms to 60000 ms\n"
            "service discard: discard on 192.0.2.2:9\n"
            "  tcp: cubic, mss 1460, window scale 7, timestamps on, sack on, nagle on, buffers 64 to 4096 "
            "KiB in and 256 "
            "KiB out, "
            "rto 200 ms to 60000 ms\n"
            "service chargen: chargen on 192.0.2.2:19\n"
            "  tcp: cubic, mss 1460, window scale 7, timestamps on, sack on, nagle on, buffers 64 to 4096 "
            "KiB in and 256 "
            "KiB out, "
            "rto 200 ms to 60000 ms\n");
}

}  // namespace
}  // namespace tern::app
