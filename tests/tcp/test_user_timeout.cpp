// SPDX-License-Identifier: BSD-3-Clause
// The user timeout: RFC 9293 section 3.9.1.1, RFC 5482.
#include "support/ladder.hpp"
#include "tcp/user_timeout.hpp"

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

// --- The option: RFC 5482
// -----------------------------------------------------------------------------------------------------------

constexpr uint16_t kMinutes = 0x8000;

class UserTimeoutOption : public LadderTest {
 protected:
  Start telling(Duration timeout) const {
    Start s = start();
    s.config.user_timeout = timeout;
    s.config.user_timeout_option = true;
    return s;
  }
  // How long unacknowledged text lives.
  static Duration lifetime(Ladder& l) {
    l.ignore_output().send(500);
    const Duration begun = l.now();
    while (l.connection().tcb.state != State::kClosed && l.now() < begun + 9h) l.after(1s).ignore_output();
    return l.now() - begun;
  }
};
TERN_LADDERS(UserTimeoutOption);

TEST_P(UserTimeoutOption, IsSentInTheSynAndInTheFirstSegmentAfter) {  // section 3.2
  Start s = telling(200s);
  s.active = true;
  s.handshake = false;
  Ladder l(s);
  l.out(seq(0), syn(), no_ack(), user_timeout(200));
  l.in(seq(0), syn(), ack(1), mss(1000)).out(seq(1), ack(1), user_timeout(200));
  l.send(1000);
  l.out(text(1000));
}

TEST_P(UserTimeoutOption, TakesItsRoomFromTheFirstTextOfAPassiveConnection) {
  Ladder l(telling(200s));
  l.send(2000);
  l.out(seq(1), text(996), user_timeout(200)).out(seq(997), text(1000)).out(seq(1997), text(4));
}

