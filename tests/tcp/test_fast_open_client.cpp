// SPDX-License-Identifier: BSD-3-Clause
// A connection that we open with text in its SYN: RFC 7413 section 4.2, the client's half.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

const FastOpenServer kServer = net::FourTuple{{0x0a000001}, {0x0a000002}, 0, 80}.server_name();
const FastOpenOption kCookie = fast_open_option({1, 2, 3, 4, 5, 6, 7, 8});

class FastOpenClientLadder : public LadderTest {
 protected:
  // text: what is queued before the SYN leaves. known: what the cache knows of the server.
  Start start(uint32_t text, std::optional<FastOpenAnswer> known) const {
    Start start = LadderTest::start();
    start.active = true;
    start.handshake = false;
    start.limits.extras = 1;
    start.config.fast_open_connect = FastOpen::kOn;
    start.opening = [text, known](Ladder& l) {
      if (known) l.core().fast_open_servers.learn(kServer, *known, l.core().now);
      l.connection().try_fast_open(kServer, l.core());
      if (text != 0) l.send(text);
    };
    return start;
  }
  Start start(uint32_t text) const { return start(text, FastOpenAnswer{.mss = 1000, .option = kCookie}); }
  static FastOpenOption known_option(Ladder& l) {
    return l.core().fast_open_servers.offer(kServer, l.core().now).option;
  }
};

TEST_P(FastOpenClientLadder, AsksForACookieFirst) {
  Ladder l(start(300, std::nullopt));
  l.out(seq(0), flags(kSyn), fast_open(fast_open_option()));
  l.at(10ms).in(seq(0), syn(), ack(1), mss(900), fast_open(kCookie));
  l.out(seq(1), ack(1), text(300)).in_state(State::kEstablished);
  EXPECT_TRUE(std::ranges::equal(known_option(l).bytes(), kCookie.bytes()));
  EXPECT_EQ(l.core().fast_open_servers.offer(kServer, l.core().now).mss, 900);
  EXPECT_EQ(l.counters().fast_open_cookies_received.value(), 1u);
  EXPECT_EQ(l.counters().fast_open_syns_sent.value(), 0u);
  EXPECT_EQ(l.core().extras.in_use(), 0u);
}

