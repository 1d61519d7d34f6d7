// SPDX-License-Identifier: BSD-3-Clause
// A DPDK port: probing, negotiation, queues; bursts in and out.
#include "net/dpdk/port.hpp"

#include <net/if.h>
#include <rte_bus_pci.h>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_pci.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <stdexcept>
#include <string_view>

#include "net/byte_order.hpp"
#include "net/checksum.hpp"
#include "net/ethernet.hpp"
#include "net/ipv4.hpp"

namespace tern::net::dpdk {

namespace {

constexpr uint32_t kLinkOverhead =
    14 + 2 * 4 + 4;  // Ethernet's header, two VLAN tags, the FCS that some devices leave
constexpr uint64_t kReceiveChecksums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;

[[noreturn]] void refuse(const std::string& device, const std::string& cause) {
  throw std::runtime_error("port " + device + ": " + cause);
}

void require(int result, const std::string& device, const std::string& step) {
  if (result < 0) refuse(device, step + ": " + rte_strerror(-result));
}

// DPDK names a PCI port by the full address, 0000:01:00.0, however it was written.
std::string full_pci_address(const rte_pci_addr& address) {
  char text[PCI_PRI_STR_SIZE];
  rte_pci_device_name(&address, text, sizeof text);
  return text;
}

// Both the spreading and its hash: net_tap says that it can spread, by means of flow rules, and reports none.
bool has_rss(const rte_eth_dev_info& info) {
  return (info.flow_type_rss_offloads & RTE_ETH_RSS_NONFRAG_IPV4_TCP) != 0 &&
         (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH) != 0;
}

// Devices whose frames the kernel spreads by a hash of addresses and ports: a tap, and a fanout of packet
// sockets.
bool kernel_spreads(std::string_view driver) { return driver == "net_tap" || driver == "net_af_packet"; }

Offloads negotiate(const rte_eth_dev_info& info, const PortOptions& options) {
  Offloads offloads;
  offloads.rss = options.queues > 1 && has_rss(info);
  if (!options.offload) return offloads;
  offloads.receive_checksum = (info.rx_offload_capa & kReceiveChecksums) == kReceiveChecksums;
  // net_tap sums each piece of a frame by itself and gets it wrong where one of odd length is not the last.
  // It does so in software anyway, so nothing is lost by doing it ourselves.
  offloads.tcp_checksum = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0 &&
                          std::string_view(info.driver_name) != "net_tap";
  offloads.multiple_segments = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
  return offloads;
}

// Never MBUF_FAST_FREE: a send queue shares the buffers that the device sends.
rte_eth_conf configuration(const Offloads& offloads, const PortOptions& options) {
  rte_eth_conf conf{};
  conf.rxmode.mtu = options.mtu;
  conf.intr_conf.rxq = options.interrupts ? 1 : 0;
  if (offloads.receive_checksum) conf.rxmode.offloads |= kReceiveChecksums;
  if (offloads.tcp_checksum) conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
  if (offloads.multiple_segments) conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  if (offloads.rss) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_RSS_HASH;
    conf.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_NONFRAG_IPV4_TCP;
  }
  return conf;
}

// net_tap's queues have descriptors that need no enabling, hence no call for it; a driver that has neither,
// such as net_memif or net_af_xdp, is not asked for descriptors, since DPDK would call that an error aloud.
bool has_interrupts(uint16_t port, const rte_eth_dev_info& info, uint16_t queues) {
  const bool always_on = std::string_view(info.driver_name) == "net_tap";
  for (uint16_t queue = 0; queue < queues; ++queue) {
    if (!always_on && rte_eth_dev_rx_intr_disable(port, queue) == -ENOTSUP) return false;
    if (rte_eth_dev_rx_intr_ctl_q_get_fd(port, queue) < 0) return false;
  }
  return true;
}

void check_limits(const rte_eth_dev_info& info, const PortOptions& options,
                  std::span<FramePool* const> pools) {
  const uint16_t queues = std::min(info.max_rx_queues, info.max_tx_queues);
  if (options.queues == 0 || options.queues > queues) {
    refuse(options.device, "it has " + std::to_string(queues) + " queues of each direction and " +
                               std::to_string(options.queues) + " workers need one each; name fewer workers");
  }
  if (options.mtu < info.min_mtu || options.mtu > info.max_mtu) {
    refuse(options.device, "an MTU of " + std::to_string(options.mtu) + " is not possible; allowed are " +
                               std::to_string(info.min_mtu) + " to " + std::to_string(info.max_mtu));
  }
  if (pools.size() < options.queues) refuse(options.device, "each queue needs a pool");
  for (FramePool* pool : pools.first(options.queues)) {
    const uint32_t room = uint32_t{rte_pktmbuf_data_room_size(pool->pool())} - RTE_PKTMBUF_HEADROOM;
    if (room >= options.mtu + kLinkOverhead) continue;
    refuse(options.device, "buffers of " + std::to_string(room) + " bytes do not hold a frame of MTU " +
                               std::to_string(options.mtu) + "; they need " +
                               std::to_string(options.mtu + kLinkOverhead));
  }
}

// The sum of a piece of a frame, which nobody reads where it is known.
ChecksumSum sum_of(const rte_mbuf* piece, uint32_t begin) {
  const uint32_t length = piece->data_len - begin;
  if (const BlockSums* known = StaticPayload::sums_of(piece))
    return known->of(piece->data_off + begin, length);
  ChecksumSum sum;
  sum.add({rte_pktmbuf_mtod_offset(piece, const uint8_t*, begin), length});
  return sum;
}

// The sum of the frame's bytes from begin on, over all its segments; begin is within the first.
void add_chain(ChecksumSum& sum, const rte_mbuf* frame, uint32_t begin) {
  bool odd = false;
  for (const rte_mbuf* segment = frame; segment != nullptr; segment = segment->next) {
    const uint32_t length = segment->data_len - begin;
    if (length != 0) sum.add(sum_of(segment, begin), odd);
    odd ^= (length & 1) != 0;
    begin = 0;
  }
}

}  // namespace

