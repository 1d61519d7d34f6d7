// SPDX-License-Identifier: BSD-3-Clause
// The user timeout: RFC 9293 section 3.9.1.1, RFC 5482.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class UserTimeout : public LadderTest {
 protected:
  Start impatient(Duration timeout = 5s) const {
    Start s = start();
    s.config.user_timeout = timeout;
    return s;
  }
};
TERN_LADDERS(UserTimeout);

TEST_P(UserTimeout, EndsAConnectionWhoseTextIsNotAcknowledgedInTime) {
  Ladder l(impatient());
  l.send(500);
  l.out(seq(1), text(500)).at(1s).out(seq(1), text(500)).at(3s).out(seq(1), text(500));
  l.silent_until(4'990ms).in_state(State::kEstablished).at(5'005ms).gone(CloseReason::kTimedOut);
  EXPECT_EQ(l.counters().connections_timed_out.value(), 1u);
}

TEST_P(UserTimeout, BeginsAnewWithEachAcknowledgmentOfSomethingNew) {
  Ladder l(impatient());
  l.send(2000);
  l.ignore_output().at(1s).out(seq(1), text(1000)).at(3s).out(seq(1), text(1000));
  l.at(4s).in(ack(1001)).ignore_output();
  l.at(8'900ms).ignore_output().in_state(State::kEstablished).in(ack(2001)).silent_until(60s);
}

TEST_P(UserTimeout, EndsAConnectionWhoseWindowStaysClosedThoughThePeerAnswers) {
  Ladder l(impatient());
  l.in(wnd(0)).send(500);
  while (l.now() < 4'900ms) {
    l.after(100ms);
    while (l.next_out()) l.in(ack(1), wnd(0));
  }
  l.in_state(State::kEstablished).at(5'005ms).gone(CloseReason::kTimedOut);
}

TEST_P(UserTimeout, MayBeLongerThanTheLimitOfRetransmissions) {
  Start s = impatient(1h);
  s.config.retransmit_limit = 2;
  Ladder l(s);
  l.send(500);
  l.ignore_output().at(1s).out(text(500)).at(3s).out(text(500)).at(7'005ms).gone(CloseReason::kTimedOut);
}

TEST_P(UserTimeout, OfOneConnectionMayBeSetInTheMidstOfTrouble) {
  Ladder l(start());
  l.send(500);
  l.ignore_output().at(1s).out(text(500));
  EXPECT_EQ(l.connection().set_option(Option::kUserTimeout, 4000, l.core()), Error::kNone);
  l.at(3s).out(text(500));  // from here on it is kept
  l.silent_until(6'990ms).at(7'005ms).gone(CloseReason::kTimedOut);
}

TEST_P(UserTimeout, HoldsForTheHandshakeOfAnActiveOpen) {
  Start s = impatient();
  s.active = true;
  s.handshake = false;
  Ladder l(s);
  l.ignore_output().at(1s).out(seq(0), syn(), no_ack()).at(3s).out(seq(0), syn(), no_ack());
  l.silent_until(4'990ms).at(5'005ms).gone(CloseReason::kTimedOut);
}

TEST_P(UserTimeout, TakesThePlaceOfTheCountOfKeepAlives) {
  Start s = impatient(125s);
  s.config.keep_alive = {true, 100s, 10s, 2};
  Ladder l(s);
  for (const Duration t : {100s, 110s, 120s}) l.at(t).out(seq(0));
  l.at(130s).out(rst()).gone(CloseReason::kTimedOut);
}

}  // namespace
}  // namespace tern::test