TEST_P(FastOpenClientLadder, TextLeavesWithTheCookieAndIsAcknowledgedByTheSynAck) {
  Ladder l(start(300));
  l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
  EXPECT_EQ(l.connection().syn_text_limit(l.core()), 960u);
  l.at(10ms).in(seq(0), syn(), ack(301), mss(1000)).out(seq(301), ack(1)).in_state(State::kEstablished);
  EXPECT_TRUE(l.connection().has(kSynTextTaken));
  EXPECT_EQ(l.counters().fast_open_text_acknowledged.value(), 1u);
  EXPECT_EQ(l.counters().connections_opened.value(), 1u);
  EXPECT_NEAR(l.tcb().srtt_us, 10'000, 3000);
  EXPECT_TRUE(known_option(l).has_cookie()) << "good for the next time";
  l.silent_until(3s);
}

TEST_P(FastOpenClientLadder, TextThatTheSynAckDoesNotAcknowledgeLeavesAtOnceAndIsNoLoss) {
  Ladder l(start(300));
  l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
  l.at(10ms).in(seq(0), syn(), ack(1), mss(1000)).out(seq(1), ack(1), text(300));
  EXPECT_EQ(l.counters().retransmissions.value(), 0u);
  EXPECT_EQ(l.tcb().retransmitted, 0);
  EXPECT_FALSE(l.connection().has(kSynTextTaken));
  EXPECT_EQ(l.counters().fast_open_text_refused.value(), 1u);
  EXPECT_EQ(l.tcb().cwnd, 10'000u);
  EXPECT_FALSE(known_option(l).present()) << "refused: off for a while";
  l.at(20ms).in(seq(1), ack(301)).silent_until(3s);
}

TEST_P(FastOpenClientLadder, TextThatThePathDoesNotTakeIsLeftOutOfTheSynAtOnce) {
  Ladder l(start(900));
  l.out(seq(0), flags(kSyn), text(900), fast_open(kCookie));
  l.at(10ms).icmp(net::IcmpError::kTooBig, 0, 620).out(seq(0), flags(kSyn), no_fast_open());
  l.at(11ms).icmp(net::IcmpError::kTooBig, 0, 620).silent();  // said twice
  l.at(20ms).in(seq(0), syn(), ack(1), mss(1000)).out(seq(1), ack(1), text(600)).out(seq(601), text(300));
  EXPECT_TRUE(known_option(l).has_cookie()) << "the server has refused nothing";
  EXPECT_EQ(l.counters().retransmission_timeouts.value(), 0u);
}

TEST_P(FastOpenClientLadder, TextThatArrivedThoughARouterDeniedItCounts) {  // whoever forged that
  Ladder l(start(900));
  l.out(seq(0), flags(kSyn), text(900), fast_open(kCookie));
  l.at(10ms).icmp(net::IcmpError::kTooBig, 0, 620).out(seq(0), flags(kSyn), no_fast_open());
  l.at(20ms).in(seq(0), syn(), ack(901), mss(1000)).out(seq(901), ack(1)).in_state(State::kEstablished);
}

TEST_P(FastOpenClientLadder, OnlyTheRestOfTextAcknowledgedInPartLeavesAgain) {
  Ladder l(start(300));
  l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
  l.at(10ms).in(seq(0), syn(), ack(101), mss(1000)).out(seq(101), ack(1), text(200));
  EXPECT_TRUE(known_option(l).has_cookie());
  l.at(20ms).in(seq(1), ack(301));
}

TEST_P(FastOpenClientLadder, RestIsCutToTheMssOfTheSynAck) {
  Ladder l(start(900));
  l.out(seq(0), flags(kSyn), text(900), fast_open(kCookie));
  l.at(10ms).in(seq(0), syn(), ack(1), mss(600), fast_open(kCookie));
  l.out(seq(1), text(600)).out(seq(601), text(300));
  l.at(20ms).in(seq(1), ack(901));
}

TEST_P(FastOpenClientLadder, SynHoldsTheCachedMssLessTheRoomOfOptions) {
  Ladder l(start(2000, FastOpenAnswer{.mss = 700, .option = kCookie}));
  l.out(seq(0), flags(kSyn), text(660), fast_open(kCookie));
  l.at(10ms).in(seq(0), syn(), ack(661), mss(1000)).out(seq(661), text(1000)).out(seq(1661), text(340));
  l.at(20ms).in(seq(1), ack(2001));
}

TEST_P(FastOpenClientLadder, WithoutACachedMssTheDefaultBounds) {
  Ladder l(start(2000, FastOpenAnswer{.option = kCookie}));
  l.out(seq(0), flags(kSyn), text(496), fast_open(kCookie)).ignore_output();
}

TEST_P(FastOpenClientLadder, SynHoldsNoMoreThanOurOwnMssAllows) {
  Ladder l(start(2000, FastOpenAnswer{.mss = 9000, .option = kCookie}));
  l.out(seq(0), flags(kSyn), text(960), fast_open(kCookie)).ignore_output();
}

TEST_P(FastOpenClientLadder, SynIsSentAgainWithoutTextAndOption) {
  Ladder l(start(300));
  l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
  l.at(1s).out(seq(0), flags(kSyn), no_fast_open());
  l.at(1100ms).in(seq(0), syn(), ack(1), mss(1000)).out(seq(1), ack(1), text(300));
  EXPECT_TRUE(known_option(l).has_cookie()) << "one loss may be congestion";
  l.at(1200ms).in(seq(1), ack(301)).silent_until(5s);
}

TEST_P(FastOpenClientLadder, AnswerToTheFirstSynIsGoodAfterTheSecond) {
  Ladder l(start(300));
  l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
  l.at(1s).out(seq(0), flags(kSyn), no_fast_open());
  l.at(1100ms).in(seq(0), syn(), ack(301), mss(1000)).out(seq(301), ack(1)).in_state(State::kEstablished);
}

TEST_P(FastOpenClientLadder, BlackHoleMakesTheNextConnectionOpenPlainly) {
  Start s = start(300);
  const auto opening = s.opening;
  s.opening = [opening](Ladder& l) {
    const FastOpenAnswer lost{.mss = 1000, .text_sent = 300, .sent_again = true};
    l.core().fast_open_servers.learn(kServer, {.mss = 1000, .option = kCookie}, l.core().now);
    l.core().fast_open_servers.learn(kServer, lost, l.core().now);
    l.core().fast_open_servers.learn(kServer, lost, l.core().now);
    l.connection().try_fast_open(kServer, l.core());
    l.send(300);
  };
  Ladder l(s);
  l.out(seq(0), flags(kSyn), no_fast_open());
  EXPECT_EQ(l.counters().fast_open_avoided.value(), 1u);
  l.at(10ms).in(seq(0), syn(), ack(1), mss(1000)).out(seq(1), text(300));
  l.at(20ms).in(seq(1), ack(301));
}

TEST_P(FastOpenClientLadder, NoAnswerAtAllIsRemembered) {
  Start s = start(300);
  s.config.syn_retries = 1;
  Ladder l(s);
  l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
  l.at(1s).out(seq(0), flags(kSyn), no_fast_open());
  l.at(3100ms).gone(CloseReason::kTimedOut);
  EXPECT_FALSE(known_option(l).present());
}

TEST_P(FastOpenClientLadder, IcmpErrorIsRememberedHardOrSoft) {
  for (const auto error : {net::IcmpError::kProhibited, net::IcmpError::kHostUnreachable}) {
    Ladder l(start(300));
    l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
    l.at(10ms).icmp(error, 0).silent();
    EXPECT_FALSE(known_option(l).present());
  }
}

TEST_P(FastOpenClientLadder, SynAckOfWhatWasNotSentIsAnsweredByRst) {
  Ladder l(start(300));
  l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
  l.at(10ms).in(seq(0), syn(), ack(302), mss(900), fast_open(fast_open_option({9, 9, 9, 9})));
  l.out(seq(302), rst(), no_ack()).in_state(State::kSynSent);
  EXPECT_EQ(known_option(l).cookie[0], 1) << "nothing is learned from it";
  l.at(20ms).in(seq(0), syn(), ack(301)).out(seq(301), ack(1)).in_state(State::kEstablished);
}

TEST_P(FastOpenClientLadder, RstRefuses) {
  Ladder l(start(300));
  l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
  l.at(10ms).in(seq(0), rst(), ack(1)).gone(CloseReason::kRefused);
}

TEST_P(FastOpenClientLadder, SynAckMayCarryTextAndFin) {
  Ladder l(start(300));
  l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
  l.at(10ms).in(seq(0), syn(), fin(), ack(301), mss(1000), text(400));
  l.out(seq(301), ack(402)).in_state(State::kCloseWait);
  EXPECT_EQ(l.read(), 400u);
}

TEST_P(FastOpenClientLadder, SynHasTheCookieWithoutTextWhereNoneIsQueued) {
  Ladder l(start(0));
  l.out(seq(0), flags(kSyn), fast_open(kCookie));
  l.at(10ms).in(seq(0), syn(), ack(1), mss(1000)).out(seq(1), ack(1));
  EXPECT_TRUE(known_option(l).has_cookie());
}

TEST_P(FastOpenClientLadder, OffOrWithoutAFreeSlotItOpensPlainly) {
  Start s = start(300);
  s.config.fast_open_connect = FastOpen::kOff;
  Ladder off(s);
  off.out(seq(0), flags(kSyn), no_fast_open());
  s = start(300);
  s.limits.extras = 0;
  Ladder full(s);
  full.out(seq(0), flags(kSyn), no_fast_open());
  EXPECT_EQ(full.counters().extras_refused.value(), 1u);
}

TEST_P(FastOpenClientLadder, WithoutCookiesTextGoesToAnybody) {
  Start s = start(2000, std::nullopt);
  s.config.fast_open_connect = FastOpen::kWithoutCookies;
  Ladder l(s);
  l.out(seq(0), flags(kSyn), text(960), no_fast_open()).ignore_output();
}

// RFC 9293 section 3.10.7.3: "queue them for processing after the ESTABLISHED state has been reached".
TEST_P(FastOpenClientLadder, TextOfAPeerThatOpensAtTheSameTimeWaitsForTheHandshake) {
  Ladder l(start(300));
  l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
  l.at(10ms).in(seq(0), flags(kSyn), text(200), mss(1000));
  l.out(seq(0), syn(), ack(1), no_fast_open()).in_state(State::kSynReceived);
  EXPECT_EQ(l.tcb().unread, 0u);
  l.at(20ms).in(seq(201), ack(1)).in_state(State::kEstablished);
  EXPECT_EQ(l.told() & (kMarkOpened | kMarkText), kMarkOpened | kMarkText);
  EXPECT_EQ(l.read(), 200u);
  l.out(seq(1), ack(201), text(300));
  EXPECT_TRUE(known_option(l).has_cookie()) << "a peer that opens itself has refused nothing";
  l.at(30ms).in(seq(201), ack(301));
}

TEST_P(FastOpenClientLadder, AcknowledgmentOfSuchTextMayWait) {
  Ladder l(start(0));
  l.ignore_output();
  l.at(10ms).in(seq(0), flags(kSyn), text(200), mss(1000)).out(seq(0), syn(), ack(1));
  l.at(20ms).in(seq(201), ack(1)).in_state(State::kEstablished).silent();
  EXPECT_EQ(l.read(), 200u);
  l.at(60ms).out(seq(1), ack(201));
}

TEST_P(FastOpenClientLadder, TextMayBeAcknowledgedByAPeerThatOpensAtTheSameTime) {
  Ladder l(start(300));
  l.out(seq(0), flags(kSyn), text(300), fast_open(kCookie));
  l.at(10ms).in(seq(0), flags(kSyn), mss(1000)).out(seq(0), syn(), ack(1));
  l.at(20ms).in(seq(1), ack(201)).in_state(State::kEstablished).out(seq(201), ack(1), text(100));
  l.at(30ms).in(seq(1), ack(301)).silent_until(3s);
}

TERN_LADDERS(FastOpenClientLadder);

}  // namespace
}  // namespace tern::test
