// SPDX-License-Identifier: BSD-3-Clause
// The fast path is a removable 'if': from varied starting TCBs, on_segment() and the eight steps alone must
// end in the same TCB, the same output and the same counters, whatever segments come.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/heap_packet.hpp"
#include "tcp/connection.hpp"
#include "tcp/core.hpp"

namespace tern::test {
namespace {

using namespace tcp;
using namespace std::chrono_literals;

// Every field that is not a buffer; buffers are compared by what they hold.
// clang-format does not settle on a layout of this list.
// clang-format off
#define TERN_TCB_VALUES(X) \
  X(snd.una) X(snd.nxt) X(snd.wnd) X(snd.wl1) X(snd.wl2) X(rcv.nxt) X(rcv.wnd) X(ts_recent) \
  X(last_ack_sent) X(state) X(hold) X(flags) X(marks) X(segments_owed) \
  X(duplicate_acks_owed) X(unread) X(profile) X(retransmit_expiries) X(ts_offset) \
  X(send_end) X(cwnd) X(ssthresh) X(srtt_us) X(rttvar_us) X(max_wnd) X(retransmit_deadline) \
  X(fires_at) X(recover) X(mss) X(duplicate_acks) X(close_reason) X(ack_deadline) \
  X(idle_deadline) X(rtt_started_us) X(congestion) X(user) X(rtt_seq) X(iss) X(irs) X(recovery) \
  X(small_end) X(reassembly) X(retransmitted) X(reo_wnd) X(silent_probes) \
  X(bytes_acked_in_round)
// clang-format on
constexpr size_t kValueBytes = [] {
  const Tcb* t = nullptr;
#define TERN_SIZE_OF(field) +sizeof(t->field)
  return size_t{0} TERN_TCB_VALUES(TERN_SIZE_OF);
}();
constexpr size_t kScaleBytes = 1;   // two bit-fields
constexpr size_t kPadding = 7 + 8;  // at the ends of the second line and the third
static_assert(kValueBytes + kScaleBytes + 3 * sizeof(void*) + kPadding == sizeof(Tcb),
              "a field of the TCB is not compared");

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint32_t word() { return static_cast<uint32_t>(engine_()); }
  uint32_t up_to(uint32_t n) { return n == 0xffffffffu ? word() : word() % (n + 1); }
  bool one_in(uint32_t n) { return word() % n == 0; }
  // Zero, one, a little, or anything up to n.
  uint32_t varied(uint32_t n) {
    switch (word() % 4) {
      case 0:
        return 0;
      case 1:
        return std::min(n, 1u);
      case 2:
        return up_to(std::min(n, 2000u));
      default:
        return up_to(n);
    }
  }

 private:
  std::mt19937_64 engine_;
};

net::Packet filled(uint32_t length, uint32_t start) {
  std::vector<uint8_t> bytes(length);
  for (uint32_t i = 0; i < length; ++i) bytes[i] = static_cast<uint8_t>(start + i * 7);
  return make_packet(bytes);
}

Config config_of(Random& r) {
  Config config;
  config.mss = r.one_in(2) ? 1460 : 100;
  config.nagle = r.one_in(2);
  config.user_timeout_option = r.one_in(2);
  config.receive_buffer = r.one_in(2) ? 10'000 : 100'000;
  config.send_buffer = r.one_in(2) ? 3000 : 100'000;
  config.ack_every_segments = static_cast<uint8_t>(1 + r.up_to(7));
  return config;
}

// A core with one connection, in a state that follows from the seed: two of one seed are copies of each
// other.
class World {
 public:
  explicit World(uint64_t seed) : World(Random(seed)) {}
  ~World() {
    connections[0].release(core);
    core.released.clear();
  }

  Connection& connection() { return connections[0]; }
  Tcb& tcb() { return connections[0].tcb; }

 private:
  explicit World(Random r)
      : config(config_of(r)),
        connections(1),
        core(connections, std::span(&config, 1), limits_of(r), net::Instant{} + 1h) {
    numbers(r);
    receiving(r);
    sending(r);
    timers(r);
    rest(r);
  }

  static CoreLimits limits_of(Random& r) {
    CoreLimits limits;
    limits.reassemblies = limits.recoveries = limits.congestions = limits.extras =
        4;  // a core is made for each case
    limits.outbox = r.one_in(3) ? 2 : 64;
    if (r.one_in(20)) limits.held_packets = 1 + r.up_to(6);
    return limits;
  }

