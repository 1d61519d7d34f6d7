// SPDX-License-Identifier: BSD-3-Clause
// More connections than TCBs: who may sleep, who wakes, and what happens while all are busy.
#include <gtest/gtest.h>

#include "support/heap_packet.hpp"
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Sleepers : public testing::Test {
 protected:
  static constexpr uint32_t kConnections = 6;
  static constexpr uint32_t kAwake = 2;

  Sleepers()
      : connections_(kAwake),
        dormants_(kConnections),
        core(connections_, Slots(kConnections, kAwake), dormants_, std::span(&config, 1), 1, CoreLimits{},
             {}) {}
  ~Sleepers() override {
    for (uint32_t i = 0; i < kConnections; ++i) {
      if (opened_[i]) core.wake(i)->release(core);
    }
    core.released.clear();
  }

  // ESTABLISHED, told of and all quiet.
  Connection* establish(uint32_t index) {
    Connection* connection = core.open(index);
    if (connection == nullptr) return nullptr;
    opened_[index] = true;
    Agreement agreement;
    agreement.iss = Seq{1000 * index};
    agreement.irs = Seq{7};
    agreement.sack = true;
    connection->open_passive(agreement, core);
    Segment third;
    third.seq = Seq{8};
    third.ack = Seq{1000 * index + 1};
    third.flags = kAck;
    third.wnd = 5000;
    connection->on_segment(third, {}, core);
    connection->tcb.user = 100 + index;
    round();
    return connection;
  }
  // What a worker does with who is ready.
  void round() {
    for (const uint32_t index : std::exchange(core.ready, {})) {
      Connection& connection = core.connection(index);
      connection.tcb.marks = static_cast<uint16_t>(connection.tcb.marks & ~kServiceMarks);
      connection.emit(core);
    }
    core.outbox.clear();
    core.released.clear();
  }
  void write(uint32_t index) {
    net::Packet packet = pattern_packet(0, 100, true);
    EXPECT_TRUE(core.wake(index)->send(packet, core));
    round();
  }
  void acknowledge(uint32_t index) {
    Connection& connection = *core.wake(index);
    Segment seg;
    seg.seq = connection.tcb.rcv.nxt;
    seg.ack = connection.tcb.snd.nxt;
    seg.flags = kAck;
    seg.wnd = 5000;
    connection.on_segment(seg, {}, core);
    round();
  }
  // Lets the time pass, and every timer in it fire.
  void pass(Duration span) {
    const net::Instant end = core.now + span;
    while (core.wheel.next_expiry() <= end) {
      core.set_now(std::max(core.now, core.wheel.next_expiry()));
      for (uint32_t n = core.wheel.expire(core.now); n != TimerWheel::kNone;
           n = core.wheel.expire(core.now)) {
        core.time_out(n);
      }
      round();
    }
    core.set_now(end);
  }
  uint64_t established() const {
    return core.connections_in[static_cast<size_t>(State::kEstablished)].value();
  }

  Config config;
  std::vector<Connection> connections_;
  std::vector<Dormant> dormants_;
  std::array<bool, kConnections> opened_{};

 public:
  Core core;
};

TEST_F(Sleepers, MakeRoomForWhoComesAndWakeAsTheyWere) {
  for (uint32_t i = 0; i < kConnections; ++i) ASSERT_NE(establish(i), nullptr);
  EXPECT_EQ(core.counters.connections_put_to_sleep.value(), kConnections - kAwake);
  EXPECT_EQ(established(), kConnections);
  for (uint32_t i = 0; i < kConnections; ++i) {
    Connection* connection = core.wake(i);
    ASSERT_NE(connection, nullptr);
    EXPECT_EQ(core.index_of(*connection), i);
    EXPECT_EQ(connection->tcb.user, 100 + i);
    EXPECT_EQ(connection->tcb.snd.una, Seq{1000 * i + 1});
    EXPECT_TRUE(connection->has(kSackOn));
  }
  EXPECT_EQ(established(), kConnections);
  EXPECT_EQ(core.counters.busy_refused.value(), 0u);
}

TEST_F(Sleepers, StayAwakeWhileTheyHaveSomethingToDo) {
  establish(0);
  establish(1);
  write(0);
  write(1);
  EXPECT_EQ(establish(2), nullptr) << "both are busy";
  EXPECT_EQ(core.counters.busy_refused.value(), 1u);
  acknowledge(1);
  EXPECT_NE(establish(2), nullptr);
  EXPECT_TRUE(core.awake(0));
  EXPECT_FALSE(core.awake(1));
  EXPECT_EQ(core.wake(1)->tcb.snd.una, Seq{1101});
}

TEST_F(Sleepers, HaveNoTimerWhereTheyWaitForNothing) {
  establish(0);
  write(0);
  EXPECT_TRUE(core.wheel.armed(0));
  acknowledge(0);
  EXPECT_FALSE(core.wheel.armed(0));
}

TEST_F(Sleepers, AreNotWokenByATimerOfBefore) {
  config.keep_alive.on = true;
  core.profile(0) = config;
  establish(0);
  write(0);  // the node that it sets for the retransmission timer fires later, for nothing
  acknowledge(0);
  for (uint32_t i = 1; i <= kAwake; ++i) establish(i);
  if (core.awake(0)) establish(kAwake + 1);
  ASSERT_FALSE(core.awake(0));
  ASSERT_TRUE(core.wheel.armed(0));
  core.set_now(core.now + 5s);
  uint32_t fired = 0;
  for (uint32_t n = core.wheel.expire(core.now); n != TimerWheel::kNone; n = core.wheel.expire(core.now)) {
    core.time_out(n);
    ++fired;
  }
  EXPECT_GE(fired, 1u);
  EXPECT_FALSE(core.awake(0));
  EXPECT_TRUE(core.wheel.armed(0)) << "for its keep-alive";
  EXPECT_EQ(core.counters.connections_woken.value(), 0u);
}

