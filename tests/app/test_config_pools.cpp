// SPDX-License-Identifier: BSD-3-Clause
// [[pool]], [[backend]] and services of kind "proxy": what is read, and what is refused with place and
// remedy.
#include <gtest/gtest.h>

#include <sstream>

#include "config_support.hpp"

namespace tern::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHead =
    "[dataplane]\nworkers = [1]\n[[port]]\ndevice = \"net_tap0\"\naddresses = [\"192.0.2.2/24\"]\n";
constexpr std::string_view kSecond =
    "[[backend]]\npool = \"web\"\nname = \"a\"\naddress = \"192.0.2.12:80\"\n";

LoadedConfig load(std::string_view pool_keys, std::string_view backend_keys = {},
                  std::string_view service_keys = {}) {
  return parse(balanced(pool_keys, backend_keys, service_keys));
}

std::string errors_of(const LoadedConfig& loaded) { return lines(loaded.errors); }

TEST(ConfigPools, HaveTheDefaultsOfTheirKeys) {
  const auto loaded = load({});
  ASSERT_EQ(errors_of(loaded), "");
  const PoolConfig& pool = loaded.config->pools.at(0);
  EXPECT_EQ(pool.balance.name, "web");
  EXPECT_EQ(pool.balance.algorithm, lb::Algorithm::kRoundRobin);
  EXPECT_EQ(pool.check, CheckKind::kTcp);
  EXPECT_EQ(pool.balance.health.interval, 2s);
  EXPECT_EQ(pool.balance.health.failures, 3u);
  EXPECT_EQ(pool.tcp.mss, 1460);
  const lb::BackendConfig& backend = pool.balance.backends.at(0);
  EXPECT_EQ(backend.name, "a");
  EXPECT_EQ(backend.address, net::Ipv4Address{0xc000020bu});
  EXPECT_EQ(backend.port, 80);
  EXPECT_EQ(backend.weight, 1);
  const ServiceConfig& service = loaded.config->services.at(0);
  EXPECT_EQ(service.kind, ServiceKind::kProxy);
  EXPECT_EQ(service.proxy.pool, 0u);
  EXPECT_EQ(service.proxy.retries, 3u);
  EXPECT_FALSE(service.proxy.accept_proxy);
  EXPECT_FALSE(service.proxy.limits.any());
}

TEST(ConfigPools, TakeTheLeastMtuForBothSidesOfAProxy) {
  std::string text = balanced();
  text.insert(text.find("[[pool]]"),
              "mtu = 9000\n[[port]]\ndevice = \"net_tap1\"\naddresses = [\"198.51.100.2/24\"]\n");
  const auto loaded = parse(text);
  ASSERT_EQ(errors_of(loaded), "");
  EXPECT_EQ(loaded.config->pools.at(0).tcp.mss, 1460);
  EXPECT_EQ(loaded.config->services.at(0).tcp.mss, 1460);
}

