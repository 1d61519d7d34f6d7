// SPDX-License-Identifier: BSD-3-Clause
// A worker whose every input is given: secrets, time, and frames through a port whose far end is ours. What
// it executes is the same each time.
#pragma once

#include <memory>
#include <optional>

#include "net/dpdk/clock.hpp"
#include "net/dpdk/port.hpp"
#include "stack/wire.hpp"
#include "stack/worker.hpp"

namespace tern::bench {

constexpr net::Ipv4Address kServer{0xc0000202};  // 192.0.2.2
constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kDiscardPort = 9;
constexpr uint16_t kProxyPort = 8080;
// Where the proxy passes its clients to, port kHttpPort: from here on, on the clients' link.
constexpr net::Ipv4Address kFirstBackend{0xc0000214};  // 192.0.2.20
constexpr uint32_t kBackends = 4;

class Stage {
 public:
  Stage();
  ~Stage();

  net::MacAddress mac() const { return port_->mac(); }
  // Lays a frame before the port.
  void lay(std::span<const uint8_t> frame);
  // One round; what it executes, and nothing else, is what callgrind counts. A function for itself, to be
  // found in callgrind's output.
  [[gnu::noinline]] void poll(net::Instant now);
  // What was sent since.
  std::vector<test::SentFrame> take() { return wire_.take(); }
  // Lets time pass until no connection is left, TIME-WAIT included. Throws std::runtime_error when something
  // is sent, when connections stay, or when buffers are missing.
  void drain(net::Instant now);

 private:
  uint64_t connections() const;

  net::dpdk::FramePool receive_;
  net::dpdk::FramePool headers_;
  test::Wire wire_;
  net::dpdk::Clock clock_;
  std::optional<net::dpdk::Port> port_;
  std::optional<stack::Worker> worker_;
};

}  // namespace tern::bench
