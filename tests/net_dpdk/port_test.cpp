// SPDX-License-Identifier: BSD-3-Clause
// Ports over DPDK's virtual devices: a ring that returns what is sent, and a tap whose other side is the
// kernel.
#include "net/dpdk/port.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <vector>

#include "environment.hpp"
#include "net/byte_order.hpp"

namespace tern::net::dpdk {
namespace {

using testing::HasSubstr;
using Bytes = std::vector<uint8_t>;

constexpr uint32_t kL2 = 14, kL3 = 20, kL4 = 20;

// An Ethernet, IPv4 and TCP header for a text of the given length, TCP's checksum zero. RFC 791, RFC 9293.
Bytes headers(size_t text_length) {
  Bytes h(kL2 + kL3 + kL4);
  const Bytes macs = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  std::ranges::copy(macs, h.begin());
  store_be16(&h[12], 0x0800);
  uint8_t* ip = &h[kL2];
  ip[0] = 0x45;
  store_be16(ip + 2, static_cast<uint16_t>(kL3 + kL4 + text_length));
  ip[8] = 64;
  ip[9] = 6;
  store_be32(ip + 12, 0xc0000202);
  store_be32(ip + 16, 0xc0000201);
  store_be16(ip + 10, checksum({ip, kL3}));
  uint8_t* tcp = ip + kL3;
  store_be16(tcp, 80);
  store_be16(tcp + 2, 40'000);
  store_be32(tcp + 4, 0xdeadbeef);
  tcp[12] = 5 << 4;
  tcp[13] = 0x10;
  store_be16(tcp + 14, 0xffff);
  return h;
}

// The checksum of RFC 1071 in its plainest form, word by word, over bytes that lie in one piece.
uint16_t plain_checksum(const Bytes& bytes, size_t begin, size_t end, uint32_t sum = 0) {
  for (size_t i = begin; i < end; i += 2) {
    sum += static_cast<uint32_t>(bytes[i] << 8) + (i + 1 < end ? bytes[i + 1] : 0u);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// Whether both checksums of a whole TCP frame hold: with the stored one summed up too, zero is left.
bool ipv4_checksum_holds(const Bytes& frame) { return plain_checksum(frame, kL2, kL2 + kL3) == 0; }
uint32_t pseudo_header_sum(const Bytes& frame) {
  uint32_t sum = 6 + static_cast<uint32_t>(frame.size() - kL2 - kL3);
  for (size_t i = kL2 + 12; i < kL2 + kL3; i += 2) sum += load_be16(&frame[i]);
  return sum;
}
bool tcp_checksum_holds(const Bytes& frame) {
  return plain_checksum(frame, kL2 + kL3, frame.size(), pseudo_header_sum(frame)) == 0;
}

Bytes flatten(const rte_mbuf* frame) {
  Bytes bytes;
  for (const rte_mbuf* s = frame; s != nullptr; s = s->next) {
    const auto* data = rte_pktmbuf_mtod(s, const uint8_t*);
    bytes.insert(bytes.end(), data, data + s->data_len);
  }
  return bytes;
}

// As egress has it, for one of the frames below.
void finish(const Port& port, rte_mbuf* frame) {
  const std::span bytes(rte_pktmbuf_mtod(frame, uint8_t*), frame->data_len);
  ChecksumSum header;
  header.add(bytes.subspan(kL2 + kL3, kL4));
  const auto length = static_cast<uint16_t>(frame->pkt_len - kL2 - kL3);
  port.finish_tcp(frame, kL4,
                  pseudo_header({load_be32(&bytes[kL2 + 12])}, {load_be32(&bytes[kL2 + 16])}, 6, length),
                  header);
}

class PortTest : public testing::Test {
 protected:
  static constexpr uint32_t kCount = 512;

  void TearDown() override { EXPECT_EQ(pool_.available(), kCount) << "a buffer was lost or freed twice"; }

  static PortOptions options(const std::string& device, const std::string& arguments = "") {
    PortOptions o;
    o.device = device;
    o.arguments = arguments;
    o.descriptors = 64;
    return o;
  }

  // A TCP frame whose text is in pieces of the given lengths: the first behind the headers, each other one
  // attached.
  rte_mbuf* chain(const std::vector<uint32_t>& lengths) {
    uint32_t total = 0;
    for (const uint32_t length : lengths) total += length;
    const Bytes front = headers(total);
    rte_mbuf* frame = pool_.allocate_frame();
    std::memcpy(put(frame, static_cast<uint32_t>(front.size())), front.data(), front.size());
    for (size_t i = 0; i < lengths.size(); ++i) {
      Bytes piece(lengths[i]);
      piece.reserve(1);  // an empty piece has an address too
      for (uint8_t& byte : piece) byte = static_cast<uint8_t>(seed_ = seed_ * 1'664'525 + 1'013'904'223);
      if (i == 0) {
        std::memcpy(put(frame, lengths[0]), piece.data(), piece.size());
      } else {
        Packet packet = pool_.allocate_packet();
        packet.append(piece.data(), lengths[i]);
        EXPECT_TRUE(attach(frame, pool_, packet.buffer(), 0, lengths[i]));
      }
    }
    return frame;
  }

  FramePool pool_{"port", kCount, 0, 2048};
  std::array<FramePool*, 4> pools_ = {&pool_, &pool_, &pool_, &pool_};
  uint32_t seed_ = 1;
};

TEST_F(PortTest, RingReturnsWhatIsSentInOrder) {
  Port port(options("net_ring0"), pools_);
  EXPECT_EQ(port.name(), "net_ring0");
  EXPECT_EQ(port.mtu(), 1500);
  EXPECT_TRUE(port.link_up());
  EXPECT_TRUE(port.offloads().multiple_segments);
  EXPECT_FALSE(port.offloads().tcp_checksum);
  std::array<rte_mbuf*, 5> sent;
  for (uint8_t i = 0; i < 5; ++i) *put(sent[i] = pool_.allocate_frame(), 1) = i;
  ASSERT_EQ(port.transmit(0, sent), 5u);
  std::array<rte_mbuf*, 8> received;
  ASSERT_EQ(port.receive(0, received), 5u);
  for (uint8_t i = 0; i < 5; ++i) {
    EXPECT_EQ(frame_bytes(received[i])[0], i);
    free_frame(received[i]);
  }
  EXPECT_EQ(port.receive(0, received), 0u);
  const auto statistics = port.statistics();
  EXPECT_EQ(statistics.received_frames, 5u);
  EXPECT_EQ(statistics.transmitted_frames, 5u);
  EXPECT_EQ(statistics.errors, 0u);
}

TEST_F(PortTest, FramesThatTheDeviceDoesNotTakeStayTheCallers) {
  Port port(options("net_ring0"), pools_);
  std::vector<rte_mbuf*> frames(kCount);
  FramePool more("more", 2'048, 0, 128);
  std::vector<rte_mbuf*> sent;
  for (uint32_t i = 0; i < 2'048; ++i) sent.push_back(more.allocate_frame());
  const uint32_t taken = port.transmit(0, sent);  // a ring of net_ring holds 1,023
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, 2'048u);
  for (size_t i = taken; i < sent.size(); ++i) free_frame(sent[i]);
  uint32_t received = 0;
  while (const uint32_t n = port.receive(0, frames)) {
    for (uint32_t i = 0; i < n; ++i) free_frame(frames[i]);
    received += n;
  }
  EXPECT_EQ(received, taken);
  EXPECT_EQ(more.available(), 2'048u);
}

TEST_F(PortTest, EachQueueIsApart) {
  PortOptions two = options("net_ring0");
  two.queues = 2;
  Port port(two, pools_);
  EXPECT_FALSE(port.offloads().rss);
  EXPECT_FALSE(port.keeps_connections_together()) << "who writes into the rings chooses one";
  std::array<rte_mbuf*, 1> sent = {pool_.allocate_frame()};
  ASSERT_EQ(port.transmit(1, sent), 1u);
  std::array<rte_mbuf*, 4> received;
  EXPECT_EQ(port.receive(0, received), 0u);
  ASSERT_EQ(port.receive(1, received), 1u);
  free_frame(received[0]);
}

TEST_F(PortTest, OneQueueKeepsConnectionsTogether) {
  EXPECT_TRUE(Port(options("net_ring0"), pools_).keeps_connections_together());
}

TEST_F(PortTest, ClosedDeviceIsGoneAndMayBeOpenedAgain) {
  for (int i = 0; i < 3; ++i) {
    Port port(options("net_null0", "size=64"), pools_);
    uint16_t id = 0;
    EXPECT_EQ(rte_eth_dev_get_port_by_name("net_null0", &id), 0);
    EXPECT_EQ(id, port.id());
  }
  uint16_t id = 0;
  EXPECT_NE(rte_eth_dev_get_port_by_name("net_null0", &id), 0);
}

TEST_F(PortTest, RefusalsNameDeviceAndCause) {
  const auto refusal = [&](const PortOptions& o) -> std::string {
    try {
      const Port port(o, pools_);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal(options("net_nonsense0")), HasSubstr("net_nonsense0"));
  EXPECT_THAT(refusal(options("0000:7f:1f.7")), HasSubstr("vfio-pci"));
  EXPECT_THAT(refusal(options("net_null0", "nonsense=1")), HasSubstr("nonsense=1"));
  PortOptions wide = options("net_null0");
  wide.mtu = 9'000;
  EXPECT_THAT(refusal(wide), HasSubstr("9000"));
  PortOptions many = options("net_ring0");
  many.queues = 1'000;
  EXPECT_THAT(refusal(many), HasSubstr("1000 workers"));
  PortOptions none = options("net_ring0");
  none.queues = 0;
  EXPECT_THAT(refusal(none), HasSubstr("0 workers"));
  uint16_t id = 0;
  EXPECT_NE(rte_eth_dev_get_port_by_name("net_null0", &id), 0) << "a refused device stays behind";
}

TEST_F(PortTest, SoftwareChecksumsHoldForChainsWithOddPieces) {
  Port port(options("net_ring0"), pools_);
  const std::vector<std::vector<uint32_t>> shapes = {
      {0},       {1},       {2},           {1'400},      {0, 100},         {0, 101},        {1, 100},
      {1, 1},    {3, 3, 3}, {7, 0, 7},     {0, 1, 1, 1}, {101, 201, 301},  {100, 201, 302}, {5, 4, 3, 2, 1},
      {1, 2, 1}, {2, 1, 2}, {0, 999, 400}, {0, 0, 1, 2}, {33, 1, 1, 1, 64}};
  for (const auto& shape : shapes) {
    rte_mbuf* frame = chain(shape);
    finish(port, frame);
    const Bytes bytes = flatten(frame);
    EXPECT_TRUE(ipv4_checksum_holds(bytes)) << testing::PrintToString(shape);
    EXPECT_TRUE(tcp_checksum_holds(bytes)) << testing::PrintToString(shape);
    EXPECT_EQ(frame->ol_flags, 0u);
    free_frame(frame);
  }
}

TEST_F(PortTest, SoftwareChecksumsHoldForPartsOfStaticPayloads) {
  Port port(options("net_ring0"), pools_);
  Bytes bytes(3'000);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(seed_ = seed_ * 1'664'525 + 1'013'904'223);
  StaticPayload payload(bytes);
  for (const uint32_t first : {0u, 1u, 101u}) {
    for (const uint32_t offset : {0u, 1u, 63u, 500u}) {
      rte_mbuf* frame = chain({first});
      for (const uint32_t length : {1'001u, 200u}) {
        const Packet slice = payload.slice(pool_, offset, 1'500);
        ASSERT_TRUE(attach(frame, pool_, slice.buffer(), 7, length));
      }
      store_be16(rte_pktmbuf_mtod_offset(frame, uint8_t*, kL2 + 2),
                 static_cast<uint16_t>(frame->pkt_len - kL2));
      finish(port, frame);
      EXPECT_TRUE(tcp_checksum_holds(flatten(frame))) << first << " " << offset;
      free_frame(frame);
    }
  }
}

// --- The tap: the driver's offloads, seen from the kernel's side
// ----------------------------------------------------

// A raw socket on the kernel's side of the tap.
class KernelSide {
 public:
  explicit KernelSide(const char* interface) : socket_(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP))) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_IP);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (bind(socket_, generic, sizeof address) != 0) throw std::runtime_error("bind failed");
    const timeval patience = {.tv_sec = 5, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~KernelSide() { ::close(socket_); }
  KernelSide(const KernelSide&) = delete;
  KernelSide& operator=(const KernelSide&) = delete;

  Bytes receive() const {
    Bytes bytes(65'536);
    const ssize_t length = recv(socket_, bytes.data(), bytes.size(), 0);
    bytes.resize(length < 0 ? 0 : static_cast<size_t>(length));
    return bytes;
  }
  void send(const Bytes& bytes) const {
    ASSERT_EQ(::send(socket_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }

 private:
  int socket_;
};

class TapTest : public PortTest {
 protected:
  // A tap takes rights that a developer may lack; scripts/test, and so CI, runs as root, and the system tests
  // fail there where taps are not to be had.
  void SetUp() override {
    if (!test::has_own_network() || access("/dev/net/tun", R_OK | W_OK) != 0) {
      GTEST_SKIP() << "needs root and /dev/net/tun";
    }
  }

  // The next IPv4 frame; the kernel sends others of its own accord.
  static rte_mbuf* receive_ipv4(Port& port) {
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (std::chrono::steady_clock::now() < patience) {
      rte_mbuf* frame = nullptr;
      if (port.receive(0, {&frame, 1}) == 0) continue;
      const auto bytes = frame_bytes(frame);
      if (bytes.size() >= kL2 && load_be16(&bytes[12]) == 0x0800) return frame;
      free_frame(frame);
    }
    return nullptr;
  }
};

TEST_F(TapTest, ChecksumsAndPiecesOfSentFramesHoldAtTheKernel) {
  for (const bool offload : {true, false}) {
    PortOptions tap = options("net_tap0", "iface=terntest0");
    tap.offload = offload;
    Port port(tap, pools_);
    EXPECT_EQ(port.offloads().receive_checksum, offload);
    EXPECT_EQ(port.offloads().multiple_segments, offload);
    EXPECT_FALSE(port.offloads().tcp_checksum);  // net_tap's errs on odd pieces
    const KernelSide kernel("terntest0");
    for (const auto& shape : std::vector<std::vector<uint32_t>>{{0},
                                                                {1},
                                                                {1'400},
                                                                {0, 100},
                                                                {0, 101},
                                                                {0, 101, 100},
                                                                {1, 1, 1},
                                                                {100, 99, 98},
                                                                {0, 333, 333, 333}}) {
      rte_mbuf* frame = chain(shape);
      const Bytes before = flatten(frame);
      finish(port, frame);
      ASSERT_EQ(port.transmit(0, {&frame, 1}), 1u);
      const Bytes bytes = kernel.receive();
      ASSERT_EQ(bytes.size(), before.size());
      EXPECT_TRUE(std::equal(before.begin() + 54, before.end(), bytes.begin() + 54));
      EXPECT_TRUE(ipv4_checksum_holds(bytes)) << offload << testing::PrintToString(shape);
      EXPECT_TRUE(tcp_checksum_holds(bytes)) << offload << testing::PrintToString(shape);
    }
  }
}

// net_failsafe passes frames and offloads on to a tap under its own name, and a tap is right where all pieces
// are even.
TEST_F(TapTest, TcpChecksumIsTheDevicesWhereItHasOne) {
  Port port(options("net_failsafe0", "dev(net_tap1,iface=terntest1)"), pools_);
  ASSERT_TRUE(port.offloads().tcp_checksum);
  const KernelSide kernel("terntest1");
  for (const auto& shape : std::vector<std::vector<uint32_t>>{{0}, {1}, {1'400}, {0, 100, 101}, {2, 2, 2}}) {
    rte_mbuf* frame = chain(shape);
    finish(port, frame);
    const Bytes asked = flatten(frame);
    EXPECT_FALSE(tcp_checksum_holds(asked));  // the device's to fill in, from the pseudo-header's sum on
    EXPECT_EQ(load_be16(&asked[kL2 + kL3 + 16]), 0xffff - plain_checksum({}, 0, 0, pseudo_header_sum(asked)));
    ASSERT_EQ(port.transmit(0, {&frame, 1}), 1u);
    const Bytes bytes = kernel.receive();
    EXPECT_TRUE(ipv4_checksum_holds(bytes)) << testing::PrintToString(shape);
    EXPECT_TRUE(tcp_checksum_holds(bytes)) << testing::PrintToString(shape);
  }
}

TEST_F(TapTest, ReceivedChecksumsAreVerifiedOnlyWhereTheyHold) {
  Port port(options("net_tap0", "iface=terntest0"), pools_);
  ASSERT_TRUE(port.offloads().receive_checksum);
  const KernelSide kernel("terntest0");
  rte_mbuf* frame = chain({101});
  const Port software(options("net_ring0"), pools_);
  finish(software, frame);
  const Bytes good = flatten(frame);
  free_frame(frame);

  const auto verified = [&](const Bytes& bytes) {
    kernel.send(bytes);
    rte_mbuf* received = receive_ipv4(port);
    if (received == nullptr) throw std::runtime_error("nothing came");
    EXPECT_EQ(flatten(received), bytes);
    const Verified v = verified_by_port(received);
    free_frame(received);
    return std::pair(v.ipv4_checksum, v.l4_checksum);
  };
  EXPECT_EQ(verified(good), std::pair(true, true));
  Bytes bad_text = good;
  bad_text.back() ^= 1;
  EXPECT_EQ(verified(bad_text), std::pair(true, false));
  Bytes bad_header = good;
  bad_header[kL2 + 8] ^= 1;
  EXPECT_FALSE(verified(bad_header).first);
}

TEST_F(TapTest, TheKernelKeepsConnectionsTogether) {
  PortOptions two = options("net_tap0", "iface=terntest0");
  two.queues = 2;
  const Port port(two, pools_);
  EXPECT_FALSE(port.offloads().rss);
  EXPECT_TRUE(port.keeps_connections_together());
}

TEST_F(TapTest, MtuReachesTheKernel) {
  PortOptions tap = options("net_tap0", "iface=terntest0");
  tap.mtu = 1'400;
  const Port port(tap, pools_);
  const int any = socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "terntest0");
  ASSERT_EQ(ioctl(any, SIOCGIFMTU, &request), 0);
  ::close(any);
  EXPECT_EQ(request.ifr_mtu, 1'400);
  EXPECT_EQ(port.mtu(), 1'400);
}

TEST_F(TapTest, TapIsGoneWithThePort) {
  { const Port port(options("net_tap0", "iface=terntest0"), pools_); }
  EXPECT_EQ(if_nametoindex("terntest0"), 0u);
}

}  // namespace
}  // namespace tern::net::dpdk
