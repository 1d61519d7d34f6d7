// SPDX-License-Identifier: BSD-3-Clause
// Explicit Congestion Notification: RFC 3168 section 6.1.
#include "support/ladder.hpp"
#include "tcp/listener.hpp"
#include "tcp/options.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class EcnLadder : public LadderTest {
 protected:
  Start agreed() const {
    Start s = start();
    s.ecn = true;
    return s;
  }
  Start asking() const {
    Start s = start();
    s.active = true;
    s.handshake = false;
    s.config.ecn = Ecn::kOn;
    return s;
  }
};
TERN_LADDERS(EcnLadder);

// --- Agreeing: section 6.1.1
// --------------------------------------------------------------------------------------------------

TEST_P(EcnLadder, OurSynAsksWithBothBitsAndTheAnswerAgreesWithOne) {
  Ladder l(asking());
  l.out(flags(kSyn | kEce | kCwr), not_ect()).in(seq(0), syn(), ece(), ack(1), mss(1000)).out(ack(1));
  EXPECT_TRUE(l.connection().has(kEcnOn));
  EXPECT_EQ(l.counters().ecn_agreed.value(), 1u);
  l.send(1000);
  l.out(text(1000), ect0());
}

TEST_P(EcnLadder, AnAnswerWithNeitherOrBothBitsDoesNotAgree) {
  for (const int bits : {0, kEce | kCwr, int{kCwr}}) {
    Ladder l(asking());
    l.out(flags(kSyn | kEce | kCwr));
    l.in(seq(0), flags(static_cast<uint8_t>(kSyn | kAck | bits)), ack(1), mss(1000)).out(ack(1));
    EXPECT_FALSE(l.connection().has(kEcnOn));
    l.send(1000);
    l.out(text(1000), not_ect());
  }
}

TEST_P(EcnLadder, WithoutBeingToldToOurSynDoesNotAsk) {
  Start s = asking();
  s.config.ecn = Ecn::kAccept;
  Ladder l(s);
  l.out(flags(kSyn)).in(seq(0), syn(), ece(), ack(1), mss(1000)).out(ack(1));
  EXPECT_FALSE(l.connection().has(kEcnOn)) << "an answer to what was not asked";
}

TEST_P(EcnLadder, ASynSentAgainAsksAsOftenAsConfigured) {  // section 6.1.1.1
  Start s = asking();
  s.config.ecn_syn_retries = 1;
  Ladder l(s);
  l.out(flags(kSyn | kEce | kCwr)).after(1s).out(flags(kSyn | kEce | kCwr)).after(2s).out(flags(kSyn));
  l.in(seq(0), syn(), ece(), ack(1), mss(1000)).out(ack(1));
  EXPECT_FALSE(l.connection().has(kEcnOn)) << "a SYN that did not ask was sent as well";
}

TEST_P(EcnLadder, BothMayAskAtOnce) {
  Ladder l(asking());
  l.out(flags(kSyn | kEce | kCwr));
  l.in(seq(0), flags(kSyn | kEce | kCwr), mss(1000)).out(flags(kSyn | kAck | kEce), not_ect());
  l.in(seq(1), ack(1)).in_state(State::kEstablished);
  EXPECT_TRUE(l.connection().has(kEcnOn));
}

Segment asking_syn(bool timestamps) {
  Segment syn;
  syn.seq = Seq{1000};
  syn.flags = kSyn | kEce | kCwr;
  syn.mss = 1460;
  syn.has_timestamps = timestamps;
  return syn;
}

TEST(Ecn, AQueuedSynIsAgreedWithUnlessItIsOff) {
  Counters counters;
  for (const Ecn mode : {Ecn::kOff, Ecn::kAccept, Ecn::kOn}) {
    Config config;
    config.ecn = mode;
    const Listener listener(0, config);
    EXPECT_EQ(listener.agree_on_syn(asking_syn(true), Seq{1}, 0, counters)->ecn, mode != Ecn::kOff);
    Segment syn = asking_syn(true);
    for (const int bits : {0, int{kEce}, int{kCwr}}) {
      syn.flags = static_cast<uint8_t>(kSyn | bits);
      EXPECT_FALSE(listener.agree_on_syn(syn, Seq{1}, 0, counters)->ecn);
    }
  }
}

