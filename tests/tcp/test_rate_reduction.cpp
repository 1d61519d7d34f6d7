// SPDX-License-Identifier: BSD-3-Clause
// How much goes in fast recovery: proportional rate reduction, RFC 9937 (RFC 6937).
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class RateReduction : public LadderTest {
 protected:
  // CUBIC, so that the window goes from ten segments to seven; 20 segments are written, of which ten leave.
  Start twenty() const {
    Start s = start();
    s.sack = true;
    s.config.congestion = Congestion::kCubic;
    return s;
  }
  static void fly(Ladder& l) {
    l.send(20'000);
    l.ignore_output();
  }
};
TERN_LADDERS(RateReduction);

// Segments 1 to 4 are lost, and then 11 and 12: less is in flight than the threshold.
TEST_P(RateReduction, BelowTheThresholdADuplicateAckLetsGoWhatItSaysHasArrived) {
  Ladder l(twenty());
  fly(l);
  l.in(ack(1), sack(4001, 5001)).out(seq(10'001), text(1000)).silent();  // limited transmit
  l.in(ack(1), sack(4001, 6001)).out(seq(11'001), text(1000)).silent();
  l.in(ack(1), sack(4001, 7001)).out(seq(1), text(1000)).silent();
  EXPECT_EQ(l.tcb().ssthresh, 7000u);
  l.in(ack(1), sack(4001, 8001)).out(seq(1001), text(1000)).silent();
  l.in(ack(1), sack(4001, 9001)).out(seq(2001), text(1000)).silent();
  l.in(ack(1), sack(4001, 10'001)).out(seq(3001), text(1000)).silent();
  l.in(ack(1), sack(4001, 11'001)).out(seq(12'001), text(1000)).silent();
  l.in(ack(1), sack(4001, 12'001)).out(seq(13'001), text(1000)).silent();
}

TEST_P(RateReduction, ASafeAckLetsASegmentMoreGo) {
  Ladder l(twenty());
  fly(l);
  for (uint32_t end : {5001u, 6001u, 7001u}) l.in(ack(1), sack(4001, end)).ignore_output();
  EXPECT_EQ(l.core().recoveries[l.tcb().recovery].board.pipe(), 6000u);
  l.in(ack(1001), sack(4001, 7001)).out(seq(1001), text(1000)).out(seq(2001), text(1000)).silent();
}

TEST_P(RateReduction, AnAckThatBringsANewLossToLightIsNotSafe) {
  Ladder l(twenty());
  l.send(1000);
  l.out(text(1000)).after(40ms).in(ack(1001));
  fly(l);
  l.after(40ms);
  for (uint32_t end : {6001u, 7001u, 8001u}) l.in(ack(1001), sack(5001, end)).ignore_output();
  // The retransmission arrives before what was sent a round trip earlier.
  l.after(40ms).in(ack(2001), sack(5001, 8001)).out(seq(2001), text(1000)).silent();
  EXPECT_TRUE(l.core().recoveries[l.tcb().recovery].board.is_lost(Seq{GetParam().iss} + 9001));
}

TEST_P(RateReduction, AboveTheThresholdTheFlightComesDownToIt) {
  Ladder l(twenty());
  fly(l);
  for (uint32_t i = 2; i <= 10; ++i) l.in(ack(1), sack(1001, 1 + 1000 * i));
  l.ignore_output();
  EXPECT_EQ(l.tcb().ssthresh, 7000u);
  EXPECT_NEAR(l.core().recoveries[l.tcb().recovery].board.pipe(), 7000, 1000);
}

}  // namespace
}  // namespace tern::test
