// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes a connection: the input is a script of segments, user calls and steps of time, and after each the
// connection must keep its own rules (support/invariants.hpp), give back every buffer in the end and never
// run for ever.
//
// Segments are stated relative to what the connection expects, since a fuzzer seldom guesses a sequence
// number.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

#include "support/heap_packet.hpp"
#include "support/invariants.hpp"
#include "tcp/connection.hpp"
#include "tcp/core.hpp"
#include "tcp/header.hpp"

namespace tern::test {
namespace {

using namespace tcp;

void require(bool condition, const char* rule) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

// Takes numbers from the input; zeros behind its end.
class Input {
 public:
  explicit Input(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool done() const { return bytes_.empty(); }
  uint8_t byte() {
    if (bytes_.empty()) return 0;
    const uint8_t b = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return b;
  }
  uint16_t half() { return static_cast<uint16_t>(byte() << 8 | byte()); }
  uint32_t word() { return uint32_t{half()} << 16 | half(); }
  // Signed, small more often than large.
  uint32_t offset() {
    const uint8_t kind = byte();
    if (kind < 128) return 0;
    if (kind < 192) return static_cast<uint32_t>(static_cast<int8_t>(byte()));
    return kind < 250 ? static_cast<uint32_t>(static_cast<int16_t>(half())) : word();
  }

 private:
  std::span<const uint8_t> bytes_;
};

Config config_of(Input& in) {
  const uint8_t bits = in.byte();
  Config config;
  config.mss = (bits & 1) != 0 ? 1460 : 100;
  config.timestamps = (bits & 2) != 0;
  config.sack = (bits & 4) != 0;
  config.nagle = (bits & 8) != 0;
  config.receive_buffer = (bits & 16) != 0 ? 100'000 : 3000;
  config.send_buffer = (bits & 32) != 0 ? 100'000 : 3000;
  config.retransmit_limit = (bits & 64) != 0 ? 15 : 3;
  config.ack_every_segments = (bits & 128) != 0 ? 8 : 1;
  config.fast_open_connect = config.fast_open_listen = FastOpen::kOn;
  return config;
}

CoreLimits limits_of(Input& in) {
  const uint8_t bits = in.byte();
  CoreLimits limits;
  limits.recoveries = limits.congestions = limits.extras = 4;
  limits.outbox = (bits & 1) != 0 ? 64 : 2;
  limits.reassemblies = (bits & 2) != 0 ? 1 : 0;
  limits.held_packets = (bits & 4) != 0 ? 1000 : 8;
  return limits;
}

class Script {
 public:
  explicit Script(Input& in)
      : in_(in),
        config_(config_of(in)),
        connections_(1),
        core_(connections_, std::span(&config_, 1), limits_of(in), net::Instant{}) {
    const uint8_t bits = in.byte();
    const Seq iss{in.word()};
    if ((bits & 1) != 0) {
      connection().open_active(iss, 0, in.word(), core_);
      if ((bits & 16) != 0) try_fast_open((bits & 32) != 0);
    } else {
      Agreement agreement;
      agreement.iss = iss;
      agreement.irs = Seq{in.word()};
      agreement.peer_mss = in.half();
      if ((bits & 2) != 0) agreement.peer_window_scale = in.byte() & 15;
      agreement.timestamps = (bits & 4) != 0 && config_.timestamps;
      agreement.sack = (bits & 8) != 0 && config_.sack;
      agreement.ts_recent = in.word();
      if ((bits & 16) != 0) {
        open_fast(agreement);
      } else {
        connection().open_passive(agreement, core_);
        third(agreement);
      }
    }
    round();
  }

  ~Script() {
    connection().release(core_);
    core_.released.clear();
    require(core_.held_packets == 0, "nothing is held at the end");
    require(core_.reassemblies.in_use() == 0, "no reassembly queue is in use at the end");
    require(core_.wheel.armed_count() == 0, "no timer is armed at the end");
    for (const auto& gauge : core_.connections_in) require(gauge.value() == 0, "no state has a connection");
  }

  void run() {
    for (int steps = 0; steps < 300 && !in_.done(); ++steps) {
      const uint8_t what = in_.byte();
      if (what < 160) {
        segment();
      } else if (what < 224) {
        call(what & 7);
      } else {
        pass_time(what & 31);
      }
      if ((what & 1) == 0) round();  // else the burst goes on
    }
    round();
  }

 private:
  Connection& connection() { return connections_[0]; }

  void third(const Agreement& agreement) {
    Segment seg;
    seg.seq = agreement.irs + 1;
    seg.ack = agreement.iss + 1;
    seg.flags = kAck;
    seg.wnd = in_.half();
    seg.has_timestamps = agreement.timestamps;
    seg.ts_val = agreement.ts_recent;
    require(connection().on_segment(seg, {}, core_) == Verdict::kDone, "a third segment opens");
  }

  // With a SYN of ours that asks for a cookie, or carries one and text.
  void try_fast_open(bool known) {
    const FastOpenServer server{{1, 2, 3}};
    if (known) {
      FastOpenAnswer answer;
      answer.mss = in_.half();
      answer.option = fast_open_option();
      core_.fast_open_servers.learn(server, answer, core_.now);
    }
    connection().try_fast_open(server, core_);
    net::Packet packet = make_packet(std::vector<uint8_t>(1 + in_.half() % 4000, 'y'));
    connection().send(packet, core_);
  }

  void open_fast(const Agreement& agreement) {
    Segment syn;
    syn.seq = agreement.irs;
    syn.flags = kSyn;
    syn.wnd = in_.half();
    syn.length = in_.half() % 3000;
    net::Packet text;
    if (syn.length != 0) text = make_packet(std::vector<uint8_t>(syn.length, 'x'));
    connection().open_fast(agreement, syn, std::move(text), core_);
  }

