// SPDX-License-Identifier: BSD-3-Clause
// A memif whose peer comes and goes while a worker polls: both ends are ports of this process.
#include "net/dpdk/rings.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <rte_mbuf.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <thread>

#include "net/dpdk/port.hpp"

namespace tern::net::dpdk {
namespace {

// Sends and receives on one port as fast as it can, on a thread of its own.
class Poller {
 public:
  Poller(Port& port, FramePool& pool) : thread_([this, &port, &pool] { poll(port, pool); }) {}
  ~Poller() {
    stop_ = true;
    thread_.join();
  }
  uint64_t sent() const { return sent_; }

 private:
  // Full bursts of full frames: the longer one lasts, the more there is to unmap under it.
  void poll(Port& port, FramePool& pool) {
    std::array<rte_mbuf*, 32> frames;
    while (!stop_) {
      for (uint32_t i = port.receive(0, frames); i-- > 0;) free_frame(frames[i]);
      uint32_t count = 0;
      for (; count < frames.size() && (frames[count] = pool.allocate_frame()) != nullptr; ++count) {
        put(frames[count], 1500);
      }
      const uint32_t taken = port.transmit(0, std::span(frames).first(count));
      for (uint32_t i = taken; i < count; ++i) free_frame(frames[i]);
      sent_ = sent_ + taken;
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> sent_{0};
  std::thread thread_;
};

class RingsTest : public testing::Test {
 protected:
  static constexpr uint32_t kCount = 4096;

  ~RingsTest() override { std::filesystem::remove_all(folder_); }

  PortOptions options(const std::string& device, const std::string& role) const {
    PortOptions o;
    o.device = device;
    o.arguments = "role=" + role + ",socket=" + folder_ + "/memif.sock,socket-abstract=no";
    o.descriptors = 64;
    return o;
  }

  // Both ends are there, and frames have gone through.
  static bool carries(const Port& port, const Poller& poller) {
    const uint64_t before = poller.sent();
    for (int i = 0; i < 10'000; ++i) {
      if (port.link_up() && poller.sent() > before) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  std::string folder_ = [] {
    std::string folder = (std::filesystem::temp_directory_path() / "tern-memif-XXXXXX").string();
    return std::string(mkdtemp(folder.data()));
  }();
  FramePool pool_{"rings", kCount, 0, 2048};
  std::array<FramePool*, 1> pools_ = {&pool_};
};

// Drivers are loaded, and call whichever munmap the dynamic linker finds first.
TEST_F(RingsTest, DriversUnmapByOurMunmap) {
  EXPECT_EQ(dlsym(RTLD_DEFAULT, "munmap"), reinterpret_cast<void*>(&munmap));
  Dl_info where;
  ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, "munmap"), &where), 0);
  EXPECT_EQ(std::string(where.dli_fname).find("libc"), std::string::npos) << where.dli_fname;
}

TEST_F(RingsTest, PeerComesAndGoesWhileItsRingsArePolled) {
  constexpr uint64_t kTimes = 10;
  Port port(options("net_memif0", "server"), pools_);
  EXPECT_EQ(port.statistics().link_losses, 0u);
  {
    const Poller poller(port, pool_);
    for (uint64_t i = 1; i <= kTimes; ++i) {
      Port peer(options("net_memif1", "client"), pools_);
      const Poller peers(peer, pool_);
      // The peer first: until it is connected, the link that is up may be the last one's.
      ASSERT_TRUE(carries(peer, peers)) << "time " << i;
      ASSERT_TRUE(carries(port, poller)) << "time " << i;
      EXPECT_EQ(port.statistics().link_losses, i - 1);
    }
  }
  EXPECT_FALSE(port.link_up());
  EXPECT_EQ(port.statistics().link_losses, kTimes);
  EXPECT_EQ(pool_.available(), kCount) << "a buffer was lost or freed twice";
}

}  // namespace
}  // namespace tern::net::dpdk
