// SPDX-License-Identifier: BSD-3-Clause
// /tern/flows: its parameter, and that a reply has room for what it holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <set>

#include "tern/control/flows.hpp"

namespace tern::app {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const std::vector<std::string> kBindings = {"echo", "web", "checks/backends"};

FlowRequest parse(const std::string& parameter, size_t workers = 4) {
  return parse_flow_request(parameter, workers, kBindings);
}

TEST(FlowRequest, WithoutAParameterIsForAll) {
  const FlowRequest request = parse("");
  EXPECT_EQ(request.worker, 0u);
  EXPECT_FALSE(request.one_worker);
  EXPECT_EQ(request.from, 0u);
  EXPECT_TRUE(request.filter.passes(net::FourTuple{{1}, {0xc0000201}, 2, 3}));
  EXPECT_TRUE(request.filter.passes(tcp::Info{}));
}

TEST(FlowRequest, EachKeyReachesItsField) {
  const FlowRequest request =
      parse("worker=2,from=2/4096,state=CLOSE-WAIT,service=web,remote=192.0.2.0/24:443");
  EXPECT_EQ(request.worker, 2u);
  EXPECT_TRUE(request.one_worker);
  EXPECT_EQ(request.from, 4096u);
  EXPECT_EQ(request.filter.state, tcp::State::kCloseWait);
  EXPECT_EQ(request.filter.binding, 1);
  EXPECT_EQ(request.filter.remote, (net::Ipv4Interface{{0xc0000200}, 24}));
  EXPECT_EQ(request.filter.remote_port, 443);
  EXPECT_EQ(parse("remote=192.0.2.1").filter.remote, (net::Ipv4Interface{{0xc0000201}, 32}));
  EXPECT_EQ(parse("worker=3").worker, 3u);
  EXPECT_EQ(parse("service=checks/backends").filter.binding, 2);
}

TEST(FlowRequest, GoesOnByItsOwnText) {
  for (const std::string text :
       {"from=0/0", "from=3/17,worker=3", "from=1/9,state=SYN-SENT,service=echo",
        "from=0/4294967294,remote=192.0.2.0/24", "from=2/1,remote=192.0.2.1/32:80"}) {
    EXPECT_EQ(to_parameter(parse(text), kBindings), text);
  }
}

// Telemetry carries 127 letters of a text.
TEST(FlowRequest, LongestTextFits) {
  FlowRequest request =
      parse("worker=126,from=126/4294967294,state=SYN-RECEIVED,remote=192.168.100.100/32:65535", 127);
  request.filter.binding = 0;
  const std::vector<std::string> names = {std::string(32, 'n')};
  EXPECT_LE(to_parameter(request, names).size(), 127u);
}

TEST(FlowRequest, WhatIsWrongIsAnsweredByWhatIsAllowed) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"worker=4", "there are 0 to 3"},   {"worker=", "there are 0 to 3"},
      {"from=7", "WORKER/POSITION"},      {"from=9/0", "there are 0 to 3"},
      {"from=0/x", "WORKER/POSITION"},    {"state=OPEN", " ESTABLISHED FIN-WAIT-1 "},
      {"state=LISTEN", " SYN-SENT "},     {"service=mail", "/tern/services"},
      {"remote=here", "ADDRESS/BITS"},    {"remote=192.0.2.1:x", ":PORT"},
      {"remote=192.0.2.1/33", "ADDRESS"}, {"colour=red", "worker=, from=, state="},
      {"7", "worker=, from=, state="},    {"worker=1,from=2/8", "another worker"},
      {"state=ESTABLISHED,", nullptr},
  };
  for (const auto& [parameter, remedy] : kWrong) {
    if (remedy == nullptr) {
      EXPECT_NO_THROW(parse(parameter)) << parameter;
      continue;
    }
    const auto parse_it = [wrong = parameter] { parse(wrong); };
    EXPECT_THAT(parse_it, ThrowsMessage<std::invalid_argument>(HasSubstr(remedy))) << parameter;
    try {
      parse_it();
    } catch (const std::invalid_argument& problem) {
      EXPECT_LE(std::string(problem.what()).size(), 127u) << problem.what();
    }
  }
}

