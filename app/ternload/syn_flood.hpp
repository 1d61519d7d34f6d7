// SPDX-License-Identifier: BSD-3-Clause
// SYNs of connections that nobody will open, from addresses that are not ours. RFC 4987 section 2.
#pragma once

#include <array>
#include <cstdint>

#include "net/address.hpp"
#include "net/dpdk/frame.hpp"
#include "net/dpdk/port.hpp"
#include "net/ipv4.hpp"
#include "stack/worker.hpp"
#include "ternload/options.hpp"
#include "ternload/schedule.hpp"
#include "ternload/tally.hpp"

namespace tern::load {

class SynFlood {
 public:
  // pool: frames are made in it.
  SynFlood(const Options& options, net::dpdk::Port& port, net::dpdk::FramePool& pool, uint64_t seed,
           Tally& tally);
  // Sends what is due, once it is known where the target is. Returns whether anything was.
  bool before_round(stack::Worker& worker, net::Instant now);

 private:
  static constexpr uint32_t kBurst = 64;
  static constexpr uint32_t kFrame = 74;  // bytes: a SYN with the options that Linux sends
  // Whether the last round left frames in the port's queue. Each SYN brings another one, and what the queue
  // has no room for may be a connection's.
  bool behind(const stack::Worker& worker);
  void make_template(const net::MacAddress& target);
  void fill(rte_mbuf* frame);
  uint64_t random();

  const Options& options_;
  net::dpdk::Port& port_;
  net::dpdk::FramePool& pool_;
  Tally& tally_;
  Schedule schedule_;
  std::array<uint8_t, kFrame> template_{};
  net::Ipv4Fields ip_;
  bool ready_ = false;
  uint64_t received_ = 0;  // frames, up to the last round
  uint64_t state_;
};

}  // namespace tern::load