TEST(ConfigPools, ReadTheirKeys) {
  const auto loaded = load(
      "algorithm = \"maglev\"\nmaglev_size = 251\nslow_start_s = 30\npersistence_s = 60\ncheck = \"http\"\n"
      "check_interval_ms = 500\ncheck_timeout_ms = 400\ncheck_rise = 4\ncheck_fall = 5\ncheck_host = \"h\"\n"
      "check_path = \"/up\"\ncheck_status = 204\ninitially_up = true\neject_after = 0\nsend_proxy = \"v2\"\n"
      "proxy_options = [\"unique-id\", \"crc32c\"]\nsources = [\"192.0.2.2\"]\n",
      "weight = 7\nmax_connections = 9\n",
      "retries = 1\nconnect_timeout_ms = 100\nqueue_timeout_ms = 200\nqueue_length = 3\n"
      "accept_proxy_from = [\"10.0.0.0/8\"]\nallow = [\"10.0.0.0/8\"]\ndeny = [\"10.1.0.0/16\"]\n"
      "max_per_source = 4\nmax_per_prefix = 5\nprefix_length = 16\nrate_per_source = 6\nrate_burst = 7\n"
      "tracked_sources = 64\nrefuse = \"silent\"\n");
  ASSERT_EQ(errors_of(loaded), "");
  const PoolConfig& pool = loaded.config->pools.at(0);
  EXPECT_EQ(pool.balance.algorithm, lb::Algorithm::kMaglev);
  EXPECT_EQ(pool.balance.maglev_size, 251u);
  EXPECT_EQ(pool.balance.slow_start, 30s);
  EXPECT_EQ(pool.balance.persistence, 60s);
  EXPECT_EQ(pool.check, CheckKind::kHttp);
  EXPECT_EQ(pool.balance.health.interval, 500ms);
  EXPECT_EQ(pool.balance.health.timeout, 400ms);
  EXPECT_EQ(pool.balance.health.rise, 4u);
  EXPECT_EQ(pool.balance.health.fall, 5u);
  EXPECT_TRUE(pool.balance.health.initially_up);
  EXPECT_EQ(pool.balance.health.failures, 0u);
  EXPECT_EQ(pool.check_host, "h");
  EXPECT_EQ(pool.check_path, "/up");
  EXPECT_EQ(pool.check_status, 204);
  EXPECT_EQ(pool.send_proxy, lb::ProxyVersion::kV2);
  EXPECT_TRUE(pool.send_crc && pool.send_unique_id);
  EXPECT_EQ(pool.sources.size(), 1u);
  EXPECT_EQ(pool.balance.backends.at(0).weight, 7);
  EXPECT_EQ(pool.balance.backends.at(0).max_connections, 9u);
  const ProxyConfig& proxy = loaded.config->services.at(0).proxy;
  EXPECT_EQ(proxy.retries, 1u);
  EXPECT_EQ(proxy.connect_timeout, 100ms);
  EXPECT_EQ(proxy.queue_timeout, 200ms);
  EXPECT_EQ(proxy.queue_length, 3u);
  EXPECT_TRUE(proxy.accept_proxy && proxy.trusted.allows({0x0a000001u}) && !proxy.trusted.allows({1}));
  EXPECT_TRUE(proxy.limits.access.allows({0x0a000001u}) && !proxy.limits.access.allows({0x0a010001u}));
  EXPECT_EQ(proxy.limits.per_source, 4u);
  EXPECT_EQ(proxy.limits.per_prefix, 5u);
  EXPECT_EQ(proxy.limits.prefix_length, 16);
  EXPECT_EQ(proxy.limits.rate, 6u);
  EXPECT_EQ(proxy.limits.burst, 7u);
  EXPECT_EQ(proxy.limits.sources, 64u);
  EXPECT_TRUE(proxy.refuse_silently);
}

// For ports whose mtu is 9000.
Config config_of(std::string_view pool, std::string_view service = {}, std::string_view tcp = {}) {
  std::string text = balanced(pool, {}, service);
  text.insert(text.find("[[pool]]"), "mtu = 9000\n");
  const auto loaded = parse(text.append("[tcp]\n").append(tcp));
  EXPECT_EQ(errors_of(loaded), "");
  return loaded.config.value_or(Config{});
}

TEST(ConfigPools, EachTcpKeyMeansTowardBackendsWhatItMeansBelowAService) {
  const Config plain = config_of({});
  size_t read = 0, refused = 0;
  std::istringstream keys{std::string(kEveryTcpKey)};
  for (std::string line; std::getline(keys, line);) {
    SCOPED_TRACE(line);
    line += '\n';
    std::string text = balanced(line);
    text.insert(text.find("[[pool]]"), "mtu = 9000\n");
    if (errors(text).find("whose connections tern opens itself") != std::string::npos) {
      ++refused;
      continue;
    }
    ++read;
    const Config config = config_of(line);
    const tcp::Config expected = config_of({}, line).services.at(0).tcp;
    EXPECT_NE(fields(expected), fields(plain.services.at(0).tcp));
    EXPECT_EQ(fields(config.services.at(0).proxy.tcp), fields(expected));
    EXPECT_EQ(fields(config.pools.at(0).tcp), fields(expected)) << "checks";
    EXPECT_EQ(fields(config.services.at(0).tcp), fields(plain.services.at(0).tcp)) << "clients";
  }
  EXPECT_EQ(refused, 7u) << "those of SYN queue, accept queue and Fast Open's";
  EXPECT_GE(read, 42u);
}