Port::Port(const PortOptions& options, std::span<FramePool* const> pools) : name_(options.device) {
  probe(options);
  try {
    if (options.interrupts && configure_with_interrupts(options, pools)) return;
    PortOptions without = options;
    without.interrupts = false;
    configure(without, pools);
  } catch (...) {
    close();
    throw;
  }
}

Port::~Port() { close(); }

void Port::probe(const PortOptions& options) {
  rte_pci_addr address;
  const bool is_pci = rte_pci_addr_parse(options.device.c_str(), &address) == 0;
  if (is_pci) name_ = full_pci_address(address);
  if (rte_eth_dev_get_port_by_name(name_.c_str(), &id_) == 0) return;
  if (is_pci) {
    refuse(options.device,
           "no such device, or none that DPDK may drive; bind it with dpdk-devbind.py -b vfio-pci");
  }
  const int error = rte_eal_hotplug_add("vdev", options.device.c_str(), options.arguments.c_str());
  if (error < 0) {
    refuse(options.device, "DPDK cannot make it from the arguments \"" + options.arguments + "\": " +
                               rte_strerror(-error) + "; the driver's message stands above (net_tap needs " +
                               "/dev/net/tun and the right CAP_NET_ADMIN)");
  }
  plugged_ = true;
  if (rte_eth_dev_get_port_by_name(name_.c_str(), &id_) == 0) return;
  rte_eal_hotplug_remove("vdev", name_.c_str());
  refuse(options.device, "the device is not a port; name an Ethernet device such as net_tap0");
}

// False where the device is to be had without interrupts only, as some are behind some kernel drivers.
bool Port::configure_with_interrupts(const PortOptions& options, std::span<FramePool* const> pools) {
  try {
    configure(options, pools);
    return true;
  } catch (const std::runtime_error&) {
    rte_eth_dev_stop(id_);
    return false;
  }
}