  FastOpenOption fast_open_option() {
    FastOpenOption option;
    option.form = static_cast<FastOpenOption::Form>(in_.byte() & 3);
    if (option.present()) option.length = std::array<uint8_t, 4>{0, 4, 8, 16}[in_.byte() & 3];
    option.cookie = {};
    return option;
  }

  void segment() {
    const Tcb& t = connection().tcb;
    const uint8_t bits = in_.byte();
    Segment seg;
    seg.flags = (bits & 1) != 0 ? in_.byte() : static_cast<uint8_t>(kAck);
    seg.seq = t.rcv.nxt + in_.offset();
    seg.ack = ((bits & 2) != 0 ? t.snd.nxt : t.snd.una) + in_.offset();
    seg.wnd = in_.half();
    seg.length = (bits & 4) != 0 ? in_.half() % 3000 : 0;
    seg.has_timestamps = connection().has(kTimestampsOn) != ((bits & 8) != 0);
    seg.ts_val = t.ts_recent + in_.offset();
    seg.ts_ecr = core_.ts_now + t.ts_offset + in_.offset();
    if ((bits & 16) != 0) {
      seg.mss = in_.half();
      seg.window_scale = in_.byte() % 15;
      seg.sack_permitted = (bits & 32) != 0;
      if ((bits & 128) != 0) seg.fast_open = fast_open_option();
    }
    for (; seg.sack_count < ((bits & 64) != 0 ? 3 : 0); ++seg.sack_count) {
      seg.sacks[seg.sack_count] = {t.snd.una + in_.offset(), t.snd.una + in_.offset()};
    }
    net::Packet text;
    if (seg.length != 0) text = make_packet(std::vector<uint8_t>(seg.length, 'x'));
    connection().on_segment(seg, std::move(text), core_);
  }

  void call(int which) {
    net::Packet packet;
    switch (which) {
      case 0:
      case 1:
      case 2: {
        packet = make_packet(std::vector<uint8_t>(in_.half() % 4000, 'y'));
        const uint32_t size = packet.size();
        const uint32_t room = connection().send_room(core_);
        const bool taken = connection().send(packet, core_);
        require(taken == (size == 0 || room != 0), "send takes what it has room for");
        break;
      }
      case 3:
      case 4:
        for (int n = in_.byte() & 7; n >= 0; --n) connection().receive(core_);
        break;
      case 5:
        connection().shutdown(core_);
        break;
      case 6:
        connection().close(core_);
        break;
      default:
        if (in_.byte() == 0xaa) connection().abort(core_);
    }
  }

  // A millisecond doubled so many times; timers fire on the way.
  void pass_time(int doublings) {
    round();
    const net::Instant until = core_.now + std::chrono::milliseconds(int64_t{1} << std::min(doublings, 20));
    for (int n = 0; core_.wheel.next_expiry() <= until; ++n) {
      require(n < 20'000, "timers come to an end");
      core_.set_now(std::max(core_.now, core_.wheel.next_expiry()));
      round();
    }
    core_.set_now(until);
  }

  void round() {
    Tcb& t = connection().tcb;
    t.marks = static_cast<uint16_t>(t.marks & ~kServiceMarks);
    for (uint32_t n = core_.wheel.expire(core_.now); n != TimerWheel::kNone;
         n = core_.wheel.expire(core_.now)) {
      connections_[n].on_timeout(core_);
    }
    t.marks = static_cast<uint16_t>(t.marks & ~kServiceMarks);
    for (int bursts = 0; !core_.ready.empty(); ++bursts) {
      require(bursts < 20'000, "output comes to an end");
      for (const uint32_t index : std::exchange(core_.ready, {})) connections_[index].emit(core_);
      for (const Departure& departure : core_.outbox.departures()) read(departure);
      core_.outbox.clear();
    }
    core_.released.clear();
    const char* rule = broken_rule(connection(), core_, watch_);
    require(rule == nullptr, rule);
    require(core_.held_packets == buffers_of(connection(), core_), "held_packets counts what is kept");
  }

  // What leaves can be read: its header, and every byte of its text.
  void read(const Departure& departure) {
    std::vector<uint8_t> bytes(departure.header.length());
    write_header(departure.header, {1, 2}, bytes.data());
    Segment seg;
    uint32_t offset = 0;
    require(parse_segment(bytes, seg, offset) == net::Drop::kNone, "what leaves can be parsed");
    require(departure.text_length <= config_.mss, "no segment is larger than our MSS");
    uint32_t left = departure.text_length;
    uint32_t skip = departure.text_offset;
    for (rte_mbuf* b = departure.text; left != 0; b = connection().tcb.send_queue.after(b), skip = 0) {
      require(b != nullptr, "a segment's text is in the send queue");
      const uint8_t* from = net::buffer::start(b) + net::buffer::field(b).offset + skip;
      const uint32_t n = std::min(left, net::buffer::field(b).length - skip);
      for (uint32_t i = 0; i < n; ++i) require(from[i] == 'y', "what leaves is what was sent");
      left -= n;
    }
  }

  Input& in_;
  Config config_;
  std::vector<Connection> connections_;
  Core core_;
  Watch watch_;
};

}  // namespace
}  // namespace tern::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const uint32_t before = tern::test::live_packets();
  {
    tern::test::Input in({data, size});
    tern::test::Script script(in);
    script.run();
  }
  tern::test::require(tern::test::live_packets() == before, "no buffer leaks");
  return 0;
}
