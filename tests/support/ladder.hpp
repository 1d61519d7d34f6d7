// SPDX-License-Identifier: BSD-3-Clause
// A small language for tests that read like the ladder diagrams of the RFCs: one connection under test, in a
// core of its own, in virtual time, against a peer that the test plays.
//
//   Ladder l(established());
//   l.at(0ms).in(seq(1), ack(1), text(1000));
//   l.at(40ms).out(seq(1), ack(1001));
//   l.silent_until(200ms);
//
// Sequence numbers are relative: 0 is the SYN, 1 the first byte. The absolute ones behind them are the
// Start's, so that each ladder can run at the wrap of 2^32 too. Text is a pattern that depends on its place
// in the stream; what leaves and what is read is compared with it byte by byte. What in() does not state is
// what a well-behaved peer would send; out() compares what it states, and always control bits (PSH only when
// stated), length of text, SACK blocks, and the user timeout option.
//
// Time stands still except in at(), after() and silent_until(). The wheel rounds up to ticks of about a
// millisecond, so out() lets two ticks pass beyond the stated time. A segment that no out() expects is a
// failure, and at the end of the ladder the connection gives back all that it held.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "support/invariants.hpp"
#include "tcp/connection.hpp"
#include "tcp/core.hpp"

namespace tern::test {

using namespace std::chrono_literals;
using net::Duration;
using tcp::State;

// Absolute numbers behind the relative ones.
struct Origin {
  uint32_t iss = 0;
  uint32_t irs = 0;
};

struct Start {
  tcp::Config config;
  tcp::CoreLimits limits;
  Origin origin;
  uint16_t peer_mss = 1000;
  uint8_t peer_scale = tcp::kNoWindowScale;
  bool timestamps = false;
  bool sack = false;
  bool ecn = false;                            // agreed on, in a passive open
  uint16_t peer_window = 60000;                // of the handshake and of every in() that states none
  bool active = false;                         // we open
  bool handshake = true;                       // the ladder begins in ESTABLISHED
  std::function<void(class Ladder&)> opening;  // where we open, run before the SYN leaves
  std::optional<tcp::Agreement> agreement;     // in place of what the fields above say, for a passive open
};

// The start that ladders vary: ESTABLISHED, segments of 1000 bytes, a buffer of 10,000, no options.
Start established(Origin origin = {});

// A segment as a test states it.
struct Row {
  std::optional<uint32_t> seq, ack;
  std::optional<uint16_t> wnd, mss;
  uint16_t user_timeout = 0;  // RFC 5482, as on the wire; 0: absent
  std::optional<uint8_t> scale;
  std::optional<uint32_t> ts_val, ts_ecr;
  std::optional<bool> timestamps, sack_permitted, psh;
  std::optional<tcp::FastOpenOption> fast_open;
  uint32_t text = 0;
  uint8_t flags = tcp::kAck;
  std::optional<tcp::EcnField> ecn;  // of the IP header; what arrives is not capable of ECN if not stated
  std::vector<std::array<uint32_t, 2>> sacks;
};

inline auto seq(uint32_t n) {
  return [n](Row& r) { r.seq = n; };
}
inline auto ack(uint32_t n) {
  return [n](Row& r) { r.ack = n; };
}
inline auto wnd(uint16_t n) {
  return [n](Row& r) { r.wnd = n; };
}
inline auto text(uint32_t n) {
  return [n](Row& r) { r.text = n; };
}
inline auto flags(uint8_t bits) {
  return [bits](Row& r) { r.flags = bits; };
}
inline auto fin() {
  return [](Row& r) { r.flags |= tcp::kFin; };
}
inline auto syn() {
  return [](Row& r) { r.flags |= tcp::kSyn; };
}
inline auto rst() {
  return [](Row& r) { r.flags |= tcp::kRst; };
}
inline auto no_ack() {
  return [](Row& r) { r.flags &= static_cast<uint8_t>(~tcp::kAck); };
}
inline auto psh(bool set = true) {
  return [set](Row& r) { r.psh = set; };
}
inline auto ece() {
  return [](Row& r) { r.flags |= tcp::kEce; };
}
inline auto cwr() {
  return [](Row& r) { r.flags |= tcp::kCwr; };
}
inline auto ecn(tcp::EcnField field) {
  return [field](Row& r) { r.ecn = field; };
}
inline auto marked() { return ecn(tcp::EcnField::kCongested); }
inline auto ect0() { return ecn(tcp::EcnField::kCapable0); }
inline auto not_ect() { return ecn(tcp::EcnField::kNotCapable); }
inline auto mss(uint16_t n) {
  return [n](Row& r) { r.mss = n; };
}
inline auto scale(uint8_t n) {
  return [n](Row& r) { r.scale = n; };
}
inline auto sack_permitted(bool p = true) {
  return [p](Row& r) { r.sack_permitted = p; };
}
inline auto ts(uint32_t val, uint32_t ecr) {
  return [val, ecr](Row& r) { r.timestamps = true, r.ts_val = val, r.ts_ecr = ecr; };
}
inline auto ts_val(uint32_t val) {
  return [val](Row& r) { r.timestamps = true, r.ts_val = val; };
}
inline auto ts_ecr(uint32_t ecr) {
  return [ecr](Row& r) { r.timestamps = true, r.ts_ecr = ecr; };
}
inline auto fast_open(const tcp::FastOpenOption& option) {
  return [option](Row& r) { r.fast_open = option; };
}
inline auto no_fast_open() { return fast_open({}); }
inline auto user_timeout(uint16_t value) {
  return [value](Row& r) { r.user_timeout = value; };
}
inline auto no_ts() {
  return [](Row& r) { r.timestamps = false; };
}
inline auto sack(uint32_t left, uint32_t right) {
  return [left, right](Row& r) { r.sacks.push_back({left, right}); };
}

class Ladder {
 public:
  // A connection in ESTABLISHED at time 0, or else in SYN-RECEIVED (its third segment comes next) or
  // SYN-SENT.
  explicit Ladder(const Start& start);
  ~Ladder();
  Ladder(const Ladder&) = delete;
  Ladder& operator=(const Ladder&) = delete;

