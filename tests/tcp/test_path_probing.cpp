// SPDX-License-Identifier: BSD-3-Clause
// What the path takes, found by probes: RFC 4821, RFC 8899.
#include <algorithm>

#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class PathProbing : public LadderTest {
 protected:
  Start wide(bool sack = true) const {
    Start s = start();
    s.config.mss = s.peer_mss = 1460;
    s.config.send_buffer = 400'000;
    s.config.initial_window_segments = 10;
    s.sack = sack;
    return s;
  }

  // A path that takes segments of this much text carries what leaves to a peer that acknowledges each; what
  // is larger vanishes. Returns the largest segment that left.
  uint32_t carry(Ladder& l, uint32_t takes, Duration until, Duration trip = 10ms) const {
    uint32_t largest = 0;
    while (l.now() < until && received_ < sent_) {
      std::vector<Segment> flight;
      while (const auto out = l.next_out()) {
        largest = std::max(largest, out->length);
        if (out->length != 0 && out->length <= takes) flight.push_back(*out);
      }
      l.after(trip);
      for (const Segment& segment : flight) arrive(l, segment);
    }
    return largest;
  }

  bool send(Ladder& l, uint32_t bytes) const {
    sent_ += bytes;
    bool taken = true;
    for (uint32_t n = 0; bytes != 0; bytes -= n) taken &= l.send(n = std::min(bytes, 50'000u));
    return taken;
  }
  void begin_anew() const {
    sent_ = received_ = 0;
    arrived_.clear();
  }

 private:
  void arrive(Ladder& l, const Segment& segment) const {
    const uint32_t left = segment.seq - Seq{GetParam().iss} - 1;
    const uint32_t right = left + segment.length;
    for (uint32_t i = left; i < right; ++i) {
      if (i >= arrived_.size()) arrived_.resize(i + 1);
      arrived_[i] = true;
    }
    while (received_ < arrived_.size() && arrived_[received_]) ++received_;
    if (received_ >= right) {
      l.in(ack(1 + received_));
    } else if (l.connection().has(kSackOn)) {
      l.in(ack(1 + received_), sack(1 + left, 1 + right));
    } else {
      l.in(ack(1 + received_));
    }
  }
  mutable uint32_t sent_ = 0;
  mutable uint32_t received_ = 0;
  mutable std::vector<bool> arrived_;
};
TERN_LADDERS(PathProbing);

TEST_P(PathProbing, BlackHoleIsSuspectedAfterThreeTimeoutsAndSegmentsAreMadeSmall) {
  Ladder l(wide());
  l.send(1460);
  l.out(text(1460));
  for (const Duration rto : {1s, 2s, 4s}) l.after(rto).out(text(1460));
  l.after(8s).out(seq(1), text(1024));
  EXPECT_EQ(l.tcb().mss, 1024);
  EXPECT_EQ(l.counters().black_holes_suspected.value(), 1u);
  l.after(16s).out(seq(1), text(512)).after(32s).out(seq(1), text(512));  // mss_floor
  l.in(ack(1461));
}

TEST_P(PathProbing, IsNotBegunWhereItIsOff) {
  Start s = wide();
  s.config.mtu_probing = MtuProbing::kOff;
  Ladder l(s);
  l.send(1460);
  l.out(text(1460));
  for (const Duration rto : {1s, 2s, 4s, 8s, 16s}) l.after(rto).out(text(1460));
}

TEST_P(PathProbing, OfSmallSegmentsIsOfNoUse) {
  Ladder l(wide());
  l.send(1000);
  l.out(text(1000));
  for (const Duration rto : {1s, 2s, 4s, 8s, 16s}) l.after(rto).out(text(1000));
  EXPECT_EQ(l.counters().black_holes_suspected.value(), 0u);
}

TEST_P(PathProbing, FindsWhatABlackHoleTakesAndUsesIt) {
  for (const uint32_t takes : {1024u, 1200u, 1359u, 1459u}) {
    Ladder l(wide());
    begin_anew();
    ASSERT_TRUE(send(l, 350'000));
    carry(l, takes, 200s);
    EXPECT_LE(l.tcb().mss, takes);
    EXPECT_GT(l.tcb().mss + 8u, takes);
    EXPECT_EQ(l.connection().flight(), 0u);
    EXPECT_GT(l.counters().mtu_probes_lost.value(), 0u);
    l.ignore_output();
  }
}

TEST_P(PathProbing, MakesSegmentsSmallerThanWhatIsLostThoughTheyWereMuchLarger) {
  Start s = wide();
  s.config.mss = s.peer_mss = 8960;
  s.config.mtu_probing = MtuProbing::kAlways;
  Ladder l(s);
  begin_anew();
  ASSERT_TRUE(send(l, 300'000));
  carry(l, 8960, 100s);
  EXPECT_EQ(l.tcb().mss, 8960);
  ASSERT_TRUE(send(l, 3000));
  carry(l, 1300, 200s);
  EXPECT_LE(l.tcb().mss, 1300);
  EXPECT_EQ(l.connection().flight(), 0u);
  l.ignore_output();
}

TEST_P(PathProbing, RegainsTheWholeSizeByOneProbeWhereThePathHadOnlyFailedForATime) {
  Ladder l(wide());
  ASSERT_TRUE(send(l, 300'000));
  carry(l, 0, 16s);
  EXPECT_EQ(l.tcb().mss, 1024);
  carry(l, 1460, 100s);
  EXPECT_EQ(l.tcb().mss, 1460);
  EXPECT_EQ(l.counters().mtu_probes.value(), 1u);
  EXPECT_EQ(l.counters().mtu_probes_lost.value(), 0u);
  l.ignore_output().silent_until(l.now() + 1h);
}

TEST_P(PathProbing, LostProbeIsNoSignOfCongestion) {  // RFC 8899 section 3
  for (const bool sack : {true, false}) {
    Start s = wide(sack);
    s.config.mtu_probing = MtuProbing::kAlways;
    Ladder l(s);
    begin_anew();
    EXPECT_EQ(l.tcb().mss, 1024);
    ASSERT_TRUE(send(l, 300'000));
    const uint32_t ssthresh = l.tcb().ssthresh;
    EXPECT_EQ(carry(l, 1200, 100s), 1460u);
    EXPECT_GT(l.counters().mtu_probes_lost.value(), 0u);
    EXPECT_EQ(l.tcb().ssthresh, ssthresh);
    EXPECT_EQ(l.counters().fast_retransmits.value(), 0u);
    EXPECT_EQ(l.counters().retransmission_timeouts.value(), 0u);
    EXPECT_GT(l.tcb().mss, 1192);
    l.ignore_output();
  }
}

TEST_P(PathProbing, AlwaysReachesTheWholeSizeWhereThePathTakesIt) {
  Start s = wide();
  s.config.mtu_probing = MtuProbing::kAlways;
  Ladder l(s);
  ASSERT_TRUE(send(l, 60'000));
  carry(l, 1460, 100s);
  EXPECT_EQ(l.tcb().mss, 1460);
  EXPECT_EQ(l.counters().mtu_probes.value(), 1u);
  l.ignore_output();
}

TEST_P(PathProbing, BeginsWithTenSegmentsOfTheSizeThatIsSent) {
  for (const bool timestamps : {false, true}) {
    Start s = wide();
    s.timestamps = timestamps;
    s.config.mtu_probing = MtuProbing::kAlways;
    Ladder l(s);
    const uint32_t options = timestamps ? 12 : 0;
    const uint32_t full = 1024 - options;
    EXPECT_EQ(l.tcb().cwnd, 10 * full);
    l.in(ack(1), wnd(50'000)).send(20'000);
    l.out(text(1460 - options));  // the first probe, which the window holds as any
    for (uint32_t i = 0; i < 8; ++i) l.out(text(full));
    l.silent();
  }
}

TEST_P(PathProbing, BeginsWithOneSegmentOfThatSizeAfterALostSyn) {  // RFC 5681 section 3.1
  Start s = wide();
  s.active = true;
  s.handshake = false;
  s.config.mtu_probing = MtuProbing::kAlways;
  Ladder l(s);
  l.ignore_output().after(1s).out(flags(kSyn));
  l.in(seq(0), syn(), ack(1), mss(1460)).out(ack(1));
  EXPECT_EQ(l.tcb().cwnd, 1024u);
}

TEST_P(PathProbing, LeavesAThresholdOfTwoSegmentsWhenTheyGrow) {
  Start s = wide();
  s.config.mtu_probing = MtuProbing::kAlways;
  s.config.base_mss = 256;
  Ladder l(s);
  begin_anew();
  ASSERT_TRUE(send(l, 256));
  carry(l, 0, 1100ms);
  EXPECT_EQ(l.tcb().ssthresh, 512u);
  ASSERT_TRUE(send(l, 60'000));
  carry(l, 1460, 100s);
  EXPECT_EQ(l.tcb().mss, 1460);
  EXPECT_GE(l.tcb().ssthresh, 2920u);
  l.ignore_output();
}

TEST_P(PathProbing, ThatGotThroughMakesTheWindowNoLargerInBytes) {  // RFC 8899 section 3
  Start s = wide();
  s.config.mtu_probing = MtuProbing::kAlways;
  Ladder l(s);
  const uint32_t before = l.tcb().cwnd;
  l.send(20'000);
  l.out(text(1460)).ignore_output();
  l.in(ack(1461)).ignore_output();
  EXPECT_EQ(l.tcb().mss, 1460);
  EXPECT_EQ(l.tcb().cwnd, before + 1460);  // by slow start
}

TEST_P(PathProbing, OneIsAnsweredOrLostBeforeTheNextLeaves) {  // RFC 8899 section 8
  Start s = wide();
  s.config.mtu_probing = MtuProbing::kAlways;
  Ladder l(s);
  l.send(50'000);
  l.out(text(1460)).ignore_output().in(ack(1), sack(1461, 2485)).in(ack(1), sack(1461, 3509));
  l.ignore_output();
  EXPECT_EQ(l.counters().mtu_probes.value(), 1u);
  l.in(ack(1), sack(1461, 4533)).out(seq(1), text(1024)).ignore_output();
  EXPECT_EQ(l.counters().mtu_probes.value(), 1u) << "nor while what was lost of it is mended";
  for (uint32_t end = 5557; l.counters().mtu_probes.value() == 1 && end < 40'000; end += 1024) {
    l.in(ack(end)).ignore_output();
  }
  EXPECT_EQ(l.counters().mtu_probes.value(), 2u);
}

TEST_P(PathProbing, WaitsForTextAndWindowEnough) {
  Start s = wide();
  s.config.mtu_probing = MtuProbing::kAlways;
  Ladder l(s);
  l.send(3000);
  l.out(text(1024)).out(text(1024)).out(text(952)).at(10ms).in(ack(3001));
  EXPECT_EQ(l.counters().mtu_probes.value(), 0u);
  l.in(ack(3001), wnd(4000)).send(20'000);
  l.ignore_output();
  EXPECT_EQ(l.counters().mtu_probes.value(), 0u);
}

TEST_P(PathProbing, IsDoneAgainAfterTenMinutes) {
  Start s = wide();
  s.config.mtu_probing = MtuProbing::kAlways;
  Ladder l(s);
  ASSERT_TRUE(send(l, 390'000));
  carry(l, 1200, 100s);
  EXPECT_LT(l.tcb().mss, 1201);
  const uint64_t probes = l.counters().mtu_probes.value();
  l.ignore_output().at(599s).ignore_output();
  ASSERT_TRUE(send(l, 50'000));
  carry(l, 1460, 600s);
  EXPECT_EQ(l.counters().mtu_probes.value(), probes);
  l.ignore_output().at(701s).ignore_output();
  ASSERT_TRUE(send(l, 50'000));
  carry(l, 1460, 800s);
  EXPECT_EQ(l.tcb().mss, 1460);
  l.ignore_output();
}

}  // namespace
}  // namespace tern::test
