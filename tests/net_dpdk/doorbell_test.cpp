// SPDX-License-Identifier: BSD-3-Clause
// What ends a worker's sleep. No test waits for a time: a sleep of an hour must be ended by what it tests.
#include "net/dpdk/doorbell.hpp"

#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "environment.hpp"
#include "net/dpdk/frame.hpp"

namespace tern::net::dpdk {
namespace {

using namespace std::chrono_literals;

// Ethernet's type for experiments: nobody else sends such frames.
constexpr uint16_t kExperiment = 0x88b5;

// Sends a frame of our kind from the kernel's side of a tap.
bool send_frame(const char* interface) {
  const int sender = socket(AF_PACKET, SOCK_RAW, 0);
  std::array<uint8_t, 60> bytes{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, kExperiment >> 8, kExperiment & 0xff};
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const ssize_t sent = sendto(sender, bytes.data(), bytes.size(), 0, generic, sizeof address);
  ::close(sender);
  return sent == static_cast<ssize_t>(bytes.size());
}

class DoorbellTest : public testing::Test {
 protected:
  static PortOptions options(const std::string& device, const std::string& arguments) {
    PortOptions o;
    o.device = device;
    o.arguments = arguments;
    o.descriptors = 64;
    o.interrupts = true;
    return o;
  }

  // Sleeps until a frame of our kind is there; the kernel sends others of its own accord.
  void sleep_until_frame(Doorbell& doorbell, Port& port) {
    for (bool found = false; !found;) {
      doorbell.arm();
      std::array<rte_mbuf*, 32> frames;
      while (const uint32_t count = port.receive(0, frames)) {
        for (uint32_t i = 0; i < count; ++i) {
          const auto bytes = frame_bytes(frames[i]);
          found = found || (bytes[12] == kExperiment >> 8 && bytes[13] == (kExperiment & 0xff));
          free_frame(frames[i]);
        }
      }
      // The driver learns of a frame by a signal, which may come after the descriptor's own word: hence a
      // bound, as a worker has it.
      if (!found) doorbell.sleep(10ms);
      doorbell.disarm();
    }
  }

  FramePool pool_{"doorbell", 512, 0, 2048};
  std::array<FramePool*, 1> pools_ = {&pool_};
};

TEST_F(DoorbellTest, SleepsNoLongerThanItIsTold) {
  Doorbell doorbell;
  EXPECT_FALSE(doorbell.sleep(1us));
  EXPECT_FALSE(doorbell.sleep(0ns));
}

TEST_F(DoorbellTest, ARingBeforeTheSleepIsNotLostAndCountsOnce) {
  Doorbell doorbell;
  doorbell.ring();
  doorbell.ring();
  EXPECT_TRUE(doorbell.sleep(1h));
  EXPECT_FALSE(doorbell.sleep(1us));
}

TEST_F(DoorbellTest, AnotherThreadsRingEndsTheSleep) {
  Doorbell doorbell;
  std::thread other([&] { doorbell.ring(); });
  EXPECT_TRUE(doorbell.sleep(1h));
  other.join();
}

TEST_F(DoorbellTest, APortWithoutInterruptsIsNotHeard) {
  const Port port(options("net_ring0", ""), pools_);
  EXPECT_FALSE(port.interrupts());
  Doorbell doorbell;
  EXPECT_TRUE(doorbell.hears_all());
  doorbell.add(port, 0);
  EXPECT_FALSE(doorbell.hears_all());
  doorbell.ring();
  EXPECT_TRUE(doorbell.sleep(1h));
}

class DoorbellTapTest : public DoorbellTest {
 protected:
  // A tap takes rights that a developer may lack; scripts/test, and so CI, runs as root, and the system tests
  // fail there where taps are not to be had.
  void SetUp() override {
    if (!test::has_own_network() || access("/dev/net/tun", R_OK | W_OK) != 0) {
      GTEST_SKIP() << "needs root and /dev/net/tun";
    }
  }
};

TEST_F(DoorbellTapTest, InterruptsAreOnlyHadWhereAskedFor) {
  PortOptions silent = options("net_tap0", "iface=terntest0");
  silent.interrupts = false;
  const Port port(silent, pools_);
  EXPECT_FALSE(port.interrupts());
}

TEST_F(DoorbellTapTest, AFrameEndsTheSleepAgainAndAgain) {
  Port port(options("net_tap0", "iface=terntest0"), pools_);
  ASSERT_TRUE(port.interrupts());
  Doorbell doorbell;
  doorbell.add(port, 0);
  ASSERT_TRUE(doorbell.hears_all());
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(send_frame("terntest0"));
    EXPECT_TRUE(doorbell.sleep(1h));  // an edge that was there before the sleep
    sleep_until_frame(doorbell, port);
  }
}

TEST_F(DoorbellTapTest, AFrameThatComesDuringTheSleepEndsIt) {
  Port port(options("net_tap0", "iface=terntest0"), pools_);
  Doorbell doorbell;
  doorbell.add(port, 0);
  std::thread other([] { EXPECT_TRUE(send_frame("terntest0")); });
  doorbell.arm();
  EXPECT_TRUE(doorbell.sleep(1h));
  doorbell.disarm();
  sleep_until_frame(doorbell, port);
  other.join();
}

TEST_F(DoorbellTapTest, ItMayGoBeforeItsPort) {
  const Port port(options("net_tap0", "iface=terntest0"), pools_);
  {
    Doorbell doorbell;
    doorbell.add(port, 0);
  }
  Doorbell another;
  another.add(port, 0);
  EXPECT_TRUE(another.hears_all());
}

}  // namespace
}  // namespace tern::net::dpdk