TEST(ConfigPools, LayTheirTcpKeysOnTopOfEachServicesOwn) {
  std::string text = balanced("keep_alive = true\ncongestion = \"cubic\"\n", {},
                              "nagle = false\nkeep_alive_idle_s = 60\ncongestion = \"bbr\"\n");
  text +=
      "[[service]]\nname = \"back\"\nkind = \"proxy\"\nlisten = [\"192.0.2.2:81\"]\npool = \"web\"\n"
      "[tcp]\ndelayed_ack_ms = 10\necn = \"on\"\n";
  const auto loaded = parse(text);
  ASSERT_EQ(errors_of(loaded), "");
  const ServiceConfig& front = loaded.config->services.at(0);
  const ServiceConfig& back = loaded.config->services.at(1);
  EXPECT_FALSE(front.tcp.keep_alive.on);
  EXPECT_TRUE(front.proxy.tcp.keep_alive.on);
  EXPECT_EQ(front.proxy.tcp.keep_alive.idle, 60s);
  EXPECT_FALSE(front.proxy.tcp.nagle);
  EXPECT_EQ(front.proxy.tcp.delayed_ack, 10ms);
  EXPECT_EQ(front.tcp.congestion, tcp::Congestion::kBbr);
  EXPECT_EQ(front.tcp.ecn, tcp::Ecn::kOff) << "which BBR does not answer";
  EXPECT_EQ(front.proxy.tcp.congestion, tcp::Congestion::kCubic);
  EXPECT_EQ(front.proxy.tcp.ecn, tcp::Ecn::kOn);
  EXPECT_TRUE(back.proxy.tcp.keep_alive.on);
  EXPECT_TRUE(back.proxy.tcp.nagle);
  const tcp::Config& checks = loaded.config->pools.at(0).tcp;
  EXPECT_TRUE(checks.keep_alive.on && checks.nagle);
  EXPECT_EQ(checks.delayed_ack, 10ms);
}

TEST(ConfigPools, WithoutTcpKeysFollowTheService) {
  const Config config = config_of({}, "congestion = \"newreno\"\nmss = 536\n", "nagle = false\n");
  const ServiceConfig& service = config.services.at(0);
  EXPECT_EQ(fields(service.proxy.tcp), fields(service.tcp));
  EXPECT_EQ(config.pools.at(0).tcp.congestion, tcp::Congestion::kCubic) << "checks follow [tcp]";
  EXPECT_FALSE(config.pools.at(0).tcp.nagle);
}

TEST(ConfigPools, ChooseTheirOwnMssOrThePorts) {
  EXPECT_EQ(config_of("mss = 1000\n").services.at(0).proxy.tcp.mss, 1000);
  EXPECT_EQ(config_of("mss = 1000\n").services.at(0).tcp.mss, 8960);
  EXPECT_EQ(config_of("mss = 0\n", "mss = 536\n").services.at(0).proxy.tcp.mss, 8960);
}

TEST(ConfigPools, AreWarnedOfAWindowThatCannotBeSaidOnce) {
  const auto loaded = load("window_scale = 0\n");
  ASSERT_EQ(loaded.warnings.size(), 1u);
  EXPECT_EQ(loaded.warnings[0].key, "pool.window_scale");
}

TEST(ConfigPools, AreSummedUpWithWhatTheirConnectionsFollow) {
  const std::string text = summarize(config_of("congestion = \"bbr\"\nmss = 1000\n"));
  EXPECT_NE(text.find("\n  tcp: cubic, mss 8960, "), std::string::npos) << text;
  EXPECT_NE(text.find("\n  tcp to backends: bbr, mss 1000, "), std::string::npos) << text;
}

struct Wrong {
  const char* name;
  std::string pool, backend, service;
  const char* expected;  // "line: key: a part of the message"
};

class WrongPool : public testing::TestWithParam<Wrong> {};