// Counts the letters of JSON, quotes and commas, and notes the names.
class Letters : public net::dpdk::TelemetryReply {
 public:
  void number(const std::string& name, uint64_t value) override {
    note(name, std::to_string(value).size() + 4);
  }
  void text(const std::string& name, const std::string& value) override { note(name, value.size() + 6); }
  void object(const std::string&, const std::function<void(TelemetryReply&)>&) override { FAIL(); }
  size_t count = 0;
  std::set<std::string> names;

 private:
  void note(const std::string& name, size_t rest) {
    names.insert(name);
    count += name.size() + rest;
  }
};

stack::Flow flow_of_large_figures() {
  constexpr uint32_t kMost = std::numeric_limits<uint32_t>::max();
  stack::Flow flow;
  flow.position = kMost;
  flow.tuple = {{kMost}, {kMost}, 65535, 65535};
  flow.place = stack::FlowPlace::kAcceptQueue;
  tcp::Info& info = flow.info;
  info.state = tcp::State::kSynReceived;
  info.timestamps = info.sack = info.window_scale = info.ecn = info.syn_text = true;
  info.send_scale = info.receive_scale = 14;
  info.congestion = tcp::Congestion::kNewReno;
  info.loss_state = tcp::LossState::kRecovery;
  info.limited_by = tcp::LimitedBy::kSendBuffer;
  info.expiries = 255;
  info.mss = info.advertised_mss = 65535;
  for (uint32_t* figure :
       {&info.rtt_us, &info.rttvar_us, &info.cwnd, &info.ssthresh, &info.flight, &info.unsent, &info.unread,
        &info.send_window, &info.receive_window, &info.retransmissions, &info.bytes_sent,
        &info.bytes_acknowledged, &info.bytes_received})
    *figure = kMost;
  info.rto = std::chrono::hours(1);
  info.silence = std::chrono::hours(24 * 208);
  info.limit_times.fill(std::chrono::hours(24 * 365 * 10));
  return flow;
}

// The fields that docs/telemetry.md explains.
std::set<std::string> documented_fields() {
  std::ifstream page(TERN_SOURCE_ROOT "/docs/telemetry.md");
  std::set<std::string> fields;
  bool in_table = false;
  for (std::string line; std::getline(page, line); in_table = in_table && line.starts_with('|')) {
    if (line == "| field | meaning |") in_table = true;
    if (!in_table || !line.starts_with("| `")) continue;
    const std::string names = line.substr(0, line.find(" | "));
    for (size_t at = names.find('`'); at != std::string::npos; at = names.find('`', at + 1)) {
      const size_t end = names.find('`', at + 1);
      fields.insert(names.substr(at + 1, end - at - 1));
      at = end;
    }
  }
  return fields;
}

TEST(FlowReply, EachFieldIsDocumentedAndNoOther) {
  const std::vector<std::string> names = {"web"};
  Letters letters;
  show_flow(flow_of_large_figures(), names, letters);
  stack::Flow waiting;
  waiting.place = stack::FlowPlace::kTimeWait;
  show_flow(waiting, names, letters);
  EXPECT_EQ(letters.names, documented_fields());
}

// DPDK 22.11 has 16 KiB for a reply, and leaves out silently what does not fit.
TEST(FlowReply, HasRoomForWhatItHolds) {
  const std::vector<std::string> names = {std::string(32, 'n')};
  Letters letters;
  show_flow(flow_of_large_figures(), names, letters);
  constexpr size_t kNameOfFlow = 24, kFrame = 256;
  EXPECT_LE(kFrame + kFlowsInReply * (letters.count + kNameOfFlow), 16u * 1024);
}

}  // namespace
}  // namespace tern::app
