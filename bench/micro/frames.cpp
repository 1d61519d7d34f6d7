// SPDX-License-Identifier: BSD-3-Clause
// What is done to each frame's bytes: taken apart, options read, summed, text put behind headers.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "instructions/peer.hpp"
#include "net/checksum.hpp"
#include "net/dpdk/frame.hpp"
#include "net/frame.hpp"
#include "tcp/header.hpp"
#include "tcp/options.hpp"

namespace tern::bench {
namespace {

constexpr net::Instant kNow{1'000'000'000};

// A frame with so much text; its checksums looked at, or left to the port.
void parse_frames(benchmark::State& state, bool verified) {
  Peer peer({}, {{0xc0000202}, {0xc0000201}, 80, 40'000}, tcp::Seq{1});
  const Bytes frame = peer.segment(tcp::kAck, std::string(static_cast<size_t>(state.range(0)), 'x'), kNow);
  const net::Verified by_port{.ipv4_checksum = verified, .l4_checksum = verified};
  for (auto _ : state) {
    net::Frame parsed;
    tcp::Segment segment;
    uint32_t text = 0;
    bool right = net::parse_frame(frame, by_port, parsed) == net::Drop::kNone;
    right = right && tcp::parse_segment(std::span(frame).subspan(parsed.l4_offset, parsed.l4_length), segment,
                                        text) == net::Drop::kNone;
    if (!right) return state.SkipWithError("a right frame was dropped");
    benchmark::DoNotOptimize(segment);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(frame.size()));
}
BENCHMARK_CAPTURE(parse_frames, summed, false)->Arg(0)->Arg(128)->Arg(kFullText);
BENCHMARK_CAPTURE(parse_frames, verified_by_port, true)->Arg(0)->Arg(128)->Arg(kFullText);

void parse(benchmark::State& state, uint8_t flags, const tcp::SegmentHeader& header) {
  for (auto _ : state) {
    tcp::Segment segment;
    segment.flags = flags;
    tcp::parse_options(std::span(header.options).first(header.option_length), segment);
    benchmark::DoNotOptimize(segment);
  }
  state.SetItemsProcessed(state.iterations());
}

void parse_timestamps(benchmark::State& state) {
  tcp::SegmentHeader header;
  tcp::append_timestamps(header, 1, 2);
  parse(state, tcp::kAck, header);
}
BENCHMARK(parse_timestamps);

void parse_timestamps_and_sacks(benchmark::State& state) {
  tcp::SegmentHeader header;
  tcp::append_timestamps(header, 1, 2);
  const tcp::SackBlock blocks[] = {
      {tcp::Seq{1}, tcp::Seq{2}}, {tcp::Seq{5}, tcp::Seq{6}}, {tcp::Seq{8}, tcp::Seq{9}}};
  tcp::append_sacks(header, blocks);
  parse(state, tcp::kAck, header);
}
BENCHMARK(parse_timestamps_and_sacks);

void parse_syn_options(benchmark::State& state) {
  tcp::SegmentHeader header;
  tcp::append_syn_options(
      header, {.mss = 1460, .window_scale = 7, .sack_permitted = true, .timestamps = true, .ts_val = 1});
  parse(state, tcp::kSyn, header);
}
BENCHMARK(parse_syn_options);

void sum(benchmark::State& state) {
  const Bytes bytes(static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(net::checksum(bytes));
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(sum)->Arg(20)->Arg(64)->Arg(256)->Arg(1460)->Arg(8960);

// A frame whose text cannot leave in its own buffer, made and freed: the text copied behind the headers, or
// referred to by a second buffer. Egress::kCopyBelow chooses.
void append_text(benchmark::State& state, bool copied) {
  constexpr uint32_t kHeaders = 66;
  net::dpdk::FramePool pool("append_text", 1023, 256, 2048);
  const auto length = static_cast<uint32_t>(state.range(0));
  net::Packet text = pool.allocate_packet();
  text.append(Bytes(length, 0x5a).data(), length);
  for (auto _ : state) {
    rte_mbuf* frame = pool.allocate_frame();
    net::dpdk::put(frame, kHeaders);
    if (copied) {
      std::memcpy(net::dpdk::put(frame, length), text.data(), length);
    } else if (!net::dpdk::attach(frame, pool, text.buffer(), 0, length)) {
      return state.SkipWithError("no buffer");
    }
    benchmark::ClobberMemory();
    net::dpdk::free_frame(frame);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(append_text, copied, true)->Arg(64)->Arg(256)->Arg(512)->Arg(1448);
BENCHMARK_CAPTURE(append_text, referred_to, false)->Arg(64)->Arg(256)->Arg(512)->Arg(1448);

}  // namespace
}  // namespace tern::bench