  // Goes to a time since the beginning, or on by a span; timers run on the way.
  Ladder& at(Duration t, int line = __builtin_LINE());
  Ladder& after(Duration span, int line = __builtin_LINE());

  // A segment arrives, then the core does what is left of its round.
  template <typename... Terms>
  Ladder& in(Terms... terms) {
    Row row;
    (terms(row), ...);
    arrive(row);
    return *this;
  }
  // An ICMP error about the segment of this number; room: see net::IcmpReport.
  Ladder& icmp(net::IcmpError error, uint32_t seq, uint16_t room = 0, uint16_t length = 1020);
  // The next segment that leaves, at the stated time.
  template <typename... Terms>
  Ladder& out(Terms... terms) {
    Row row;
    (terms(row), ...);
    expect(row);
    return *this;
  }
  // Nothing leaves now, or until then.
  Ladder& silent();
  Ladder& silent_until(Duration t, int line = __builtin_LINE());
  // The next segment that leaves, whatever it is, for tests that count; nothing when there is none.
  std::optional<tcp::Segment> next_out();
  // Forgets what has left.
  Ladder& ignore_output();

  // All that arrives and is called within belongs to one burst: emit() comes once, after it.
  Ladder& burst(const std::function<void()>& events);

  // User calls. send: whether all was taken. read: bytes taken; 0 packets means all.
  bool send(uint32_t bytes);
  uint32_t read(uint32_t packets = 0);
  Ladder& shutdown();
  Ladder& close();
  Ladder& abort();

  // What the service was told since the last call: marks of tcp::kServiceMarks.
  uint16_t told();
  Ladder& in_state(State state);
  // CLOSED, nothing left to send or tell, the slot given back, for this reason.
  Ladder& gone(tcp::CloseReason reason);
  tcp::Verdict verdict() const { return verdict_; }

  tcp::Tcb& tcb() { return connections_[0].tcb; }
  tcp::Connection& connection() { return connections_[0]; }
  tcp::Core& core() { return core_; }
  tcp::Counters& counters() { return core_.counters; }
  Duration now() const { return core_.now - net::Instant{}; }
  uint16_t peer_window = 0;                        // what in() states when the test does not
  static constexpr uint32_t kPeerClock = 100'000;  // the peer's timestamps: this plus milliseconds

 private:
  struct Sent {
    net::Instant when;
    tcp::Segment segment;
    bool text_right = true;
  };

  void open();
  void arrive(const Row& row);
  void expect(const Row& row);
  void compare(const Row& row, const Sent& sent);
  void round();
  void serve();
  void emit_ready();
  void collect();
  void run_to(net::Instant t);
  void check();
  void fail(const std::string& message);
  tcp::Segment segment_of(const Row& row) const;
  void log(char direction, net::Instant when, const tcp::Segment& segment);

  Start start_;
  uint32_t live_before_;
  std::vector<tcp::Connection> connections_;
  tcp::Core core_;
  std::deque<Sent> sent_;
  std::vector<std::string> log_;
  Watch watch_;
  net::Instant stated_;
  int line_ = 0;
  bool in_burst_ = false;
  bool failed_ = false;
  bool gone_ = false;
  tcp::CloseReason reason_ = tcp::CloseReason::kNone;
  tcp::Verdict verdict_ = tcp::Verdict::kDone;
  uint16_t told_ = 0;
  uint32_t peer_next_ = 1;    // relative end of what the peer has sent
  uint32_t ours_next_ = 1;    // relative end of what we have sent
  uint32_t written_ = 1;      // relative end of what the service has sent
  uint32_t read_ = 1;         // relative end of what the service has read
  uint32_t last_ts_val_ = 0;  // of ours, which the peer echoes
};

// Ladder's bytes at a place of a stream.
uint8_t pattern(uint32_t place, bool ours);
net::Packet pattern_packet(uint32_t place, uint32_t length, bool ours);

// A Fast Open option with this cookie; without one it asks for one.
tcp::FastOpenOption fast_open_option(std::initializer_list<uint8_t> cookie = {},
                                     tcp::FastOpenOption::Form form = tcp::FastOpenOption::Form::kStandard);

// Tests that run from a plain origin, at the wrap of both numbers, and at the sign bit.
class LadderTest : public testing::TestWithParam<Origin> {
 protected:
  Start start() const { return established(GetParam()); }
};
std::string origin_name(const testing::TestParamInfo<Origin>& info);
#define TERN_LADDERS(suite)                                                                   \
  INSTANTIATE_TEST_SUITE_P(                                                                   \
      Origins, suite,                                                                         \
      testing::Values(tern::test::Origin{0, 0}, tern::test::Origin{0xfffffe00u, 0xffffff00u}, \
                      tern::test::Origin{0x7ffffc00u, 0x7ffffe00u}),                          \
      tern::test::origin_name)

}  // namespace tern::test
