// SPDX-License-Identifier: BSD-3-Clause
// ternload's command line: what it takes, and what it says to what it does not.
#include <gmock/gmock.h>

#include "ternload/command_line.hpp"

namespace tern::load {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

CommandLine parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ternload");
  return parse_command_line(arguments);
}

// With what is required in front.
CommandLine with(std::vector<const char*> more) {
  more.insert(more.begin(), {"connections", "http://192.0.2.2/", "--device", "net_tap0,iface=load0",
                             "--address", "192.0.2.16/24"});
  return parse(std::move(more));
}

TEST(LoadCommandLine, KnowsTargets) {
  const auto web = parse_target("http://192.0.2.2:8080/bytes/100?x=1");
  ASSERT_TRUE(web);
  EXPECT_EQ(web->protocol, Protocol::kHttp);
  EXPECT_EQ(web->address.value, 0xc0000202u);
  EXPECT_EQ(web->port, 8080);
  EXPECT_EQ(web->path, "/bytes/100?x=1");
  EXPECT_EQ(parse_target("http://192.0.2.2")->port, 80);
  EXPECT_EQ(parse_target("http://192.0.2.2")->path, "/");
  const auto echo = parse_target("tcp://192.0.2.2:7");
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->protocol, Protocol::kRaw);
  EXPECT_EQ(echo->port, 7);
  for (const char* text :
       {"", "192.0.2.2", "https://192.0.2.2/", "tcp://192.0.2.2", "http://name/", "http://192.0.2.2:0/",
        "http://192.0.2.2:65536/", "http://192.0.2.2:/", "http://192.0.2.2/a b"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
}

TEST(LoadCommandLine, KnowsDurations) {
  EXPECT_EQ(parse_duration("10"), 10s);
  EXPECT_EQ(parse_duration("2.5s"), 2500ms);
  EXPECT_EQ(parse_duration("200ms"), 200ms);
  EXPECT_EQ(parse_duration("7us"), 7us);
  EXPECT_EQ(parse_duration("1m"), 60s);
  for (const char* text : {"", "s", "-1", "1x", "1 s", "nan", "inf", "1e300"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(LoadCommandLine, KnowsPortRanges) {
  EXPECT_EQ(parse_port_range("1024-65535"), std::pair(uint16_t{1024}, uint16_t{65535}));
  EXPECT_EQ(parse_port_range("80"), std::pair(uint16_t{80}, uint16_t{80}));
  for (const char* text : {"", "0-1", "5-4", "1-65536", "1-", "-1"})
    EXPECT_FALSE(parse_port_range(text)) << text;
}

TEST(LoadCommandLine, TakesWhatItIsTold) {
  const CommandLine line =
      with({"--in-flight", "50", "--close", "reset", "--ports", "2000-3000", "--duration", "3s", "--warm-up",
            "0", "--addresses", "4", "--json", "out.json"});
  ASSERT_EQ(line.error, "");
  const Options& options = line.options;
  EXPECT_EQ(options.mode, Mode::kConnections);
  EXPECT_EQ(options.port.device, "net_tap0");
  EXPECT_EQ(options.port.arguments, "iface=load0");
  EXPECT_EQ(options.address.address.value, 0xc0000210u);
  EXPECT_EQ(options.address.prefix_length, 24);
  EXPECT_EQ(options.addresses, 4u);
  EXPECT_EQ(options.in_flight, 50u);
  EXPECT_EQ(options.closing, Closing::kReset);
  EXPECT_EQ(options.first_port, 2000);
  EXPECT_EQ(options.last_port, 3000);
  EXPECT_EQ(options.duration, 3s);
  EXPECT_EQ(options.warm_up, 0s);
  EXPECT_EQ(options.json_path, "out.json");
}

TEST(LoadCommandLine, KnowsWeightedPaths) {
  EXPECT_EQ(parse_weighted_path("/a")->weight, 1u);
  EXPECT_EQ(parse_weighted_path("/a?b=c=7")->path, "/a?b=c");
  EXPECT_EQ(parse_weighted_path("/a?b=c=7")->weight, 7u);
  for (const char* text : {"", "a", "/a=0", "/a=1001", "/a=x", "/a b"})
    EXPECT_FALSE(parse_weighted_path(text)) << text;
}

TEST(LoadCommandLine, FillsInWhatIsLeftToTheMode) {
  EXPECT_EQ(with({"--in-flight", "7"}).options.connections, 7u);
  EXPECT_EQ(with({"--rate", "100"}).options.connections, 50'000u);
  const auto mode = [](const char* name, std::vector<const char*> more) {
    more.insert(more.begin(),
                {name, "tcp://192.0.2.2:7", "--device", "net_tap0", "--address", "192.0.2.16/24"});
    const CommandLine line = parse(std::move(more));
    EXPECT_EQ(line.error, "");
    return line.options;
  };
  EXPECT_EQ(mode("requests", {"--in-flight", "12", "--pipeline", "4"}).connections, 3u);
  EXPECT_EQ(mode("requests", {}).closing, Closing::kClient);
  EXPECT_EQ(mode("mixed", {}).requests_per_connection, 10u);
  EXPECT_EQ(mode("throughput", {"--direction", "both"}).connections, 8u);
  EXPECT_EQ(mode("flood", {"--flood", "1000"}).connections, 0u);
}

TEST(LoadCommandLine, SaysWhichNumbersDoNotGoTogether) {
  const auto requests = [](std::vector<const char*> more) {
    more.insert(more.begin(),
                {"requests", "http://192.0.2.2/", "--device", "net_tap0", "--address", "192.0.2.16/24"});
    return parse(std::move(more));
  };
  EXPECT_THAT(requests({"--in-flight", "10", "--pipeline", "4"}).error, HasSubstr("no multiple"));
  EXPECT_THAT(requests({"--in-flight", "8", "--pipeline", "4", "--connections", "3"}).error,
              HasSubstr("leave one"));
  EXPECT_EQ(requests({"--pipeline", "4", "--connections", "3"}).options.in_flight, 12u);
  EXPECT_EQ(requests({"--pipeline", "8"}).options.connections, 13u) << "what nobody asked for is rounded up";
  EXPECT_THAT(requests({"--connections", "100000"}).error, HasSubstr("64512"));
  EXPECT_EQ(requests({"--connections", "100000", "--addresses", "2"}).error, "");
  EXPECT_EQ(with({"--rate", "10", "--ports", "5000-5003"}).options.connections, 4u);
}

TEST(LoadCommandLine, MixIsTakenAsOftenAsItIsGiven) {
  const CommandLine line = parse({"mixed", "http://192.0.2.2/", "--device", "net_tap0", "--address",
                                  "192.0.2.16/24", "--mix", "/a=3", "--mix", "/b"});
  ASSERT_EQ(line.error, "");
  ASSERT_EQ(line.options.mix.size(), 2u);
  EXPECT_EQ(line.options.mix[0].path, "/a");
  EXPECT_EQ(line.options.mix[0].weight, 3u);
  EXPECT_EQ(line.options.mix[1].path, "/b");
}

TEST(LoadCommandLine, LeavesToEalWhatStandsBeforeTheDashes) {
  const CommandLine line = parse({"--no-huge", "-m", "512", "--", "requests", "http://192.0.2.2/", "--device",
                                  "net_tap0", "--address", "192.0.2.16/24"});
  EXPECT_EQ(line.error, "");
  EXPECT_EQ(line.options.eal_args, (std::vector<std::string>{"--no-huge", "-m", "512"}));
}

TEST(LoadCommandLine, SaysWhatIsWrong) {
  EXPECT_THAT(parse({}).error, HasSubstr("MODE"));
  EXPECT_THAT(parse({"dance"}).error, HasSubstr("dance"));
  EXPECT_THAT(with({"--in-flight", "0"}).error, HasSubstr("--in-flight"));
  EXPECT_THAT(with({"--duration", "soon"}).error, HasSubstr("soon"));
  EXPECT_THAT(with({"--pipeline", "4"}).error, HasSubstr("requests"));
  EXPECT_THAT(with({"--close", "me"}).error, HasSubstr("\"me\" is not one of server, client, reset"));
  EXPECT_THAT(with({"--mix", "/a"}).error, HasSubstr("mixed"));
  EXPECT_THAT(with({"--interval", "1ms"}).error, HasSubstr("10ms"));
  EXPECT_THAT(with({"--addresses", "250"}).error, HasSubstr("beyond the network"));
  EXPECT_THAT(
      parse({"requests", "http://198.51.100.1/", "--device", "net_tap0", "--address", "192.0.2.16/24"}).error,
      HasSubstr("no routers"));
  EXPECT_THAT(
      parse({"requests", "http://192.0.2.16/", "--device", "net_tap0", "--address", "192.0.2.16/24"}).error,
      HasSubstr("own addresses"));
  EXPECT_THAT(parse({"requests", "tcp://192.0.2.2:7", "--device", "net_tap0", "--address", "192.0.2.16/24",
                     "--close", "server"})
                  .error,
              HasSubstr("HTTP"));
}

TEST(LoadCommandLine, HasHelp) {
  const CommandLine line = parse({"--help"});
  EXPECT_EQ(line.error, "");
  for (const char* option : {"--device", "--address", "--in-flight", "--duration", "Examples"}) {
    EXPECT_THAT(line.text, HasSubstr(option));
  }
}

}  // namespace
}  // namespace tern::load
