// SPDX-License-Identifier: BSD-3-Clause
// Telemetry commands, asked through EAL's own socket as dpdk-telemetry.py does.
#include "net/dpdk/telemetry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_eal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <stdexcept>

namespace tern::net::dpdk {
namespace {

using testing::HasSubstr;
using testing::Not;

// A client of EAL's telemetry socket: version 2, one packet per question and per answer.
class Client {
 public:
  Client() : socket_(socket(AF_UNIX, SOCK_SEQPACKET, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s/dpdk_telemetry.v2",
                  rte_eal_get_runtime_dir());
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (connect(socket_, generic, sizeof address) != 0) throw std::runtime_error("no telemetry socket");
    receive();  // who is there
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  std::string ask(const std::string& question) {
    if (send(socket_, question.data(), question.size(), 0) < 0) throw std::runtime_error("send failed");
    return receive();
  }

 private:
  std::string receive() {
    std::array<char, 1 << 16> answer;
    const ssize_t length = recv(socket_, answer.data(), answer.size(), 0);
    if (length < 0) throw std::runtime_error("recv failed");
    return {answer.data(), static_cast<size_t>(length)};
  }

  int socket_;
};

TEST(Telemetry, NumbersTextsAndObjectsArrive) {
  register_telemetry("/tern/test/tree", "A tree.", [](const std::string&, TelemetryReply& reply) {
    reply.number("frames", 18446744073709551615u);
    reply.text("name", "net_tap0");
    reply.object("tcp", [](TelemetryReply& inner) {
      inner.number("segments", 7);
      inner.text("cookies", "always");
    });
  });
  EXPECT_EQ(Client().ask("/tern/test/tree"),
            R"({"/tern/test/tree":{"frames":18446744073709551615,"name":"net_tap0",)"
            R"("tcp":{"segments":7,"cookies":"always"}}})");
}

TEST(Telemetry, ParametersReachTheHandlerAndMayBeMissing) {
  register_telemetry("/tern/test/echo", "Echoes.", [](const std::string& parameters, TelemetryReply& reply) {
    reply.text("given", parameters);
  });
  Client client;
  EXPECT_EQ(client.ask("/tern/test/echo,a,b"), R"({"/tern/test/echo":{"given":"a,b"}})");
  EXPECT_EQ(client.ask("/tern/test/echo"), R"({"/tern/test/echo":{"given":""}})");
}

TEST(Telemetry, EachCommandHasItsHandlerAndTheLastRegisteredWins) {
  const auto answering = [](uint64_t value) {
    return [value](const std::string&, TelemetryReply& reply) { reply.number("value", value); };
  };
  register_telemetry("/tern/test/one", "One.", answering(1));
  register_telemetry("/tern/test/two", "Two.", answering(2));
  Client client;
  EXPECT_EQ(client.ask("/tern/test/one"), R"({"/tern/test/one":{"value":1}})");
  EXPECT_EQ(client.ask("/tern/test/two"), R"({"/tern/test/two":{"value":2}})");
  register_telemetry("/tern/test/one", "One.", answering(3));
  EXPECT_EQ(client.ask("/tern/test/one"), R"({"/tern/test/one":{"value":3}})");
}

TEST(Telemetry, MoreEntriesThanDpdkCarriesAreCounted) {
  register_telemetry("/tern/test/many", "Many.", [](const std::string&, TelemetryReply& reply) {
    for (int i = 0; i < 300; ++i) reply.number("n" + std::to_string(i), 1);
    reply.text("late", "x");
    reply.object("later", [](TelemetryReply&) {});
  });
  const std::string answer = Client().ask("/tern/test/many");
  EXPECT_THAT(answer, HasSubstr(R"("n254":1,"omitted":47})"));
  EXPECT_THAT(answer, Not(HasSubstr("n255")));
}

TEST(Telemetry, WhatDoesNotFitIsCut) {
  register_telemetry("/tern/test/long", "Long.", [](const std::string&, TelemetryReply& reply) {
    reply.text(std::string(500, 'n'), std::string(500, 'v'));
    reply.number("10.0.0.1:80 \"", 1);
    reply.object(std::string(500, 'o'), [](TelemetryReply& inner) { inner.number("n", 1); });
  });
  const std::string cut_name(127, 'n'), cut_value(127, 'v'), cut_object(127, 'o');
  EXPECT_EQ(Client().ask("/tern/test/long"), R"({"/tern/test/long":{")" + cut_name + R"(":")" + cut_value +
                                                 R"(","10_0_0_1_80__":1,")" + cut_object + R"(":{"n":1}}})");
}

TEST(Telemetry, HandlerThatThrowsAnswersWhatTheExceptionSays) {
  register_telemetry("/tern/test/throws", "Throws.", [](const std::string& parameter, TelemetryReply& reply) {
    reply.number("before", 1);
    reply.object("object", [](TelemetryReply& inner) { inner.number("within", 1); });
    throw std::runtime_error("no such thing: " + parameter);
  });
  register_telemetry("/tern/test/deep", "Too deep.", [](const std::string&, TelemetryReply& reply) {
    reply.object("a", [](TelemetryReply& a) { a.object("b", [](TelemetryReply&) {}); });
  });
  Client client;
  EXPECT_EQ(client.ask("/tern/test/throws,a\"b"), R"({"/tern/test/throws":{"error":"no such thing: a_b"}})");
  EXPECT_THAT(client.ask("/tern/test/deep"), HasSubstr(R"({"error":"telemetry carries no object within)"));
}

TEST(Telemetry, UnregisteredCommandAnswersNull) {
  register_telemetry("/tern/test/gone", "Goes.",
                     [](const std::string&, TelemetryReply& reply) { reply.number("here", 1); });
  Client client;
  EXPECT_EQ(client.ask("/tern/test/gone"), R"({"/tern/test/gone":{"here":1}})");
  unregister_telemetry("/tern/test/gone");
  EXPECT_EQ(client.ask("/tern/test/gone"), R"({"/tern/test/gone":null})");
}

TEST(Telemetry, CommandThatDpdkRefusesIsAnError) {
  const TelemetryHandler nothing = [](const std::string&, TelemetryReply&) {};
  EXPECT_THROW(register_telemetry("no/slash", "", nothing), std::runtime_error);
  EXPECT_THROW(register_telemetry("/" + std::string(60, 'x'), "", nothing), std::runtime_error);
}

}  // namespace
}  // namespace tern::net::dpdk