void Port::configure(const PortOptions& options, std::span<FramePool* const> pools) {
  rte_eth_dev_info info{};
  require(rte_eth_dev_info_get(id_, &info), name_, "asking for its abilities");
  check_limits(info, options, pools);
  offloads_ = negotiate(info, options);
  together_ = options.queues == 1 || offloads_.rss || kernel_spreads(info.driver_name);
  const rte_eth_conf conf = configuration(offloads_, options);
  require(rte_eth_dev_configure(id_, options.queues, options.queues, &conf), name_, "configuring");
  // Some devices, net_tap for one, take the MTU only here; those that cannot change it have it from the
  // configuration.
  const int error = rte_eth_dev_set_mtu(id_, options.mtu);
  if (error != -ENOTSUP) require(error, name_, "setting the MTU to " + std::to_string(options.mtu));
  mtu_ = options.mtu;

  uint16_t receive_descriptors = options.descriptors;
  uint16_t transmit_descriptors = options.descriptors;
  require(rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive_descriptors, &transmit_descriptors), name_,
          "adjusting descriptors");
  const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(id_));
  rte_eth_rxconf receive = info.default_rxconf;
  receive.offloads = conf.rxmode.offloads;
  rte_eth_txconf transmit = info.default_txconf;
  transmit.offloads = conf.txmode.offloads;
  for (uint16_t queue = 0; queue < options.queues; ++queue) {
    const std::string number = std::to_string(queue);
    require(rte_eth_rx_queue_setup(id_, queue, receive_descriptors, socket, &receive, pools[queue]->pool()),
            name_,
            "setting receive queue " + number + " up with " + std::to_string(receive_descriptors) +
                " descriptors");
    require(rte_eth_tx_queue_setup(id_, queue, transmit_descriptors, socket, &transmit), name_,
            "setting transmit queue " + number + " up with " + std::to_string(transmit_descriptors) +
                " descriptors");
  }
  if (std::string_view(info.driver_name) == "net_memif")
    rings_ = std::make_unique<Rings>(id_, options.queues);
  require(rte_eth_dev_start(id_), name_, "starting");
  interrupts_ = options.interrupts && has_interrupts(id_, info, options.queues);

  rte_ether_addr address;
  require(rte_eth_macaddr_get(id_, &address), name_, "asking for its MAC address");
  std::ranges::copy(address.addr_bytes, mac_.bytes.begin());
}

void Port::close() {
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
  rings_.reset();
  if (plugged_) rte_eal_hotplug_remove("vdev", name_.c_str());
}

uint32_t Port::receive(uint16_t queue, std::span<rte_mbuf*> frames) {
  if (rings_ != nullptr && !rings_->enter(queue)) return 0;
  const uint32_t count = rte_eth_rx_burst(id_, queue, frames.data(), static_cast<uint16_t>(frames.size()));
  if (rings_ != nullptr) rings_->leave(queue);
  return count;
}

uint32_t Port::transmit(uint16_t queue, std::span<rte_mbuf*> frames) {
  if (rings_ != nullptr && !rings_->enter(queue)) return 0;
  const uint32_t count = rte_eth_tx_burst(id_, queue, frames.data(), static_cast<uint16_t>(frames.size()));
  if (rings_ != nullptr) rings_->leave(queue);
  return count;
}

void Port::finish_tcp(rte_mbuf* frame, uint32_t l4, ChecksumSum pseudo, ChecksumSum header,
                      uint32_t text) const {
  constexpr uint32_t kL4Offset = ethernet::kHeaderLength + ipv4::kHeaderLength;
  uint8_t* const checksum = rte_pktmbuf_mtod_offset(frame, uint8_t*, kL4Offset + 16);
  if (offloads_.tcp_checksum) {
    frame->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
    frame->tx_offload = rte_mbuf_tx_offload(ethernet::kHeaderLength, ipv4::kHeaderLength, l4, 0, 0, 0, 0);
    // The device goes on from the pseudo-header's sum, which it expects not complemented.
    store_be16(checksum, static_cast<uint16_t>(~pseudo.finish()));
    return;
  }
  pseudo.add(header);
  if (text != 0) {
    pseudo.add_four(text);
  } else {
    add_chain(pseudo, frame, kL4Offset + l4);
  }
  store_be16(checksum, pseudo.finish());
}

const std::string& Port::name() const { return name_; }
uint16_t Port::id() const { return id_; }
const MacAddress& Port::mac() const { return mac_; }
uint16_t Port::mtu() const { return mtu_; }
const Offloads& Port::offloads() const { return offloads_; }
bool Port::keeps_connections_together() const { return together_; }
bool Port::interrupts() const { return interrupts_; }

bool Port::link_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

bool Port::link_known() const {
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(id_, &info) != 0 || info.if_index == 0) return true;
  std::array<char, IF_NAMESIZE> name;
  return if_indextoname(info.if_index, name.data()) != nullptr;
}

Port::Statistics Port::statistics() const {
  rte_eth_stats stats{};
  rte_eth_stats_get(id_, &stats);
  return {.received_frames = stats.ipackets,
          .received_bytes = stats.ibytes,
          .transmitted_frames = stats.opackets,
          .transmitted_bytes = stats.obytes,
          .missed = stats.imissed,
          .no_buffer = stats.rx_nombuf,
          .errors = stats.ierrors + stats.oerrors,
          .link_losses = rings_ == nullptr ? 0 : rings_->losses()};
}

}  // namespace tern::net::dpdk