TEST_P(WrongPool, IsRefusedWithItsPlaceAndARemedy) {
  const Wrong& wrong = GetParam();
  const auto loaded = load(wrong.pool, wrong.backend, wrong.service);
  ASSERT_EQ(loaded.errors.size(), 1u) << errors_of(loaded);
  const Problem& problem = loaded.errors[0];
  const std::string got = std::to_string(problem.at.line) + ": " + problem.key + ": " + problem.text;
  const std::string expected = wrong.expected;
  EXPECT_EQ(got.substr(0, expected.size()), expected);
  EXPECT_NE(problem.text.find(';'), std::string::npos) << "no remedy: " << problem.text;
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongPool,
    testing::Values(
        Wrong{"Algorithm", "algorithm = \"fastest\"\n", "", "",
              "8: pool.algorithm: found \"fastest\"; allowed is"},
        Wrong{"MaglevSize", "maglev_size = 1000\n", "", "",
              "8: pool.maglev_size: found 1000, which is no prime"},
        Wrong{"Timeout", "check_interval_ms = 100\ncheck_timeout_ms = 200\n", "", "",
              "9: pool.check_timeout_ms: found 200, longer than check_interval_ms = 100"},
        Wrong{"Ejection", "eject_ms = 2000\neject_most_ms = 1000\n", "", "",
              "8: pool.eject_ms: found 2000, longer than eject_most_ms = 1000"},
        Wrong{"Path", "check_path = \"up\"\n", "", "", "8: pool.check_path: found \"up\"; allowed is a path"},
        Wrong{"Host", "check_host = \"a b\"\n", "", "",
              "8: pool.check_host: found \"a b\"; allowed is a host"},
        Wrong{"Options", "proxy_options = [\"crc32c\"]\n", "", "",
              "8: pool.proxy_options: found options of version 2"},
        Wrong{"Source", "sources = [\"192.0.2.9\"]\n", "", "",
              "8: pool.sources: found \"192.0.2.9\", which no port has"},
        Wrong{"TcpWord", "congestion = \"reno\"\n", "", "",
              "8: pool.congestion: found \"reno\"; allowed is \"cubic\""},
        Wrong{"TcpKey", "congestoin = \"bbr\"\n", "", "",
              "8: pool.congestoin: unknown key in [[pool]]; did you mean congestion?"},
        Wrong{"TcpKeyOfListeners", "syn_backlog = 5\n", "", "",
              "8: pool.syn_backlog: found below a table whose connections tern opens itself; allowed is"},
        Wrong{"Mss", "mss = 1461\n", "", "",
              "8: pool.mss: found 1461, but the narrowest port's mtu of 1500 leaves 1460; allowed is"},
        Wrong{"Order", "rto_min_ms = 2000\n", "", "",
              "8: pool.rto_min_ms: found rto_min_ms = 2000 above rto_initial_ms = 1000; allowed is"},
        Wrong{"OrderBesideAService", "rto_initial_ms = 3000\n", "", "rto_max_ms = 2000\n",
              "8: pool.rto_initial_ms: found rto_initial_ms = 3000 above rto_max_ms = 2000; allowed is"},
        Wrong{"Weights", "", "weight = 0\n", "", "6: pool.name: pool \"web\" has no backend with a weight"},
        Wrong{"Backups", "", "backup = true\n", "", "6: pool.name: pool \"web\" has backups only"},
        Wrong{"Weight", "", "weight = 257\n", "", "12: backend.weight: found the integer 257; allowed is"},
        Wrong{"NamedTwice", "", std::string(kSecond), "",
              "14: backend.name: found \"a\", which another backend of the pool has"},
        Wrong{"NoSuchPool", "", "[[backend]]\npool = \"wbe\"\nname = \"b\"\naddress = \"192.0.2.12:80\"\n",
              "", "13: backend.pool: found \"wbe\"; allowed is the name of a [[pool]]"},
        Wrong{"NoRoute", "", "[[backend]]\npool = \"web\"\nname = \"b\"\naddress = \"198.51.100.1:80\"\n", "",
              "15: backend.address: found \"198.51.100.1:80\", which is on no port's network"},
        Wrong{"OwnAddress", "", "[[backend]]\npool = \"web\"\nname = \"b\"\naddress = \"192.0.2.2:81\"\n", "",
              "15: backend.address: found \"192.0.2.2:81\", which is tern's own address"},
        Wrong{"Prefix", "", "", "deny = [\"192.0.2.1\"]\n",
              "17: service.deny: found \"192.0.2.1\"; allowed is"},
        Wrong{"Refuse", "", "", "refuse = \"politely\"\n",
              "17: service.refuse: found \"politely\"; allowed is"}),
    [](const auto& test) { return test.param.name; });

TEST(ConfigPools, AreNeededByAProxy) {
  const auto loaded =
      parse(std::string(kHead) +
            "[[service]]\nname = \"front\"\nkind = \"proxy\"\nlisten = [\"192.0.2.2:80\"]\npool = \"web\"\n");
  EXPECT_EQ(
      errors_of(loaded),
      "t.toml:10:8: service.pool: found \"web\"; allowed is the name of a [[pool]]; there is none yet: write "
      "[[pool]] with its name, and [[backend]] for each backend\n");
}

TEST(ConfigPools, WithoutBackendsAreRefused) {
  const auto loaded = parse(std::string(kHead) + "[[pool]]\nname = \"web\"\n");
  EXPECT_EQ(errors_of(loaded),
            "t.toml:6:1: pool.name: pool \"web\" has no backends; write [[backend]] with pool = \"web\" for "
            "each\n");
}

TEST(ConfigPools, AreNotForOtherServices) {
  const std::string text =
      std::string(kHead) +
      "[[service]]\nname = \"e\"\nkind = \"echo\"\nlisten = [\"192.0.2.2:7\"]\npool = \"web\"\n";
  EXPECT_EQ(errors(text),
            "t.toml:10:8: service.pool: found below a service of kind \"echo\"; allowed is it with kind = "
            "\"proxy\" only\n");
}

}  // namespace
}  // namespace tern::app