  void numbers(Random& r) {
    Tcb& t = tcb();
    core.set_state(connection(), State::kEstablished);
    t.iss = Seq{r.word()};
    t.irs = Seq{r.word()};
    t.snd.una = t.iss + 1 + r.varied(100'000);
    t.rcv.nxt = t.irs + 1 + r.varied(100'000);
    t.flags = static_cast<uint16_t>(r.word() & (kTimestampsOn | kSackOn | kWindowScaleOn));
    t.snd_scale = r.up_to(8) & 0x0f;
    t.rcv_scale = r.up_to(7) & 0x0f;
    t.ts_recent = r.word();
    t.ts_offset = r.word();
    t.last_ack_sent = t.rcv.nxt - r.varied(3000);
    t.mss = static_cast<uint16_t>(config.mss - (connection().has(kTimestampsOn) ? 12 : 0));
    t.user = r.word();
  }

  void receiving(Random& r) {
    Tcb& t = tcb();
    t.rcv.wnd = r.varied(60'000);
    for (uint32_t n = r.one_in(2) ? 0 : r.up_to(3); n != 0; --n) {
      const uint32_t length = 1 + r.up_to(1500);
      t.receive_queue.push_back(filled(length, length));
      t.unread += length;
      ++core.held_packets;
    }
    t.segments_owed = static_cast<uint8_t>(r.one_in(2) ? 0 : r.up_to(3));
    t.duplicate_acks_owed = static_cast<uint8_t>(r.one_in(8) ? r.up_to(3) : 0);
  }

  void sending(Random& r) {
    Tcb& t = tcb();
    Seq next = t.snd.una;
    const uint32_t packets = r.one_in(4) ? 0 : 1 + r.up_to(4);
    for (uint32_t n = 0; n < packets; ++n) {
      const uint32_t length = 2 + r.up_to(r.one_in(3) ? 20 : 1800);
      net::Packet packet = filled(length, n);
      if (n == 0) next = t.snd.una - r.up_to(length - 2);
      packet.set_seq(next.value);
      next += length;
      t.send_queue.push_back(std::move(packet));
      ++core.held_packets;
    }
    t.send_end = next;
    const uint32_t queued = next - t.snd.una;
    t.snd.nxt = t.snd.una + (r.one_in(3) ? queued : r.one_in(3) ? 0 : r.up_to(queued));
    for (rte_mbuf* b = t.send_queue.front(); b != nullptr && t.unsent == nullptr; b = t.send_queue.after(b)) {
      if (t.snd.nxt < Seq{net::buffer::field(b).seq} + net::buffer::field(b).length) t.unsent = b;
    }
    t.snd.wnd = r.varied(200'000);
    t.max_wnd = std::max(t.snd.wnd, connection().flight()) + r.varied(1000);
    t.snd.wl1 = t.rcv.nxt - r.varied(3000);
    t.snd.wl2 = r.one_in(4) ? t.snd.una - r.varied(3000) : t.snd.una;
    t.cwnd = t.mss + r.varied(50'000);
    t.ssthresh = r.one_in(2) ? 0x7fffffff : 2u * t.mss + r.varied(50'000);
    t.bytes_acked_in_round = r.up_to(t.cwnd - 1);
    t.recover = t.snd.una - r.varied(100'000);
    t.small_end = t.snd.nxt - r.varied(3000);
  }

  void timers(Random& r) {
    Tcb& t = tcb();
    t.srtt_us = r.varied(2'000'000);
    t.rttvar_us = t.srtt_us / (1 + r.up_to(3));
    if (connection().flight() != 0 && r.one_in(2)) {
      t.flags |= kRttTimed;
      t.rtt_seq = t.snd.una + 1 + r.up_to(connection().flight() - 1);
      t.rtt_started_us = stamp_of(core.now) - static_cast<uint32_t>(r.up_to(3'000'000));
    }
    if (connection().flight() != 0 || connection().unsent_bytes() != 0) {
      t.retransmit_deadline = core.now + std::chrono::microseconds(1 + r.up_to(2'000'000));
      t.retransmit_expiries = static_cast<uint8_t>(r.one_in(3) ? r.up_to(3) : 0);
    }
    if (t.segments_owed != 0) t.ack_deadline = core.now + std::chrono::microseconds(1 + r.up_to(40'000));
    const Deadline next = earliest({t.retransmit_deadline, t.ack_deadline}, core.now);
    if (!next.is_never()) {
      const net::Instant fires = next.instant(core.now) - std::chrono::microseconds(r.varied(1000));
      t.fires_at = fires;
      core.wheel.arm(0, fires);
    }
  }

  // Marks of an unfinished burst, and now and then something that keeps segments off the fast path.
  void rest(Random& r) {
    Tcb& t = tcb();
    if (r.one_in(4)) t.marks |= kMarkWantsRoom;
    if (r.one_in(6)) core.mark(connection(), r.one_in(2) ? kMarkAckNow : kMarkText);
    if (!r.one_in(12)) return;
    t.duplicate_acks = static_cast<uint8_t>(1 + r.up_to(2));
    t.hold |= kHoldDuplicates;
  }

 public:
  Config config;
  std::vector<Connection> connections;
  Core core;
};

// A segment that the connection expects.
Segment expected(World& w, Random& r) {
  const Tcb& t = w.tcb();
  Segment seg;
  seg.seq = t.rcv.nxt;
  const uint32_t flight = w.connection().flight();
  seg.ack = t.snd.una + (r.one_in(3) ? 0 : r.one_in(2) ? flight : r.up_to(flight));
  seg.length = r.one_in(2) ? 0 : std::min(t.rcv.wnd, 1 + r.varied(1459));
  if (seg.length == 0 && seg.ack == t.snd.una) {  // says nothing new yet
    seg.ack = t.snd.nxt;
    if (flight == 0) seg.length = std::min(t.rcv.wnd, 1 + r.varied(1459));
  }
  seg.wnd = static_cast<uint16_t>(r.one_in(3) ? t.snd.wnd >> t.snd_scale : r.varied(0xffff));
  seg.flags = static_cast<uint8_t>(kAck | (r.one_in(2) ? kPsh : 0));
  seg.has_timestamps = w.connection().has(kTimestampsOn);
  if (seg.has_timestamps) {
    seg.ts_val = t.ts_recent + r.varied(100'000);
    seg.ts_ecr = w.core.ts_now + t.ts_offset - r.varied(5000);
  }
  return seg;
}

// The same, off in one field.
void spoil(Segment& seg, World& w, Random& r) {
  const Tcb& t = w.tcb();
  switch (r.up_to(12)) {
    case 0:
      seg.seq += 1;
      break;
    case 1:
      seg.seq = seg.seq - 1;
      break;
    case 2:
      seg.ack = t.snd.nxt + 1;
      break;
    case 3:
      seg.ack = t.snd.una - 1;
      break;
    case 4:
      seg.length = std::min(t.rcv.wnd + 1, 3000u);
      break;
    case 5:
      seg.flags ^= static_cast<uint8_t>(1 << r.up_to(7));
      break;
    case 6:
      seg.has_timestamps = !seg.has_timestamps;
      break;
    case 7:
      seg.ts_val = t.ts_recent - 1;
      break;
    case 8:
      seg.sacks[0] = {t.snd.una, t.snd.nxt};
      seg.sack_count = 1;
      break;
    case 9:
      seg.seq += r.up_to(3000);
      break;
    case 10:
      seg.ack = t.snd.una + r.up_to(5000);
      break;
    case 11:
      seg.user_timeout = 100;
      break;
    default:
      seg.ts_val = t.ts_recent + 0x80000000u;
  }
}

std::string text_of(const net::PacketQueue& queue) {
  std::string text;
  for (rte_mbuf* b = queue.front(); b != nullptr; b = queue.after(b)) {
    const net::PacketField& field = net::buffer::field(b);
    text += "[" + std::to_string(field.seq) + "]";
    text.append(reinterpret_cast<const char*>(net::buffer::start(b) + field.offset), field.length);
  }
  return text;
}

// Where in the send queue a buffer is.
int place_of(const net::PacketQueue& queue, const rte_mbuf* buffer) {
  int place = 0;
  for (rte_mbuf* b = queue.front(); b != nullptr; b = queue.after(b), ++place) {
    if (b == buffer) return place;
  }
  return -1;
}

void compare(World& fast, World& slow) {
  const Tcb& a = fast.tcb();
  const Tcb& b = slow.tcb();
#define TERN_COMPARE(field) EXPECT_TRUE(a.field == b.field) << #field;
  TERN_TCB_VALUES(TERN_COMPARE)
  EXPECT_EQ(a.snd_scale, b.snd_scale);
  EXPECT_EQ(a.rcv_scale, b.rcv_scale);
  EXPECT_EQ(text_of(a.receive_queue), text_of(b.receive_queue));
  EXPECT_EQ(text_of(a.send_queue), text_of(b.send_queue));
  EXPECT_EQ(text_of(fast.core.released), text_of(slow.core.released));
  EXPECT_EQ(place_of(a.send_queue, a.unsent), place_of(b.send_queue, b.unsent));
  EXPECT_EQ(fast.core.held_packets, slow.core.held_packets);
  EXPECT_EQ(fast.core.ready, slow.core.ready);
  EXPECT_EQ(fast.core.wheel.next_expiry(), slow.core.wheel.next_expiry());
  EXPECT_EQ(fast.core.reassemblies.in_use(), slow.core.reassemblies.in_use());
  std::vector<uint64_t> counted;
  fast.core.counters.for_each([&](const auto&, uint64_t n) { counted.push_back(n); });
  size_t i = 0;
  slow.core.counters.for_each([&](const auto& description, uint64_t n) {
    const bool differs_by_design = std::string(description.name) == "segments_expected";
    EXPECT_TRUE(differs_by_design || counted[i] == n) << description.name;
    ++i;
  });
  for (uint32_t state = 0; state < kStates; ++state) {
    EXPECT_EQ(fast.core.connections_in[state].value(), slow.core.connections_in[state].value());
  }
}

void compare_departures(World& fast, World& slow) {
  const auto a = fast.core.outbox.departures();
  const auto b = slow.core.outbox.departures();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    const SegmentHeader& h = a[i].header;
    const SegmentHeader& g = b[i].header;
    EXPECT_TRUE(h.seq == g.seq && h.ack == g.ack && h.wnd == g.wnd && h.flags == g.flags)
        << "header of " << i;
    EXPECT_EQ(std::string(h.options.begin(), h.options.begin() + h.option_length),
              std::string(g.options.begin(), g.options.begin() + g.option_length));
    EXPECT_EQ(a[i].text_length, b[i].text_length);
    EXPECT_EQ(a[i].text_offset, b[i].text_offset);
    EXPECT_EQ(place_of(fast.tcb().send_queue, a[i].text), place_of(slow.tcb().send_queue, b[i].text));
  }
}

// A burst of a few segments to both, output, and a comparison after each step. Returns how many went which
// way.
void run_case(uint64_t seed, uint64_t& segments, uint64_t& took_fast_path) {
  World fast(seed);
  World slow(seed);
  compare(fast, slow);
  Random r(seed ^ 0x5eed);
  for (uint32_t n = 1 + r.up_to(3); n != 0; --n) {
    Segment seg = expected(fast, r);
    if (r.one_in(4)) spoil(seg, fast, r);
    const auto text = [&] { return seg.length == 0 ? net::Packet() : filled(seg.length, seg.seq.value); };
    const Verdict a = fast.connection().on_segment(seg, text(), fast.core);
    ++slow.core.counters.segments_received;
    const Verdict b = slow.connection().on_unexpected_segment(seg, text(), slow.core);
    EXPECT_EQ(a, b);
    ++segments;
    compare(fast, slow);
    if (testing::Test::HasFailure()) return;
  }
  for (World* world : {&fast, &slow}) {
    world->core.ready.clear();
    world->connection().emit(world->core);
  }
  compare_departures(fast, slow);
  compare(fast, slow);
  took_fast_path += fast.core.counters.segments_expected.value();
}

TEST(FastPath, EndsWhereTheEightStepsEnd) {
  const uint32_t live_before = live_packets();
  uint64_t segments = 0;
  uint64_t took_fast_path = 0;
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    run_case(seed, segments, took_fast_path);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
  EXPECT_EQ(live_packets(), live_before);
  RecordProperty("segments", static_cast<int>(segments));
  RecordProperty("fast", static_cast<int>(took_fast_path));
  EXPECT_GE(took_fast_path * 100, segments * 45) << took_fast_path << " of " << segments;
  EXPECT_GE((segments - took_fast_path) * 100, segments * 25) << took_fast_path << " of " << segments;
}

}  // namespace
}  // namespace tern::test
