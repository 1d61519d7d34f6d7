// SPDX-License-Identifier: BSD-3-Clause
// Path MTU discovery: RFC 1191, RFC 5927 section 7.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;
using net::IcmpError;

// Room for TCP header and text, as a router leaves it.
constexpr uint16_t room(uint16_t text) { return static_cast<uint16_t>(text + 20); }

class PathMtu : public LadderTest {
 protected:
  Start wide() const {
    Start s = start();
    s.config.mss = 1460;
    s.peer_mss = 1460;
    s.config.nagle = false;
    return s;
  }
};
TERN_LADDERS(PathMtu);

TEST_P(PathMtu, ThatIsTooSmallFromTheStartIsObeyedAtOnceWithTheSameWindow) {
  for (const bool sack : {false, true}) {
    Start s = wide();
    s.sack = sack;
    Ladder l(s);
    l.send(2920);
    l.out(seq(1), text(1460)).out(seq(1461), text(1460));
    const uint32_t cwnd = l.tcb().cwnd, ssthresh = l.tcb().ssthresh;
    l.at(10ms).icmp(IcmpError::kTooBig, 1, room(960)).out(seq(1), text(960));
    l.out(seq(961), text(960)).out(seq(1921), text(960)).out(seq(2881), text(40));
    EXPECT_EQ(l.tcb().mss, 960);
    EXPECT_EQ(l.tcb().cwnd, cwnd);
    EXPECT_EQ(l.tcb().ssthresh, ssthresh);
    EXPECT_EQ(l.counters().path_mtu_lowered.value(), 1u);
    EXPECT_EQ(l.counters().retransmission_timeouts.value(), 0u);
    l.icmp(IcmpError::kTooBig, 1461, room(960)).silent();  // about the second one: nothing new
    l.at(20ms).in(ack(961)).ignore_output().in(ack(2921));
    l.send(1460);
    l.out(seq(2921), text(960)).out(seq(3881), text(500));
    l.in(ack(4381));
  }
}

TEST_P(PathMtu, OfASegmentsOptionsIsTakenOff) {
  Start s = wide();
  s.timestamps = true;
  Ladder l(s);
  l.send(1448);
  l.out(text(1448)).icmp(IcmpError::kTooBig, 1, room(960)).out(seq(1), text(948));
  l.ignore_output();
}

TEST_P(PathMtu, LowerThanWhatGotThroughWaitsForTheTimeoutThatMustFollow) {  // RFC 5927 section 7.2
  Ladder l(wide());
  l.send(1460);
  l.out(text(1460)).at(100ms).in(ack(1461));
  l.send(1460);
  l.out(seq(1461), text(1460)).icmp(IcmpError::kTooBig, 1461, room(960)).silent();
  EXPECT_EQ(l.tcb().mss, 1460);
  const uint32_t cwnd = l.tcb().cwnd;
  l.at(400ms).out(seq(1461), text(960)).out(seq(2421), text(500));
  EXPECT_EQ(l.tcb().cwnd, cwnd);
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 0u);
}

TEST_P(PathMtu, ThatWasForgedIsForgottenWhenTextGetsThrough) {  // RFC 5927 section 7.2
  Ladder l(wide());
  l.send(1460);
  l.out(text(1460)).at(100ms).in(ack(1461));
  l.send(1460);
  l.out(seq(1461), text(1460)).icmp(IcmpError::kTooBig, 1461, room(960)).at(200ms).in(ack(2921));
  l.send(1460);
  l.out(seq(2921), text(1460)).at(450ms).out(seq(2921), text(1460));  // an ordinary loss
  EXPECT_EQ(l.tcb().mss, 1460);
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 1u);
}

TEST_P(PathMtu, IsNotRaisedByAMessageNorLoweredBelowTheFloor) {
  Ladder l(wide());
  l.send(1460);
  l.out(text(1460)).icmp(IcmpError::kTooBig, 1, room(2000)).icmp(IcmpError::kTooBig, 1, room(1460)).silent();
  EXPECT_EQ(l.tcb().mss, 1460);
  l.icmp(IcmpError::kTooBig, 1, 1).out(seq(1), text(512)).ignore_output();
  EXPECT_EQ(l.tcb().mss, 512);
  l.icmp(IcmpError::kTooBig, 1, room(100)).silent();
}

