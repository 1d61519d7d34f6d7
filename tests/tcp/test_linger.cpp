// SPDX-License-Identifier: BSD-3-Clause
// What becomes of a connection that its user has closed while text is unacknowledged: linger and the bound on
// orphans.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Lingering : public LadderTest {};
TERN_LADDERS(Lingering);

void linger(Ladder& l, int64_t milliseconds) {
  Error error = Error::kNone;
  l.burst([&] { error = l.connection().set_option(Option::kLinger, milliseconds, l.core()); });
  EXPECT_EQ(error, Error::kNone);
}

TEST_P(Lingering, OfZeroDropsWhatIsUnsentAndResets) {
  Ladder l(start());
  l.send(500);
  l.out(text(500));
  linger(l, 0);
  l.close().out(seq(501), rst()).gone(CloseReason::kAborted);
}

TEST_P(Lingering, BoundsHowLongTheLastTextMayGoUnacknowledged) {
  Ladder l(start());
  l.send(500);
  linger(l, 5000);
  l.ignore_output().close().out(seq(501), fin()).at(1s).ignore_output().at(4'990ms).ignore_output();
  l.in_state(State::kFinWait1).at(5s).out(rst()).gone(CloseReason::kAborted);
}

TEST_P(Lingering, EndsWhenAllIsAcknowledged) {
  Start s = start();
  s.config.fin_wait_2 = 20s;
  Ladder l(s);
  linger(l, 5000);
  l.close().out(fin()).at(1s).ignore_output().in(ack(2)).in_state(State::kFinWait2);
  l.silent_until(20'990ms).in_state(State::kFinWait2).at(21'005ms).gone(CloseReason::kFinished);
}

TEST_P(Lingering, HoldsAfterThePeerHasClosedToo) {
  Ladder l(start());
  linger(l, 5000);
  l.in(seq(1), fin()).out(ack(2)).close().out(fin()).in_state(State::kLastAck);
  l.at(4'990ms).ignore_output().in_state(State::kLastAck).at(5'005ms).ignore_output();
  l.gone(CloseReason::kAborted);
}

TEST_P(Lingering, IsOffUnlessChosen) {
  Ladder l(start());
  EXPECT_EQ(l.connection().option(Option::kLinger, l.core()), -1);
  l.close().out(fin()).at(30s).ignore_output().in_state(State::kFinWait1);
}

class Orphans : public LadderTest {};
TERN_LADDERS(Orphans);

TEST_P(Orphans, AreBoundedInNumberAndOneTooManyIsReset) {
  Start s = start();
  s.limits.orphans = 0;
  Ladder l(s);
  l.send(500);
  l.out(text(500)).close().out(rst()).gone(CloseReason::kAborted);
  EXPECT_EQ(l.counters().orphans_aborted.value(), 1u);
  EXPECT_EQ(l.core().orphans.value(), 0u);
}

TEST_P(Orphans, CountUntilTheirFinIsAcknowledged) {
  Ladder l(start());
  l.close().out(fin());
  EXPECT_EQ(l.core().orphans.value(), 1u);
  l.in(seq(1), ack(1), fin()).out(ack(2)).in_state(State::kClosing);
  EXPECT_EQ(l.core().orphans.value(), 1u);
  l.in(ack(2)).in_state(State::kTimeWait);
  EXPECT_EQ(l.core().orphans.value(), 0u);
}

TEST_P(Orphans, CountWhenClosedAfterAShutdownAndUntilTheyAreGivenUp) {
  Start s = start();
  s.config.retransmit_limit = 1;
  Ladder l(s);
  l.shutdown().out(fin());
  EXPECT_EQ(l.core().orphans.value(), 0u);
  l.close();
  EXPECT_EQ(l.core().orphans.value(), 1u);
  l.at(10s).ignore_output().gone(CloseReason::kTimedOut);
  EXPECT_EQ(l.core().orphans.value(), 0u);
}

TEST_P(Orphans, AreNotThoseThatTheirUserHasOnlyHalfClosed) {
  Start s = start();
  s.limits.orphans = 0;
  Ladder l(s);
  l.shutdown().out(fin()).in(ack(2)).in_state(State::kFinWait2).close().in_state(State::kFinWait2);
}

}  // namespace
}  // namespace tern::test
