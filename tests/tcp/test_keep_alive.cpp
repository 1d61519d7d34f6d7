// SPDX-License-Identifier: BSD-3-Clause
// Keep-alive: RFC 9293 section 3.8.4.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class KeepAlives : public LadderTest {
 protected:
  // After 100 s of silence a probe every 10 s, three in all.
  Start watched() const {
    Start s = start();
    s.config.keep_alive = {true, 100s, 10s, 3};
    return s;
  }
  // A probe of this number leaves at this time or shortly after: silence is told in steps of 4 ms.
  void asked(Ladder& l, Duration t, uint32_t seq, uint32_t ack = 1) const {
    l.silent_until(t - 10ms).at(t + 10ms);
    const auto out = l.next_out();
    ASSERT_TRUE(out);
    EXPECT_EQ(out->seq - Seq{GetParam().iss}, seq);
    EXPECT_EQ(out->ack - Seq{GetParam().irs}, ack);
    EXPECT_EQ(out->flags, kAck);
    EXPECT_EQ(out->length, 0u);
  }
};
TERN_LADDERS(KeepAlives);

TEST_P(KeepAlives, AreOffByDefault) {  // MUST-25, MUST-28
  EXPECT_FALSE(Config{}.keep_alive.on);
  EXPECT_GE(Config{}.keep_alive.idle, 2h);
  Ladder l(start());
  l.silent_until(8h).in_state(State::kEstablished);
}