TEST(Ecn, SurvivesACookieWhereATimestampCarriesIt) {
  Counters counters;
  const net::Instant now{1'000'000'000};
  const SynCookies cookies(net::PrfKey{}, now);
  const net::FourTuple tuple{{0xc0000201}, {0xc0000202}, 80, 40'000};
  for (const bool timestamps : {false, true}) {
    for (const Ecn mode : {Ecn::kOff, Ecn::kAccept}) {
      Config config;
      config.ecn = mode;
      const Listener listener(0, config);
      const bool wanted = timestamps && mode != Ecn::kOff;
      std::array<net::PrfBlock, 1> seal;
      const SynCookies::Query query = cookies.query_for_syn(tuple.name());
      cookies.seal(std::span(&query, 1), seal);
      const Segment syn = asking_syn(timestamps);
      const auto answer = listener.answer_syn(syn, seal[0], cookies, 777, counters);
      EXPECT_EQ(answer->flags, kSyn | kAck | (wanted ? kEce : 0));
      Segment read;
      read.flags = answer->flags;
      std::vector<uint8_t> options(answer->options.begin(), answer->options.begin() + answer->option_length);
      parse_options(options, read);
      Segment third;
      third.seq = syn.seq + 1;
      third.ack = answer->seq + 1;
      third.flags = kAck;
      third.has_timestamps = timestamps;
      third.ts_ecr = read.ts_val;
      EXPECT_EQ(listener.accept_third(third, seal[0], cookies, counters)->ecn, wanted);
    }
  }
}

// --- Sending
// --------------------------------------------------------------------------------------------------

TEST_P(EcnLadder, OnlyTextThatIsSentForTheFirstTimeIsCapable) {  // sections 6.1.4 to 6.1.6
  Ladder l(agreed());
  l.in(text(1000)).in(text(1000)).out(ack(2001), not_ect());
  l.send(1000);
  l.out(seq(1), text(1000), ect0());
  l.after(1s).out(seq(1), text(1000), not_ect());
  l.in(ack(1001), wnd(0));
  l.send(1000);
  l.silent().after(1s).out(seq(1001), text(1), not_ect());
  l.in(ack(1001), wnd(60'000)).out(text(1), not_ect()).out(flags(kAck | kCwr), seq(1002), text(999), ect0());
  l.in(ack(2001)).shutdown().out(flags(kAck | kFin), not_ect());
}

TEST_P(EcnLadder, WithoutAgreementNothingIs) {
  Ladder l(start());
  l.send(1000);
  l.out(text(1000), not_ect());
  l.in(ack(1), text(1000), marked()).in(text(1000)).out(flags(kAck), ack(2001));
  l.in(ack(1), ece());
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
}

TEST_P(EcnLadder, AnEchoCountsAsALossOncePerWindow) {  // section 6.1.2
  Ladder l(agreed());
  l.send(12'000);
  l.ignore_output().in(ack(1001), ece()).silent();
  EXPECT_EQ(l.tcb().cwnd, 5000u);
  EXPECT_EQ(l.tcb().ssthresh, 5000u);
  for (uint32_t i = 2; i <= 5; ++i) l.in(ack(1 + 1000 * i), ece()).silent();
  EXPECT_EQ(l.tcb().cwnd, 5000u) << "nor does it grow meanwhile";
  EXPECT_EQ(l.counters().congestion_echoes.value(), 1u);
  l.in(ack(6001), ece()).out(flags(kAck | kCwr), seq(10'001), text(1000), ect0()).silent();
  l.in(ack(7001)).out(flags(kAck), seq(11'001), text(1000)).silent();
  l.in(ack(10'001), ece()).silent();
  EXPECT_EQ(l.tcb().cwnd, 5000u) << "what was in flight then";
  l.in(ack(11'001), ece()).silent();
  EXPECT_EQ(l.tcb().cwnd, 2000u) << "what has left since";
  EXPECT_EQ(l.counters().congestion_echoes.value(), 2u);
}

TEST_P(EcnLadder, RepeatedReductionsLeaveTwoSegments) {  // section 6.1.2, a deviation: not one
  Ladder l(agreed());
  uint32_t done = 1;
  for (int i = 0; i < 4; ++i) {
    l.send(2000);
    l.ignore_output().in(ack(done += 2000), ece()).silent();
  }
  EXPECT_EQ(l.counters().congestion_echoes.value(), 4u);
  EXPECT_EQ(l.tcb().cwnd, 2000u);
}

TEST_P(EcnLadder, AWindowOfOneSegmentAfterATimeoutIsLeftAsItIs) {  // section 6.1.2, a deviation
  Ladder l(agreed());
  l.send(3000);
  l.ignore_output().after(1s).out(text(1000)).in(ack(1), ece()).silent();
  EXPECT_EQ(l.tcb().cwnd, 1000u);
  EXPECT_EQ(l.counters().congestion_echoes.value(), 0u);
  l.after(2s).out(text(1000));  // as the timer says
}

TEST_P(EcnLadder, ALossInTheSameWindowDoesNotShrinkItAgain) {
  for (const bool sack_on : {false, true}) {
    Start s = agreed();
    s.sack = sack_on;
    Ladder l(s);
    l.send(12'000);
    l.ignore_output().in(ack(1001), ece());
    EXPECT_EQ(l.tcb().ssthresh, 5000u);
    if (sack_on) {
      l.in(ack(1001), sack(2001, 5001));
    } else {
      for (int i = 0; i < 3; ++i) l.in(ack(1001));
    }
    EXPECT_EQ(l.tcb().ssthresh, 5000u);
    EXPECT_EQ(l.counters().fast_retransmits.value(), 1u);
    l.ignore_output();
  }
}

TEST_P(EcnLadder, ALossIsAnsweredByCwrToo) {  // section 6.1.2: whatever the reason
  Ladder l(agreed());
  l.send(3000);
  l.ignore_output().after(1s).out(flags(kAck), seq(1), text(1000));
  l.in(ack(3001)).silent();
  l.send(1000);
  l.out(flags(kAck | kCwr), seq(3001), text(1000));
}

TEST_P(EcnLadder, AnEchoWithNothingInFlightTellsNothing) {
  Ladder l(agreed());
  l.in(ack(1), ece()).silent();
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
}

// --- Receiving: section 6.1.3
// --------------------------------------------------------------------------------------------------

TEST_P(EcnLadder, AMarkIsEchoedAtOnceAndUntilThePeerAnswers) {
  Ladder l(agreed());
  l.in(text(1000), marked()).out(flags(kAck | kEce), ack(1001));
  l.in(text(1000), ect0()).in(text(1000), ect0()).out(flags(kAck | kEce), ack(3001));
  l.send(500);
  l.out(flags(kAck | kEce), text(500), ect0());
  l.in(text(1000), cwr(), ect0()).out(flags(kAck), ack(4001));
  EXPECT_EQ(l.counters().congestion_marks.value(), 1u);
}

TEST_P(EcnLadder, AMarkOnTheAnswerBeginsAnew) {
  Ladder l(agreed());
  l.in(text(1000), marked()).out(flags(kAck | kEce), ack(1001));
  l.in(text(1000), cwr(), marked()).out(flags(kAck | kEce), ack(2001));
}

TEST_P(EcnLadder, AMarkOnAProbeOfAClosedWindowIsEchoed) {  // section 6.1.6
  Ladder l(agreed());
  for (uint32_t i = 0; i < 10; ++i) l.in(seq(1 + 1000 * i), text(1000));
  l.ignore_output();
  l.in(seq(10'001), text(1), marked()).out(flags(kAck | kEce), ack(10'001), wnd(0));
}

TEST_P(EcnLadder, AMarkOnWhatIsNotAcceptableIsNotEchoed) {
  Ladder l(agreed());
  l.in(seq(50'000), text(1000), marked()).out(flags(kAck), ack(1));
  l.in(seq(1), ack(1), marked()).silent();
  EXPECT_EQ(l.counters().congestion_marks.value(), 0u);
}

}  // namespace
}  // namespace tern::test
