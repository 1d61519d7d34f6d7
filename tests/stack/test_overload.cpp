// SPDX-License-Identifier: BSD-3-Clause
// More frames than a worker can take: connections under way come first, new ones are begun as far as there is
// capacity.
#include <gtest/gtest.h>

#include "stack/bench.hpp"
#include "stack/client.hpp"
#include "stack/ingress.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using stack::Ingress;

class Overload : public testing::Test {
 protected:
  // A SYN from somebody new.
  void lay_syn() {
    ++syns_;
    tcp::SegmentHeader header;
    header.seq = {syns_};
    header.flags = tcp::kSyn;
    const net::FourTuple tuple{kOurAddress, kPeerAddress, 7, static_cast<uint16_t>(1024 + syns_)};
    ASSERT_NE(bench_.inject(tcp_frame(bench_.mac(), kPeerMac, tuple, header)), nullptr);
  }
  // A burst of SYNs, and so much time later what was answered.
  uint64_t answered_of_burst(net::Duration later) {
    for (uint32_t i = 0; i < Ingress::kBurst; ++i) lay_syn();
    return answered_after(later);
  }
  uint64_t answered_after(net::Duration later) {
    bench_.now += later;
    const uint64_t before = bench_.tcp().cookies_sent.value();
    bench_.poll();
    bench_.wire().take();
    return bench_.tcp().cookies_sent.value() - before;
  }
  // A round that finds the queue empty.
  void empty_round() { EXPECT_EQ(answered_after(0ns), 0u); }
  uint64_t shed() const { return bench_.drops(net::Drop::kSynShed); }

  Bench bench_{bindings(bound(echo_script(), 7))};
  uint32_t syns_ = 0;
};

TEST_F(Overload, BurstsThatEndInTimeAreAnsweredWhole) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(answered_of_burst(0ns), Ingress::kBurst);
    EXPECT_EQ(answered_of_burst(Ingress::kPatience - 1ns), Ingress::kBurst);
    empty_round();
  }
  EXPECT_EQ(shed(), 0u);
}

TEST_F(Overload, QueueThatStandsShedsSynsUntilItIsEmpty) {
  EXPECT_EQ(answered_of_burst(0ns), Ingress::kBurst);
  EXPECT_EQ(answered_of_burst(Ingress::kPatience), Ingress::kSynsOfStanding);
  EXPECT_EQ(answered_of_burst(0ns), Ingress::kSynsOfStanding);
  EXPECT_EQ(shed(), 2 * (Ingress::kBurst - Ingress::kSynsOfStanding));
  lay_syn();
  EXPECT_EQ(answered_after(0ns), 1u);  // the end of the queue
  EXPECT_EQ(answered_of_burst(0ns), Ingress::kBurst);
}

TEST_F(Overload, AfterOneStandingTheNextIsNoticedSooner) {
  answered_of_burst(0ns);
  ASSERT_EQ(answered_of_burst(Ingress::kPatience), Ingress::kSynsOfStanding);
  empty_round();
  EXPECT_EQ(answered_of_burst(Ingress::kAlert - 1ms), Ingress::kBurst);
  EXPECT_EQ(answered_of_burst(Ingress::kAlertPatience), Ingress::kSynsOfStanding);
  empty_round();
  EXPECT_EQ(answered_of_burst(Ingress::kAlert), Ingress::kBurst);
  EXPECT_EQ(answered_of_burst(Ingress::kAlertPatience), Ingress::kBurst);
  EXPECT_EQ(answered_of_burst(Ingress::kPatience), Ingress::kSynsOfStanding);
}

TEST_F(Overload, ConnectionsUnderWayAreServed) {
  Client open(bench_, {.port = 60'000});
  Client opening(bench_, {.port = 60'001});
  open.connect();
  opening.syn();
  bench_.poll();
  bench_.collect();
  answered_of_burst(0ns);
  for (uint32_t i = 0; i < Ingress::kBurst - 4; ++i) lay_syn();
  opening.third();
  open.send("one");
  opening.send("two");
  open.fin();
  EXPECT_EQ(answered_after(Ingress::kPatience), Ingress::kSynsOfStanding);
  EXPECT_EQ(bench_.tcp().cookies_valid.value(), 2u);
  EXPECT_EQ(bench_.tcp().bytes_received.value(), 6u);
}

// Whoever fills a queue with text keeps nobody out.
TEST_F(Overload, FewSynsAmongOtherSegmentsAreAnswered) {
  Client open(bench_, {.port = 60'000});
  open.connect();
  for (int round = 0; round < 5; ++round) {
    for (uint32_t i = 0; i < Ingress::kSynsOfStanding; ++i) lay_syn();
    for (uint32_t i = Ingress::kSynsOfStanding; i < Ingress::kBurst; ++i) open.acknowledge_now();
    EXPECT_EQ(answered_after(Ingress::kPatience), Ingress::kSynsOfStanding);
  }
  EXPECT_EQ(shed(), 0u);
}

}  // namespace
}  // namespace tern::test
