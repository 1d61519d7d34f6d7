// SPDX-License-Identifier: BSD-3-Clause
// Segments of one established connection: by the fast path and by the eight steps of RFC 9293, and sent.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "net/dpdk/frame.hpp"
#include "tcp/connection.hpp"
#include "tcp/core.hpp"

namespace tern::bench {
namespace {

constexpr uint32_t kText = 1448;  // bytes of a segment

// A connection over which text goes back and forth; the peer is whoever fills in `next`.
class Established {
 public:
  Established() : pool_("bench_pool", 1023, 256, 2048) {
    core_.set_now(net::Instant{1'000'000'000});
    tcp::Agreement agreement;
    agreement.iss = tcp::Seq{1'000};
    agreement.irs = tcp::Seq{9'000};
    agreement.peer_mss = 1460;
    agreement.peer_window_scale = 7;
    agreement.timestamps = agreement.sack = true;
    agreement.ts_recent = 1;
    connection_.open_passive(agreement, core_);
    next.seq = tcp::Seq{9'001};
    next.ack = tcp::Seq{1'001};
    next.wnd = 0xffff;
    next.flags = tcp::kAck;
    next.has_timestamps = true;
    next.ts_val = 1;
    connection_.on_segment(next, {}, core_);
    finish_round();
  }
  ~Established() {
    connection_.release(core_);
    core_.released.clear();
  }

  bool established() const { return connection_.tcb.state == tcp::State::kEstablished; }

  // A round with one segment, of this many bytes of text, which is read at once.
  void arrive(uint32_t text, bool by_steps) {
    core_.set_now(core_.now + std::chrono::microseconds(1));
    next.length = text;
    next.ack = connection_.tcb.snd.nxt;
    next.ts_ecr = core_.ts_now;
    net::Packet packet = text == 0 ? net::Packet() : make_packet(text);
    if (by_steps) {
      connection_.on_unexpected_segment(next, std::move(packet), core_);
    } else {
      connection_.on_segment(next, std::move(packet), core_);
    }
    next.seq = next.seq + text;
    connection_.skip(connection_.tcb.unread, core_);
    finish_round();
  }

  // A round that sends one segment.
  bool send() {
    net::Packet packet = make_packet(kText);
    if (!connection_.send(packet, core_)) return false;
    return finish_round() == 1;
  }

  tcp::Segment next;

 private:
  net::Packet make_packet(uint32_t length) {
    net::Packet packet = pool_.allocate_packet();
    packet.append(text_.data(), length);
    return packet;
  }

  // Returns how many segments it sent.
  size_t finish_round() {
    connection_.tcb.marks = static_cast<uint16_t>(connection_.tcb.marks & ~connection_.news());
    connection_.emit(core_);
    const size_t sent = core_.outbox.departures().size();
    core_.outbox.clear();
    core_.ready.clear();
    core_.released.clear();
    return sent;
  }

  net::dpdk::FramePool pool_;
  std::array<uint8_t, kText> text_{};
  std::array<tcp::Config, 1> configs_{};
  std::array<tcp::Connection, 1> connections_;
  tcp::Core core_{connections_, configs_, {}, net::Instant{1'000'000'000}};
  tcp::Connection& connection_ = connections_[0];
};

// Text in order, 0 bytes of it being a mere acknowledgment; argument.
void on_segment(benchmark::State& state, bool by_steps) {
  Established end;
  for (auto _ : state) end.arrive(static_cast<uint32_t>(state.range(0)), by_steps);
  if (!end.established()) state.SkipWithError("the connection ended");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(on_segment, fast_path, false)->Arg(0)->Arg(64)->Arg(kText);
BENCHMARK_CAPTURE(on_segment, eight_steps, true)->Arg(0)->Arg(64)->Arg(kText);

// Text sent by send() and emit(), and its acknowledgment.
void emit_and_acknowledge(benchmark::State& state) {
  Established end;
  for (auto _ : state) {
    if (!end.send()) return state.SkipWithError("nothing was sent");
    end.arrive(0, false);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(emit_and_acknowledge);

}  // namespace
}  // namespace tern::bench