TEST_P(KeepAlives, AskASilentPeerByTheNumberBeforeTheNextAndNoText) {  // SHLD-12
  Ladder l(watched());
  l.silent_until(99'990ms).at(100s).out(seq(0), ack(1));
  l.in(ack(1)).silent();
  EXPECT_EQ(l.counters().keep_alive_probes.value(), 1u);
  asked(l, 200s, 0);
}

TEST_P(KeepAlives, EndAConnectionOnlyAfterSoManyWithoutAnAnswer) {  // MUST-29
  Ladder l(watched());
  l.at(100s).out(seq(0)).at(110s).out(seq(0)).at(120s).out(seq(0));
  l.silent_until(129'990ms).in_state(State::kEstablished);
  l.at(130s).out(seq(1), ack(1), rst()).gone(CloseReason::kTimedOut);
  EXPECT_EQ(l.counters().connections_timed_out.value(), 1u);
}

TEST_P(KeepAlives, BeginToCountAnewWithEachAnswer) {
  Ladder l(watched());
  for (int i = 0; i < 5; ++i) {
    const Duration begin = l.now();
    l.at(begin + 100s + 10ms).ignore_output().at(begin + 110s + 10ms).ignore_output().in(ack(1));
    EXPECT_EQ(l.tcb().silent_probes, 0);
  }
  l.in_state(State::kEstablished);
}

TEST_P(KeepAlives, TextCountsAsAnAnswer) {
  Ladder l(watched());
  l.at(100s).out(seq(0)).in(seq(1), text(10)).silent_until(100'035ms).at(100'040ms).out(ack(11));
  l.silent_until(199'990ms).at(200'010ms).ignore_output();
  EXPECT_EQ(l.tcb().silent_probes, 1);
}

TEST_P(KeepAlives, WaitForSilence) {  // MUST-26
  Ladder l(watched());
  for (uint32_t i = 0; i < 5; ++i) {
    l.after(90s).in(seq(1 + 10 * i), text(10)).ignore_output().after(40ms).out(ack(11 + 10 * i));
  }
  asked(l, 550'160ms, 0, 51);
  EXPECT_EQ(l.counters().keep_alive_probes.value(), 1u);
}

TEST_P(KeepAlives, LeaveWhatIsInFlightToRetransmissions) {  // MUST-26
  Start s = watched();
  s.config.rto_initial = s.config.rto_min = s.config.rto_max = 60s;
  Ladder l(s);
  l.at(95s).send(10);
  l.out(seq(1), text(10));
  l.at(155s).out(seq(1), text(10)).at(215s).out(seq(1), text(10));
  EXPECT_EQ(l.counters().keep_alive_probes.value(), 0u);
  l.in(ack(11));
  asked(l, 315s, 10);
}

TEST_P(KeepAlives, LeaveAClosedWindowWithTextWaitingToItsProbes) {
  Start s = watched();
  s.config.rto_max = 60s;
  Ladder l(s);
  l.in(wnd(0)).send(10);
  while (l.now() < 400s) {
    l.after(1s);
    while (const auto out = l.next_out()) {
      EXPECT_EQ(out->length, 1u);
      l.in(ack(1), wnd(0));
    }
  }
  EXPECT_EQ(l.counters().keep_alive_probes.value(), 0u);
  EXPECT_GT(l.counters().zero_window_probes.value(), 3u);
}

TEST_P(KeepAlives, AskAPeerWhoseWindowIsClosedWhenNothingWaits) {
  Ladder l(watched());
  l.in(wnd(0));
  asked(l, 100s, 0);
  l.in(ack(1), wnd(0)).in_state(State::kEstablished);
}

TEST_P(KeepAlives, WatchHalfClosedConnectionsOnEitherSide) {
  Ladder l(watched());
  l.in(fin()).out(ack(2)).in_state(State::kCloseWait);
  asked(l, 100s, 0, 2);
  l.in(ack(1));

  Ladder m(watched());
  m.shutdown().out(seq(1), fin()).in(ack(2)).in_state(State::kFinWait2);
  for (const Duration t : {100s, 110s, 120s}) asked(m, t, 1);
  m.at(130'020ms).ignore_output().gone(CloseReason::kTimedOut);
}

TEST_P(KeepAlives, DoNotLengthenAClosingState) {
  Start s = watched();
  s.config.keep_alive = {true, 10s, 10s, 3};
  s.config.fin_wait_2 = 25s;
  Ladder l(s);
  l.close().out(fin()).in(ack(2)).in_state(State::kFinWait2);
  l.silent_until(24'990ms).at(25'010ms).gone(CloseReason::kFinished);
}

// For the ladder's connection alone: after 20 s of silence, every 5 s, twice.
void choose_keep_alive(Ladder& l, bool on) {
  for (const auto& [option, value] : {std::pair{Option::kKeepAliveIdle, 20},
                                      {Option::kKeepAliveInterval, 5},
                                      {Option::kKeepAliveCount, 2},
                                      {Option::kKeepAlive, on ? 1 : 0}}) {
    EXPECT_EQ(l.connection().set_option(option, value, l.core()), Error::kNone);
    EXPECT_EQ(l.connection().option(option, l.core()), value);
  }
}

TEST_P(KeepAlives, AreTurnedOnAndOffForOneConnection) {  // MUST-24, MUST-27
  Ladder l(start());
  const auto choose = [&l](bool on) { l.burst([&] { choose_keep_alive(l, on); }); };
  l.at(50s);
  choose(true);
  asked(l, 70s, 0);
  l.in(ack(1));
  choose(false);
  l.silent_until(1h).in_state(State::kEstablished);
}

TEST_P(KeepAlives, MayBeChosenBeforeTheHandshakeIsDone) {
  Start s = start();
  s.active = true;
  s.handshake = false;
  Ladder l(s);
  l.ignore_output();
  choose_keep_alive(l, true);
  l.at(500ms).in(seq(0), syn(), ack(1), mss(1000)).out(ack(1));
  asked(l, 20'500ms, 0);
}

TEST_P(KeepAlives, OfTheServiceHoldWhereACoreHasNoRoomForOthers) {
  Start s = watched();
  s.limits.extras = 0;
  Ladder l(s);
  EXPECT_EQ(l.connection().set_option(Option::kKeepAlive, 0, l.core()), Error::kNoBuffers);
  EXPECT_EQ(l.counters().extras_refused.value(), 1u);
  l.at(100s).out(seq(0));
}

}  // namespace
}  // namespace tern::test
