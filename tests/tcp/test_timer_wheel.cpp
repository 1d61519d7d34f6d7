// SPDX-License-Identifier: BSD-3-Clause
// The timer wheel: rules one by one, then against a model that is too simple to be wrong.
#include "tcp/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace tern::tcp {
namespace {

using namespace std::chrono_literals;
using net::Duration;
using net::Instant;

constexpr int64_t kTick = int64_t{1} << TimerWheel::kTickShift;

Instant tick(int64_t n) { return {n * kTick}; }

std::vector<uint32_t> expire_all(TimerWheel& wheel, Instant now) {
  std::vector<uint32_t> fired;
  for (uint32_t node; (node = wheel.expire(now)) != TimerWheel::kNone;) {
    fired.push_back(node);
    if (fired.size() > 1'000'000) break;  // a loop without end shows as a wrong answer, not as a hang
  }
  std::sort(fired.begin(), fired.end());
  return fired;
}

using Fired = std::vector<uint32_t>;

TEST(TimerWheel, FiresAtItsDeadlineRoundedUpToATickAndNotBefore) {
  for (const Duration span :
       {Duration(1), Duration(1us), Duration(1ms), Duration(200ms), Duration(270ms), Duration(1s),
        Duration(60s), Duration(70s), Duration(5h), Duration(24h * 51), Duration(24h * 90)}) {
    const Instant begin = tick(0x1234567) + 77ns;
    TimerWheel wheel(3, begin);
    const Instant deadline = begin + span;
    wheel.arm(1, deadline);
    EXPECT_TRUE(wheel.armed(1));
    EXPECT_EQ(wheel.armed_count(), 1u);
    EXPECT_EQ(wheel.expire(deadline - 1ns), TimerWheel::kNone) << span.count();
    EXPECT_EQ(expire_all(wheel, deadline + Duration(kTick - 1)), Fired{1}) << span.count();
    EXPECT_FALSE(wheel.armed(1));
    EXPECT_EQ(wheel.armed_count(), 0u);
    EXPECT_TRUE(wheel.next_expiry().is_never());
  }
}

TEST(TimerWheel, FiresJustInTimeHoweverTheWheelGotThere) {
  for (const int64_t start : {0, 255, 256, 65535, 65536, 0xfffffe}) {
    for (const int64_t distance :
         {1, 255, 256, 257, 511, 65535, 65536, 65537, 0xffffff, 0x1000000, 0x1000001}) {
      TimerWheel wheel(1, tick(start));
      wheel.arm(0, tick(start + distance));
      for (int64_t at = distance / 2; at > 0; at /= 2) {
        ASSERT_EQ(wheel.expire(tick(start + distance - at)), TimerWheel::kNone) << start << " + " << distance;
      }
      ASSERT_EQ(wheel.expire(tick(start + distance)), 0u) << start << " + " << distance;
    }
  }
}

TEST(TimerWheel, ArmingForLaterLeavesItAndForEarlierMovesIt) {
  TimerWheel wheel(1, tick(0));
  wheel.arm(0, tick(10));
  wheel.arm(0, tick(500));  // the lazy rule
  wheel.arm(0, tick(10));
  EXPECT_EQ(wheel.armed_count(), 1u);
  EXPECT_EQ(expire_all(wheel, tick(10)), Fired{0});

  wheel.arm(0, tick(500));
  wheel.arm(0, tick(20));
  EXPECT_EQ(wheel.armed_count(), 1u);
  EXPECT_EQ(expire_all(wheel, tick(19)), Fired{});
  EXPECT_EQ(expire_all(wheel, tick(20)), Fired{0});
  EXPECT_EQ(expire_all(wheel, tick(1000)), Fired{});
}

TEST(TimerWheel, ArmingForNeverDoesNothing) {
  TimerWheel wheel(1, tick(0));
  wheel.arm(0, Instant::never());
  EXPECT_FALSE(wheel.armed(0));
  wheel.arm(0, tick(10));
  wheel.arm(0, Instant::never());
  EXPECT_EQ(expire_all(wheel, tick(10)), Fired{0});
}

TEST(TimerWheel, ArmingForThePastFiresAtTheNextTickAndNotInTheSameLoop) {
  TimerWheel wheel(1, tick(100));
  for (const Instant past : {Instant{-5}, Instant{0}, tick(99), tick(100)}) {
    wheel.arm(0, past);
    EXPECT_EQ(wheel.expire(tick(100)), TimerWheel::kNone);
    wheel.disarm(0);
  }
  wheel.arm(0, tick(5));
  EXPECT_EQ(wheel.expire(tick(101)), 0u);
  wheel.arm(0, tick(5));
  EXPECT_EQ(wheel.expire(tick(101)), TimerWheel::kNone);
}

TEST(TimerWheel, AnOwnerThatAlwaysArmsForThePastIsAskedOncePerAdvanceEvenAfterAYearAsleep) {
  TimerWheel wheel(2, tick(0));
  wheel.arm(0, tick(1));
  wheel.arm(1, tick(300));
  const Instant now = Instant{} + 24h * 365;
  int fired = 0;
  for (uint32_t node; (node = wheel.expire(now)) != TimerWheel::kNone && fired < 100; ++fired)
    wheel.arm(node, tick(2));
  EXPECT_EQ(fired, 2);
  EXPECT_EQ(wheel.armed_count(), 2u);
}

TEST(TimerWheel, ALaterDeadlineSetWhileNodesFireIsKept) {
  TimerWheel wheel(2, tick(0));
  wheel.arm(0, tick(7));
  const Instant now = tick(1'000'000);
  ASSERT_EQ(wheel.expire(now), 0u);  // the wheel itself is still at tick 7
  wheel.arm(0, now + Duration(3 * kTick));
  wheel.arm(1, now + 24h * 60);
  EXPECT_EQ(wheel.expire(now), TimerWheel::kNone);
  EXPECT_EQ(expire_all(wheel, now + Duration(2 * kTick)), Fired{});
  EXPECT_EQ(expire_all(wheel, now + Duration(3 * kTick)), Fired{0});
  EXPECT_EQ(expire_all(wheel, now + 24h * 60 - 1ns), Fired{});
  EXPECT_EQ(expire_all(wheel, now + 24h * 60 + Duration(kTick)), Fired{1});
}

TEST(TimerWheel, DisarmedNodesDoNotFireEvenWhileTheirSlotIsExpired) {
  TimerWheel wheel(5, tick(0));
  for (uint32_t node = 0; node < 5; ++node) wheel.arm(node, tick(9));
  std::set<uint32_t> left{0, 1, 2, 3, 4};
  const uint32_t first = wheel.expire(tick(9));
  left.erase(first);
  const uint32_t gone = *left.begin();
  const uint32_t moved = *left.rbegin();
  wheel.disarm(gone);
  wheel.disarm(gone);   // out already: nothing happens
  wheel.disarm(first);  // has fired: nothing happens
  wheel.disarm(moved);
  wheel.arm(moved, tick(9));  // past by now: next tick
  left.erase(gone);
  left.erase(moved);
  EXPECT_EQ(expire_all(wheel, tick(9)), Fired(left.begin(), left.end()));
  EXPECT_EQ(expire_all(wheel, tick(10)), Fired{moved});
  EXPECT_EQ(wheel.armed_count(), 0u);
}

TEST(TimerWheel, ManyNodesInOneSlotAllFireOnce) {
  constexpr uint32_t kNodes = 10'000;
  TimerWheel wheel(kNodes, tick(0));
  for (uint32_t node = 0; node < kNodes; ++node) wheel.arm(node, tick(70'000));
  EXPECT_EQ(expire_all(wheel, tick(69'999)).size(), 0u);
  const Fired fired = expire_all(wheel, tick(70'000));
  ASSERT_EQ(fired.size(), kNodes);
  for (uint32_t node = 0; node < kNodes; ++node) ASSERT_EQ(fired[node], node);
}

TEST(TimerWheel, ANowBeforeTheLastOneChangesNothing) {
  TimerWheel wheel(1, tick(100));
  wheel.arm(0, tick(400));
  EXPECT_EQ(wheel.expire(tick(300)), TimerWheel::kNone);
  for (int64_t back = 50; back < 300; ++back) EXPECT_EQ(wheel.expire(tick(back)), TimerWheel::kNone);
  EXPECT_EQ(wheel.expire(tick(399)), TimerWheel::kNone);
  EXPECT_EQ(wheel.expire(tick(400)), 0u);
}

TEST(TimerWheel, NextExpiryIsNotAfterNowWhileMoreIsDue) {
  TimerWheel wheel(2, tick(0));
  wheel.arm(0, tick(3));
  wheel.arm(1, tick(3));
  ASSERT_NE(wheel.expire(tick(5)), TimerWheel::kNone);
  EXPECT_LE(wheel.next_expiry(), tick(5));
}

TEST(TimerWheel, DeadlinesNearTheEndOfTimeAreHeld) {
  TimerWheel wheel(1, tick(0));
  wheel.arm(0, Instant{std::numeric_limits<int64_t>::max() - 1});
  EXPECT_TRUE(wheel.armed(0));
  EXPECT_EQ(wheel.expire(Instant{} + 24h * 365 * 100), TimerWheel::kNone);
  EXPECT_GT(wheel.next_expiry(), Instant{} + 24h * 365 * 100);
}

// What the wheel promises, with a deadline per node and nothing else.
class Model {
 public:
  Model(uint32_t nodes, Instant now) : ticks_(nodes, kOut), now_(now.ns / kTick) {}

  void arm(uint32_t node, Instant deadline) {
    const int64_t due = std::max((deadline.ns + kTick - 1) / kTick, now_ + 1);
    if (ticks_[node] == kOut || due < ticks_[node]) ticks_[node] = due;
  }
  void disarm(uint32_t node) { ticks_[node] = kOut; }
  bool due(uint32_t node) const { return ticks_[node] <= now_; }
  bool armed(uint32_t node) const { return ticks_[node] != kOut; }
  void now(Instant t) { now_ = t.ns / kTick; }
  uint32_t count_due() const {
    return static_cast<uint32_t>(
        std::count_if(ticks_.begin(), ticks_.end(), [&](int64_t t) { return t <= now_; }));
  }
  uint32_t count_armed() const {
    return static_cast<uint32_t>(ticks_.size()) -
           static_cast<uint32_t>(std::count(ticks_.begin(), ticks_.end(), kOut));
  }
  Instant earliest() const {
    const int64_t t = *std::min_element(ticks_.begin(), ticks_.end());
    return t == kOut ? Instant::never() : tick(t);
  }

 private:
  static constexpr int64_t kOut = std::numeric_limits<int64_t>::max();
  std::vector<int64_t> ticks_;
  int64_t now_;
};

class Chance {
 public:
  explicit Chance(uint32_t seed) : random_(seed) {}
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  // From a nanosecond to some months, each order of magnitude equally often.
  Duration span() { return Duration(static_cast<int64_t>(random_() >> (10 + below(53)))); }

 private:
  std::mt19937_64 random_;
};

void change_one(TimerWheel& wheel, Model& model, Chance& chance, uint32_t nodes, Instant now) {
  const uint32_t node = chance.below(nodes);
  if (chance.below(4) == 0) {
    wheel.disarm(node);
    model.disarm(node);
  } else {
    const Instant deadline = chance.below(8) == 0
                                 ? Instant{std::max<int64_t>(now.ns - chance.span().count(), 0)}
                                 : now + chance.span();
    wheel.arm(node, deadline);
    model.arm(node, deadline);
  }
}

void expire_both(TimerWheel& wheel, Model& model, Chance& chance, uint32_t nodes, Instant now) {
  model.now(now);
  for (;;) {
    const uint32_t node = wheel.expire(now);
    if (node == TimerWheel::kNone) break;
    ASSERT_TRUE(model.due(node)) << "fired early or twice: " << node;
    model.disarm(node);
    for (uint32_t changes = chance.below(3); changes > 0; --changes)
      change_one(wheel, model, chance, nodes, now);
  }
  ASSERT_EQ(model.count_due(), 0u) << "did not fire";
}

TEST(TimerWheel, AgreesWithAModelUnderRandomUse) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Chance chance(seed);
    const uint32_t nodes = 1 + chance.below(60);
    Instant now = Instant{} + chance.span();
    TimerWheel wheel(nodes, now);
    Model model(nodes, now);
    for (int step = 0; step < 1000; ++step) {
      for (uint32_t changes = chance.below(4); changes > 0; --changes)
        change_one(wheel, model, chance, nodes, now);
      ASSERT_EQ(wheel.armed_count(), model.count_armed());
      const Instant earliest = model.earliest();
      ASSERT_LE(wheel.next_expiry(), earliest);
      ASSERT_EQ(wheel.next_expiry().is_never(), earliest.is_never());
      // By a random span, to the very tick where something is due, or to the nanosecond before it.
      const uint32_t way = chance.below(4);
      const Instant next = way == 0 && !earliest.is_never()   ? earliest
                           : way == 1 && !earliest.is_never() ? earliest - 1ns
                                                              : now + chance.span();
      now = std::max(now, next);
      expire_both(wheel, model, chance, nodes, now);
      if (HasFatalFailure()) return;
      for (uint32_t node = 0; node < nodes; ++node) ASSERT_EQ(wheel.armed(node), model.armed(node));
    }
  }
}

TEST(TimerWheel, NextExpiryLeadsToEveryDeadlineInFewSteps) {
  Chance chance(7);
  for (int round = 0; round < 1000; ++round) {
    const Instant begin = Instant{} + chance.span();
    const Instant deadline = begin + chance.span();
    TimerWheel wheel(1, begin);
    wheel.arm(0, deadline);
    int steps = 0;
    Instant now = begin;
    do {
      const Instant next = wheel.next_expiry();
      ASSERT_GT(next, now);
      now = next;
      ASSERT_LT(++steps, 12);  // a level each, and one for each 52 days beyond
    } while (wheel.expire(now) == TimerWheel::kNone);
    ASSERT_GE(now, deadline);
    ASSERT_LE(now - std::max(deadline, begin), Duration(kTick));
  }
}

}  // namespace
}  // namespace tern::tcp
