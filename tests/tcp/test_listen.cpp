// SPDX-License-Identifier: BSD-3-Clause
// Opening passively: RFC 9293 section 3.10.7.2, through SYN cookies (RFC 4987).
#include "support/ladder.hpp"
#include "tcp/header.hpp"
#include "tcp/listener.hpp"

namespace tern::test {
namespace {

using namespace tcp;

constexpr net::FourTuple kTuple{{0xc0000202}, {0xc0000201}, 80, 40'000};

struct Offer {
  bool timestamps;
  bool sack;
  bool scale;
  uint16_t mss;
};

// A listener and a client's SYN, as far as the agreement on a connection.
class Passive {
 public:
  explicit Passive(Config config)
      : config_(config), listener_(0, config_), cookies_({1, 2, 3, 4, 5, 6, 7, 8}, net::Instant{}) {}

  Segment syn(uint32_t irs, const Offer& offer) const {
    Segment seg;
    seg.seq = Seq{irs};
    seg.flags = kSyn;
    seg.wnd = 60'000;
    seg.mss = offer.mss;
    seg.sack_permitted = offer.sack;
    seg.has_timestamps = offer.timestamps;
    seg.ts_val = offer.timestamps ? Ladder::kPeerClock : 0;
    if (offer.scale) seg.window_scale = 7;
    return seg;
  }

  // The SYN-ACK as the client reads it.
  std::optional<Segment> answer(const Segment& syn) {
    const auto header =
        listener_.answer_syn(syn, seal(cookies_.query_for_syn(kTuple.name())), cookies_, 5000, counters);
    if (!header) return std::nullopt;
    std::vector<uint8_t> bytes(header->length());
    write_header(*header, {80, 40'000}, bytes.data());
    Segment segment;
    uint32_t offset = 0;
    EXPECT_EQ(parse_segment(bytes, segment, offset), net::Drop::kNone);
    return segment;
  }

  Segment third(const Segment& syn_ack) const {
    Segment seg;
    seg.seq = syn_ack.ack;
    seg.ack = syn_ack.seq + 1;
    seg.flags = kAck;
    seg.wnd = 60'000;
    seg.has_timestamps = syn_ack.has_timestamps;
    seg.ts_val = seg.has_timestamps ? Ladder::kPeerClock : 0;
    seg.ts_ecr = syn_ack.ts_val;
    return seg;
  }

  std::optional<Agreement> accept(const Segment& seg) {
    return listener_.accept_third(seg, seal(cookies_.query_for_ack(kTuple.name(), seg.ack)), cookies_,
                                  counters);
  }

  // From SYN to agreement, and the start for the ladder that follows.
  Start agree(Start start, const Offer& offer) {
    const auto syn_ack = answer(syn(start.origin.irs, offer));
    start.agreement = accept(third(*syn_ack));
    EXPECT_TRUE(start.agreement);
    start.origin.iss = syn_ack->seq.value;
    start.timestamps = offer.timestamps && config_.timestamps;
    start.sack = offer.sack && config_.sack;
    start.peer_scale = offer.scale ? 7 : kNoWindowScale;
    start.handshake = false;
    return start;
  }

  Counters counters;

 private:
  net::PrfBlock seal(const SynCookies::Query& query) const {
    net::PrfBlock block;
    cookies_.seal(std::span(&query, 1), std::span(&block, 1));
    return block;
  }

  Config config_;
  Listener listener_;
  SynCookies cookies_;
};

class Listen : public LadderTest {
 protected:
  static Config all_options() {
    Config config = established().config;
    config.timestamps = config.sack = true;
    config.window_scale = 5;
    return config;
  }
};
TERN_LADDERS(Listen);

TEST_P(Listen, TheDefaultOfWhoStatesNoMssSurvivesTheCookie) {  // RFC 9293 MUST-15
  for (const uint16_t by_default : std::initializer_list<uint16_t>{536, 1220}) {
    Start s = start();
    s.config = all_options();
    s.config.mss = 1460;
    s.config.default_mss = by_default;
    Passive passive(s.config);
    Ladder l(passive.agree(s, {false, true, true, 0}));
    EXPECT_EQ(l.tcb().mss, by_default);
  }
}

TEST_P(Listen, EveryCombinationOfOptionsSurvivesTheCookie) {
  for (int bits = 0; bits < 8; ++bits) {
    const Offer offer{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, 1460};
    SCOPED_TRACE(bits);
    Passive passive(all_options());
    const auto syn_ack = passive.answer(passive.syn(GetParam().irs, offer));
    ASSERT_TRUE(syn_ack);
    EXPECT_EQ(syn_ack->flags, kSyn | kAck);
    EXPECT_EQ(syn_ack->ack, Seq{GetParam().irs} + 1);
    EXPECT_EQ(syn_ack->wnd, 10'000);
    EXPECT_EQ(syn_ack->mss, 1000);
    EXPECT_EQ(syn_ack->has_timestamps, offer.timestamps);
    EXPECT_EQ(syn_ack->sack_permitted, offer.sack);
    EXPECT_EQ(syn_ack->window_scale, offer.scale ? 5 : kNoWindowScale);
    EXPECT_EQ(syn_ack->ts_ecr, offer.timestamps ? Ladder::kPeerClock : 0);

    Start s = start();
    s.config = all_options();
    Ladder l(passive.agree(s, offer));
    l.in(seq(1), ack(1), wnd(100)).silent().in_state(State::kEstablished);
    EXPECT_EQ(l.told(), kMarkOpened);
    EXPECT_EQ(l.tcb().mss, offer.timestamps ? 988 : 1000);
    EXPECT_EQ(l.tcb().snd.wnd, offer.scale ? 12'800u : 100u);
    EXPECT_EQ(l.connection().has(kSackOn), offer.sack);
    EXPECT_EQ(l.tcb().rcv_scale, offer.scale ? 5 : 0);
    l.in(seq(1001), text(10));
    const auto duplicate_ack = l.next_out();
    ASSERT_TRUE(duplicate_ack);
    EXPECT_EQ(duplicate_ack->has_timestamps, offer.timestamps);
    EXPECT_EQ(duplicate_ack->sack_count, offer.sack ? 1 : 0);
  }
}

TEST_P(Listen, WhatWeDoNotOfferIsNotAgreedOn) {
  Config config = all_options();
  config.timestamps = config.sack = false;
  Passive passive(config);
  const auto syn_ack = passive.answer(passive.syn(GetParam().irs, {true, true, false, 1460}));
  ASSERT_TRUE(syn_ack);
  EXPECT_FALSE(syn_ack->has_timestamps);
  EXPECT_FALSE(syn_ack->sack_permitted);
}

TEST_P(Listen, ASynWithFinOrResetIsNone) {
  Passive passive(all_options());
  Segment syn = passive.syn(GetParam().irs, {});
  syn.flags = kSyn | kFin;
  EXPECT_FALSE(passive.answer(syn));
  syn.flags = kSyn | kRst;
  EXPECT_FALSE(passive.answer(syn));
  EXPECT_EQ(passive.counters.syns_malformed.value(), 2u);
}

TEST_P(Listen, AnAckThatIsNoThirdSegmentIsRefused) {
  Passive passive(all_options());
  const auto syn_ack = passive.answer(passive.syn(GetParam().irs, {}));
  Segment third = passive.third(*syn_ack);
  third.ack += 1;
  EXPECT_FALSE(passive.accept(third));
  third = passive.third(*syn_ack);
  third.seq += 1;
  EXPECT_FALSE(passive.accept(third));
  EXPECT_EQ(passive.counters.cookies_invalid.value(), 2u);
  for (const int flags : {0, kSyn | kAck, kRst | kAck}) {
    third = passive.third(*syn_ack);
    third.flags = static_cast<uint8_t>(flags);
    EXPECT_FALSE(passive.accept(third));
  }
}

TEST_P(Listen, TextOnTheThirdSegmentIsTaken) {
  Passive passive(all_options());
  Start s = start();
  s.config = all_options();
  Ladder l(passive.agree(s, {true, true, true, 1460}));
  l.in(seq(1), ack(1), text(500));
  EXPECT_EQ(l.told(), kMarkOpened | kMarkText);
  EXPECT_EQ(l.read(), 500u);
  l.at(40ms).out(seq(1), ack(501));
}

TEST_P(Listen, FinOnTheThirdSegmentIsTaken) {
  Passive passive(all_options());
  Start s = start();
  s.config = all_options();
  Ladder l(passive.agree(s, {true, true, true, 1460}));
  l.in(seq(1), ack(1), text(500), fin()).out(seq(1), ack(502)).in_state(State::kCloseWait);
  EXPECT_EQ(l.told(), kMarkOpened | kMarkText | kMarkEnded);
  EXPECT_EQ(l.read(), 500u);
  l.close().out(seq(1), ack(502), fin()).in(ack(2)).gone(CloseReason::kFinished);
}

TEST_P(Listen, TheThirdSegmentSentAgainChangesNothing) {
  Passive passive(all_options());
  Start s = start();
  s.config = all_options();
  Ladder l(passive.agree(s, {false, false, false, 1460}));
  l.in(seq(1), ack(1)).in(seq(1), ack(1)).silent_until(1min).in_state(State::kEstablished);
}

TEST_P(Listen, ASynSentAgainIsAnsweredByAnAck) {
  Passive passive(all_options());
  Start s = start();
  s.config = all_options();
  Ladder l(passive.agree(s, {false, false, false, 1460}));
  l.in(seq(1), ack(1)).in(seq(0), syn(), no_ack()).out(seq(1), ack(1)).in_state(State::kEstablished);
}

TEST_P(Listen, OurTimestampsGoOnFromTheCookies) {
  Passive passive(all_options());
  Start s = start();
  s.config = all_options();
  const auto syn_ack = passive.answer(passive.syn(GetParam().irs, {true, true, true, 1460}));
  Ladder l(passive.agree(s, {true, true, true, 1460}));
  l.at(5s).in(seq(1), ack(1)).in(seq(1), text(1)).in(seq(2), text(1));
  const auto first = l.next_out();
  ASSERT_TRUE(first);
  EXPECT_GE(static_cast<int32_t>(first->ts_val - syn_ack->ts_val), 0);
  EXPECT_LT(first->ts_val - syn_ack->ts_val, 70u);  // the cookie took the lowest six bits
}

}  // namespace
}  // namespace tern::test