TEST_F(Sleepers, AreWokenByATimerOfTheirOwnOnceThereIsRoom) {
  config.keep_alive.on = true;
  core.profile(0) = config;
  establish(0);
  establish(1);
  core.set_now(core.now + 1s);
  establish(2);
  establish(3);
  ASSERT_FALSE(core.awake(0));
  write(2);
  write(3);
  core.set_now(core.now + config.keep_alive.idle - 500ms);
  for (uint32_t n = core.wheel.expire(core.now); n != TimerWheel::kNone; n = core.wheel.expire(core.now)) {
    if (n < 2) core.time_out(n);
  }
  EXPECT_FALSE(core.awake(0)) << "all are busy";
  EXPECT_TRUE(core.wheel.armed(0)) << "so it tries again";
  core.set_now(core.now + 50ms);
  EXPECT_EQ(core.wheel.expire(core.now), TimerWheel::kNone) << "which soon would be in vain";
  acknowledge(2);
  acknowledge(3);
  core.set_now(core.now + 200ms);
  for (uint32_t n = core.wheel.expire(core.now); n != TimerWheel::kNone; n = core.wheel.expire(core.now)) {
    core.time_out(n);
  }
  round();
  EXPECT_EQ(core.counters.keep_alive_probes.value(), 2u);
}

TEST_F(Sleepers, KeepTheNodeThatPacingSetForARetransmission) {  // no other timer runs until that has left
  config.pacing = true;
  config.nagle = false;
  core.profile(0) = config;
  Tcb& tcb = establish(0)->tcb;
  tcb.flags = static_cast<uint16_t>(tcb.flags & ~kSackOn);  // whose probe would come before the timeout
  tcb.srtt_us = 100'000;
  tcb.rttvar_us = 50'000;
  tcb.cwnd = 500;  // 100 bytes in 10 ms
  write(0);
  pass(298ms);
  write(0);
  pass(5ms);
  EXPECT_EQ(core.counters.retransmission_timeouts.value(), 1u);
  EXPECT_EQ(core.counters.retransmissions.value(), 0u);
  pass(10ms);
  EXPECT_EQ(core.counters.retransmissions.value(), 1u);
}

TEST_F(Sleepers, GiveTheirSlotBackWithTheConnection) {
  const Connection* first = nullptr;
  for (uint32_t i = 0; i < 100; ++i) {
    Connection* connection = establish(0);
    ASSERT_NE(connection, nullptr);
    if (i == 0) first = connection;
    EXPECT_EQ(connection, first) << "the one whose lines are in the cache";
    connection->release(core);
    opened_[0] = false;
    EXPECT_FALSE(core.awake(0));
  }
  EXPECT_EQ(core.counters.connections_put_to_sleep.value(), 0u);
  EXPECT_EQ(established(), 0u);
}

// Each of these, alone, keeps it awake.
TEST(Dormant, IsOnlyWhoHasNothingUnderWay) {
  const auto may = [](auto change) {
    Tcb tcb;
    tcb.state = State::kEstablished;
    tcb.hold = 0;
    change(tcb);
    return Dormant::may_sleep(tcb);
  };
  EXPECT_TRUE(may([](Tcb&) {}));
  EXPECT_TRUE(may([](Tcb& t) { t.marks = kMarkMtuProbe; })) << "there is no text for it";
  EXPECT_FALSE(may([](Tcb& t) { t.hold = kHoldState; }));
  EXPECT_FALSE(may([](Tcb& t) { t.hold = kHoldKeepAlive; }));
  EXPECT_FALSE(may([](Tcb& t) { t.marks = kMarkReady; }));
  EXPECT_FALSE(may([](Tcb& t) { t.marks = kMarkWantsRoom; }));
  EXPECT_FALSE(may([](Tcb& t) { t.flags = kRttTimed; }));
  EXPECT_FALSE(may([](Tcb& t) { t.send_end += 1; })) << "it has text to send";
  EXPECT_FALSE(may([](Tcb& t) { t.snd.nxt = t.send_end += 1; })) << "or to send again";
  EXPECT_FALSE(may([](Tcb& t) { t.unread = 1; }));
  EXPECT_FALSE(may([](Tcb& t) { t.segments_owed = 1; }));
  EXPECT_FALSE(may([](Tcb& t) { t.duplicate_acks_owed = 1; }));
  EXPECT_FALSE(may([](Tcb& t) { t.rcv.nxt += 1; }));
  EXPECT_FALSE(may([](Tcb& t) { t.retransmit_deadline = net::Instant{} + 1s; }));
  EXPECT_FALSE(may([](Tcb& t) { t.ack_deadline = net::Instant{} + 1s; }));
  EXPECT_FALSE(may([](Tcb& t) { t.recovery = 0; }));
  EXPECT_FALSE(may([](Tcb& t) { t.reassembly = 0; }));
  EXPECT_FALSE(may([](Tcb& t) { t.retransmit_expiries = 1; }));
  EXPECT_FALSE(may([](Tcb& t) { t.duplicate_acks = 1; }));
  EXPECT_FALSE(may([](Tcb& t) { t.silent_probes = 1; }));
}

}  // namespace
}  // namespace tern::test