TEST_P(UserTimeoutOption, IsSentAgainWhenTheUserChoosesAnother) {
  Ladder l(telling(200s));
  l.in(text(100)).after(40ms).out(ack(101), user_timeout(200));
  EXPECT_EQ(l.connection().set_option(Option::kUserTimeout, 300'000, l.core()), Error::kNone);
  l.in(text(100)).after(40ms).out(ack(201), user_timeout(300));
  l.in(text(100)).after(40ms).out(ack(301));
}

TEST_P(UserTimeoutOption, IsNotSentWhereItIsOffOrThereIsNoTimeout) {
  for (const bool on : {false, true}) {
    Start s = telling(on ? 0s : 200s);
    s.config.user_timeout_option = on;
    Ladder l(s);
    l.in(text(100)).after(40ms).out(ack(101));
  }
}

TEST_P(UserTimeoutOption, ChangesNothingWhereItIsOff) {
  Ladder l(start());
  l.in(text(100), user_timeout(100)).ignore_output();
  EXPECT_GT(lifetime(l), 10min) << "R2";
}

TEST_P(UserTimeoutOption, OfThePeerIsNotRememberedForWhenItIsTurnedOn) {  // section 3.1, ENABLED
  Ladder l(start());
  l.in(text(100), user_timeout(200)).ignore_output();
  EXPECT_EQ(l.core().extras.in_use(), 0u);
  EXPECT_EQ(l.connection().set_option(Option::kUserTimeoutOption, 1, l.core()), Error::kNone);
  EXPECT_GT(lifetime(l), 10min) << "R2";
}

TEST_P(UserTimeoutOption, OfThePeerIsTakenWithinTheLimits) {  // section 3.1
  const std::pair<uint16_t, Duration> cases[] = {
      {200, 200s}, {5, 100s}, {kMinutes | 10, 10min}, {kMinutes | 0x7fff, 1h}, {0x7fff, 1h}};
  for (const auto& [value, expected] : cases) {
    Ladder l(telling(0s));
    l.in(text(100), user_timeout(value)).ignore_output();
    const Duration lived = lifetime(l);
    EXPECT_GE(lived, expected - 1s) << value;
    EXPECT_LE(lived, expected + 2s) << value;
  }
}

TEST_P(UserTimeoutOption, LowerLimitIsAboveAnyRetransmissionTimeout) {
  Start s = telling(0s);
  s.config.user_timeout_least = 1s;
  Ladder l(s);
  l.in(text(100), user_timeout(2)).ignore_output();
  EXPECT_GE(lifetime(l), 60s);
}

TEST_P(UserTimeoutOption, TheLongerOfBothEndsCounts) {
  Ladder l(telling(300s));
  l.in(text(100), user_timeout(200)).ignore_output();
  const Duration lived = lifetime(l);
  EXPECT_GE(lived, 299s);
  EXPECT_LE(lived, 302s);
}

TEST_P(UserTimeoutOption, OutlivesTheCountOfRetransmissions) {
  Start s = telling(0s);
  s.config.retransmit_limit = 2;
  Ladder l(s);
  l.in(text(100), user_timeout(200)).ignore_output();
  EXPECT_GE(lifetime(l), 199s);
}

TEST_P(UserTimeoutOption, CountsNoMoreOnceTheUserHasChosen) {  // CHANGEABLE
  Ladder l(telling(0s));
  EXPECT_EQ(l.connection().set_option(Option::kUserTimeout, 20'000, l.core()), Error::kNone);
  l.in(text(100), user_timeout(200)).ignore_output();
  EXPECT_LE(lifetime(l), 22s);
}

TEST_P(UserTimeoutOption, ThatChangesNothingIsToldAllTheSame) {  // section 3.1
  Ladder l(telling(0s));
  EXPECT_EQ(l.connection().info(l.core()).peer_user_timeout, 0s);
  EXPECT_EQ(l.connection().set_option(Option::kUserTimeout, 20'000, l.core()), Error::kNone);
  l.in(text(100), user_timeout(kMinutes | 10)).ignore_output();
  EXPECT_EQ(l.connection().info(l.core()).peer_user_timeout, 10min);
}

TEST_P(UserTimeoutOption, HoldsThoughThePeerNeverHeardOfIt) {  // section 3.2
  Ladder l(telling(200s));
  const Duration lived = lifetime(l);  // the first text has it, and is never acknowledged
  EXPECT_GE(lived, 199s);
  EXPECT_LE(lived, 202s);
}

TEST_P(UserTimeoutOption, OfASynDoesNotCountBeforeTheHandshakeIsDone) {  // section 3.3
  Start s = telling(0s);
  s.active = true;
  s.handshake = false;
  Ladder l(s);
  l.ignore_output().in(seq(0), syn(), no_ack(), mss(1000), user_timeout(100));  // both open at once
  l.ignore_output().in_state(State::kSynReceived);
  while (l.tcb().state != State::kClosed && l.now() < 9h) l.after(1s).ignore_output();
  EXPECT_GT(l.now(), 3min) << "MUST-23";
  EXPECT_LT(l.now(), 5min);
}

TEST_P(UserTimeoutOption, OfASynCountsForBothWaysOfOpening) {
  Start active = telling(0s);
  active.active = true;
  active.handshake = false;
  Ladder l(active);
  l.ignore_output().in(seq(0), syn(), ack(1), mss(1000), user_timeout(200)).ignore_output();
  const Duration lived = lifetime(l);
  EXPECT_GE(lived, 199s);
  EXPECT_LE(lived, 202s);

  Start passive = telling(0s);
  passive.agreement = Agreement{};
  passive.agreement->iss = Seq{passive.origin.iss};
  passive.agreement->irs = Seq{passive.origin.irs};
  passive.agreement->peer_mss = 1000;
  passive.agreement->user_timeout = 200;
  Ladder p(passive);
  EXPECT_LE(lifetime(p), 202s);
}

TEST_P(UserTimeoutOption, MayBeTurnedOnForOneConnection) {
  Ladder l(start());
  EXPECT_EQ(l.connection().option(Option::kUserTimeoutOption, l.core()), 0);
  EXPECT_EQ(l.connection().set_option(Option::kUserTimeoutOption, 1, l.core()), Error::kNone);
  EXPECT_EQ(l.connection().option(Option::kUserTimeoutOption, l.core()), 1);
  l.in(text(100), user_timeout(200)).ignore_output();
  EXPECT_LE(lifetime(l), 202s);
}

TEST(UserTimeoutValue, IsInSecondsOrRoundedUpToMinutes) {  // section 3
  EXPECT_EQ(user_timeout_value(0s), 0);
  EXPECT_EQ(user_timeout_value(1ms), 1);
  EXPECT_EQ(user_timeout_value(32'767s), 0x7fff);
  EXPECT_EQ(user_timeout_value(32'768s), kMinutes | 547);
  EXPECT_EQ(user_timeout_value(24h * 365), kMinutes | 0x7fff);
  EXPECT_EQ(user_timeout_of(90), 90s);
  EXPECT_EQ(user_timeout_of(kMinutes | 90), 90min);
}

}  // namespace
}  // namespace tern::test