TEST_P(PathMtu, ThatNothingInFlightExceedsCountsForNothing) {  // RFC 5927 section 7.2: maxsizesent
  Start s = wide();
  s.timestamps = true;
  Ladder l(s);
  l.send(900);
  l.out(text(900)).icmp(IcmpError::kTooBig, 1, room(912)).silent();
  EXPECT_EQ(l.tcb().mss, 1448);
  l.icmp(IcmpError::kTooBig, 1, room(911)).out(seq(1), text(899)).out(text(1)).in(ack(901));
}

TEST_P(PathMtu, LeavesSegmentsBelowTheFloorAlone) {
  Start s = start();
  s.peer_mss = 300;
  Ladder l(s);
  l.send(300);
  l.out(text(300)).icmp(IcmpError::kTooBig, 1, room(100)).silent();
}

TEST_P(PathMtu, ThatARouterDoesNotTellIsTheNextPlateau) {  // RFC 1191 sections 5 and 7.1
  Ladder l(wide());
  l.send(1460);
  l.out(text(1460)).icmp(IcmpError::kTooBig, 1, 0, 1480).out(seq(1), text(1452)).ignore_output();
  l.icmp(IcmpError::kTooBig, 1, 0, 1472).out(seq(1), text(966)).ignore_output();
}

TEST_P(PathMtu, IsTriedAgainAfterTenMinutes) {  // RFC 1191 section 6.3
  Ladder l(wide());
  l.send(1460);
  l.out(text(1460))
      .icmp(IcmpError::kTooBig, 1, room(960))
      .ignore_output()
      .at(10ms)
      .in(ack(1461))
      .ignore_output();
  l.silent_until(599s);
  EXPECT_EQ(l.tcb().mss, 960);
  l.at(601s);
  EXPECT_EQ(l.tcb().mss, 1460);
  l.send(1460);
  l.out(seq(1461), text(1460)).icmp(IcmpError::kTooBig, 1461, room(960)).out(seq(1461), text(960));
  l.ignore_output();
}

TEST_P(PathMtu, IsToldToTheModelOfThePath) {
  Start s = wide();
  s.config.congestion = Congestion::kBbr;
  s.limits.bbrs = 1;
  Ladder l(s);
  const Bbr& model = l.core().bbrs[0].model;
  l.send(1460);
  l.out(seq(1), text(1460)).icmp(IcmpError::kTooBig, 1, room(960)).ignore_output().in(ack(1461));
  EXPECT_EQ(model.mss(), 960);
  l.at(601s).ignore_output();
  EXPECT_EQ(model.mss(), 1460);
}

TEST_P(PathMtu, DoesNotDisturbKeepAlives) {
  Start s = wide();
  s.config.keep_alive = {true, 1000s, 10s, 2};
  Ladder l(s);
  l.send(1460);
  l.out(text(1460)).icmp(IcmpError::kTooBig, 1, room(960)).ignore_output().in(ack(1461)).ignore_output();
  l.silent_until(999s).at(1001s).ignore_output();
  EXPECT_EQ(l.counters().keep_alive_probes.value(), 1u);
}

TEST_P(PathMtu, KnownFromAnotherConnectionBoundsTheFirstSegments) {
  Start s = wide();
  s.active = true;
  s.handshake = false;
  Ladder l(s);
  l.ignore_output();
  l.connection().limit_path(700, l.core().now + 1min, l.core());
  l.at(10ms).in(seq(0), syn(), ack(1), mss(1460)).out(ack(1));
  EXPECT_EQ(l.tcb().mss, 700);
  EXPECT_EQ(l.tcb().cwnd, 7000u);
  l.at(61s);
  EXPECT_EQ(l.tcb().mss, 1460);
}

TEST_P(PathMtu, OfAPathThatIsWiderThanThePeerTakesChangesNothing) {
  Start s = start();
  s.active = true;
  s.handshake = false;
  Ladder l(s);
  l.ignore_output();
  l.connection().limit_path(1200, l.core().now + 1min, l.core());
  l.at(10ms).in(seq(0), syn(), ack(1), mss(536)).out(ack(1));
  EXPECT_EQ(l.tcb().mss, 536);
}

TEST_P(PathMtu, InTheMidstOfRecoveryBeginsFromSndUna) {
  Start s = wide();
  s.sack = true;
  Ladder l(s);
  l.send(5840);
  l.ignore_output().at(50ms).in(ack(1), sack(1461, 4381)).ignore_output();
  l.icmp(IcmpError::kTooBig, 1, room(960));
  const auto first = l.next_out();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->seq - Seq{GetParam().iss}, 1u);
  EXPECT_EQ(first->length, 960u);
  l.ignore_output().at(100ms).in(ack(5841)).ignore_output();
}

}  // namespace
}  // namespace tern::test
