// SPDX-License-Identifier: BSD-3-Clause
// A DPDK port: opened once, offloads negotiated then, one receive and one transmit queue per worker.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "net/address.hpp"
#include "net/checksum.hpp"
#include "net/dpdk/frame.hpp"
#include "net/dpdk/rings.hpp"

namespace tern::net::dpdk {

// What the port does for us; where a field is false the stack does it in software.
struct Offloads {
  bool receive_checksum = false;   // marks frames whose IPv4 and TCP checksums hold
  bool tcp_checksum = false;       // fills in TCP's checksum
  bool multiple_segments = false;  // sends frames of several buffers
  bool rss = false;                // spreads flows over queues and reports its hash
};

struct PortOptions {
  std::string device;           // "net_tap0" or a PCI address
  std::string arguments;        // device arguments, "iface=tern0"
  uint16_t queues = 1;          // of each direction, one per worker
  uint16_t descriptors = 1024;  // of each queue; adjusted to what the device allows
  uint16_t mtu = 1500;
  bool offload = true;      // false: software does everything (for tests of the twins)
  bool interrupts = false;  // ask the device for receive interrupts, see Doorbell
};

class Port {
 public:
  // Probes the device if need be (a vdev is hot-plugged, a PCI address must be in EAL's allow-list),
  // negotiates offloads, sets queues up with pools[queue] and starts. Throws std::runtime_error naming
  // device, cause and remedy. A pool must hold a buffer for each receive descriptor besides what the stack
  // keeps, each big enough for a frame of the MTU.
  Port(const PortOptions& options, std::span<FramePool* const> pools);
  ~Port();  // stops and closes
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  // Up to frames.size() received frames; the caller owns them. Each queue is for one thread, of both
  // directions.
  uint32_t receive(uint16_t queue, std::span<rte_mbuf*> frames);
  // Sends frames in order; returns how many the device took, the rest stay the caller's.
  uint32_t transmit(uint16_t queue, std::span<rte_mbuf*> frames);

  // The last touch before transmit, of a frame without IPv4 options: fills in the TCP checksum, in the header
  // or by asking the device, as negotiated. l4: the TCP header's length. pseudo: of the pseudo-header.
  // header: of the TCP header, whose checksum field must be zero. text: of what is behind it, as PacketField
  // has it, so that nobody reads it; 0: it is read.
  void finish_tcp(rte_mbuf* frame, uint32_t l4, ChecksumSum pseudo, ChecksumSum header,
                  uint32_t text = 0) const;

  const std::string& name() const;
  uint16_t id() const;
  const MacAddress& mac() const;
  uint16_t mtu() const;
  const Offloads& offloads() const;
  // Whether the frames of a TCP connection are known to come to one queue for as long as it lasts: there is
  // but one, or RSS spreads them by their ports, or the kernel does behind the driver. Otherwise that is up
  // to the peer.
  bool keeps_connections_together() const;
  // Whether each queue has a receive interrupt, asked for and had.
  bool interrupts() const;
  bool link_up() const;
  // False where a device of the kernel's has the link, and is in another namespace: then net_tap says down
  // for good, and carries frames all the same.
  bool link_known() const;

  struct Statistics {
    uint64_t received_frames, received_bytes, transmitted_frames, transmitted_bytes;
    uint64_t missed;       // the device had no room (imissed)
    uint64_t no_buffer;    // no buffer to receive into (rx_nombuf)
    uint64_t errors;       // ierrors + oerrors
    uint64_t link_losses;  // a memif's peer left
  };
  Statistics statistics() const;

 private:
  void probe(const PortOptions& options);
  bool configure_with_interrupts(const PortOptions& options, std::span<FramePool* const> pools);
  void configure(const PortOptions& options, std::span<FramePool* const> pools);
  void close();

  std::string name_;
  uint16_t id_ = 0;
  uint16_t mtu_ = 0;
  bool plugged_ = false;  // by us, so ours to unplug
  bool interrupts_ = false;
  bool together_ = true;  // see keeps_connections_together()
  Offloads offloads_;
  MacAddress mac_;
  std::unique_ptr<Rings> rings_;  // where the peer may take them away
};

}  // namespace tern::net::dpdk
