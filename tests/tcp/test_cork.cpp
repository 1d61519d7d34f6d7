// SPDX-License-Identifier: BSD-3-Clause
// Text that its user holds back: tcp::Option::kCork, and send_more().
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Cork : public LadderTest {
 protected:
  static void choose(Ladder& l, Option option, int64_t value) {
    l.burst([&] { EXPECT_EQ(l.connection().set_option(option, value, l.core()), Error::kNone); });
  }
  // Bytes that begin at this place of our stream.
  static void send_more(Ladder& l, uint32_t place, uint32_t bytes) {
    l.burst([&] {
      net::Packet packet = pattern_packet(place, bytes, true);
      EXPECT_TRUE(l.connection().send_more(packet, l.core()));
    });
  }
  static void send_last(Ladder& l, uint32_t place, uint32_t bytes) {
    l.burst([&] {
      net::Packet packet = pattern_packet(place, bytes, true);
      EXPECT_TRUE(l.connection().send(packet, l.core()));
    });
  }
};
TERN_LADDERS(Cork);

TEST_P(Cork, HoldsBackWhatFillsNoSegment) {
  Ladder l(start());
  choose(l, Option::kCork, 1);
  l.send(1500);
  l.out(seq(1), text(1000)).silent();
  l.in(ack(1001)).silent();
  l.send(600);
  l.out(seq(1001), text(1000)).silent();
  choose(l, Option::kCork, 0);
  l.out(seq(2001), text(100), psh());
}

TEST_P(Cork, HoldsBackForATimeoutAtMost) {
  Ladder l(start());
  choose(l, Option::kCork, 1);
  l.send(40);
  l.silent_until(990ms);
  l.at(1s).out(seq(1), text(40), psh()).in(ack(41));
  l.send(40);
  l.silent();
  l.after(1s).out(seq(41), text(40));
}

TEST_P(Cork, LetsWhatWaitsGoWhenNagleIsTurnedOff) {
  Ladder l(start());
  choose(l, Option::kCork, 1);
  l.send(40);
  l.silent();
  choose(l, Option::kNoDelay, 1);
  l.out(seq(1), text(40)).in(ack(41));
  l.send(40);
  l.silent();
  choose(l, Option::kNoDelay, 0);
  l.silent();
}

TEST_P(Cork, EndsWithAFin) {
  Ladder l(start());
  choose(l, Option::kCork, 1);
  l.send(40);
  l.silent().shutdown().out(seq(1), text(40), fin());
}

TEST_P(Cork, ThatMoreFollowsHoldsBackUntilItDoesWithoutNagleToo) {
  Ladder l(start());
  choose(l, Option::kNoDelay, 1);
  send_more(l, 1, 40);
  l.silent();
  send_last(l, 41, 60);
  l.out(seq(1), text(100), psh());
  send_last(l, 101, 10);
  l.out(seq(101), text(10), psh());
}

TEST_P(Cork, ThatMoreFollowsHoldsBackUntilThePeerAcknowledges) {
  Ladder l(start());
  choose(l, Option::kNoDelay, 1);
  send_more(l, 1, 3100);
  for (uint32_t i = 0; i < 3; ++i) l.out(seq(1 + 1000 * i), text(1000), psh(false));
  l.in(seq(1), ack(1)).silent();
  l.in(ack(2001)).out(seq(3001), text(100), psh(false));  // it is not what the user has to say yet
}

TEST_P(Cork, ThatMoreFollowsHoldsBackForATimeoutAtMost) {
  Ladder l(start());
  send_more(l, 1, 40);
  l.silent_until(990ms);
  l.at(1s).out(seq(1), text(40), psh());
}

TEST_P(Cork, ThatMoreFollowsIsOnlyAHint) {
  Start s = start();
  s.limits.extras = 0;
  Ladder l(s);
  send_more(l, 1, 40);
  l.out(seq(1), text(40), psh());
}

}  // namespace
}  // namespace tern::test
