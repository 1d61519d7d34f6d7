// SPDX-License-Identifier: BSD-3-Clause
// How long tern takes to answer the first packet after a pause: sends an ARP request, polls for the reply,
// and pauses again. bench/appliance/idle runs it.
//   first_packet DEVICE ARGUMENTS OUR_ADDRESS ITS_ADDRESS COUNT [EAL ARGUMENT...]
// Prints COUNT round trips in nanoseconds, one a line, in the order in which they were made; "lost" where no
// reply came within a second.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <string>
#include <thread>

#include "net/arp.hpp"
#include "net/byte_order.hpp"
#include "net/dpdk/clock.hpp"
#include "net/dpdk/eal.hpp"
#include "net/dpdk/frame.hpp"
#include "net/dpdk/port.hpp"

namespace {

using namespace tern::net;
using namespace std::chrono_literals;

constexpr uint16_t kEtherTypeArp = 0x0806;
constexpr uint16_t kReply = 2;

class Asker {
 public:
  Asker(const std::string& device, const std::string& arguments, Ipv4Address ours, Ipv4Address its)
      : ours_(ours), its_(its) {
    dpdk::PortOptions options;
    options.device = device;
    options.arguments = arguments;
    options.descriptors = 256;
    std::array<dpdk::FramePool*, 1> pools = {&pool_};
    port_ = std::make_unique<dpdk::Port>(options, pools);
  }

  // The time from a request to its reply; zero when none came within a second.
  Duration ask() {
    rte_mbuf* request = pool_.allocate_frame();
    write_arp_request(ArpFrame(dpdk::put(request, kArpFrameLength), kArpFrameLength), port_->mac(), ours_,
                      its_);
    const Instant start = clock_.now();
    if (port_->transmit(0, {&request, 1}) == 0) dpdk::free_frame(request);
    for (;;) {
      const bool answered = hears_reply();
      const Duration passed = clock_.now() - start;
      if (answered) return passed;
      if (passed > 1s) return 0ns;
    }
  }

 private:
  bool hears_reply() {
    std::array<rte_mbuf*, 32> frames;
    bool found = false;
    const uint32_t count = port_->receive(0, frames);
    for (uint32_t i = 0; i < count; ++i) {
      const auto bytes = dpdk::frame_bytes(frames[i]);
      found = found || (bytes.size() >= kArpFrameLength && load_be16(&bytes[12]) == kEtherTypeArp &&
                        load_be16(&bytes[20]) == kReply);
      dpdk::free_frame(frames[i]);
    }
    return found;
  }

  Ipv4Address ours_, its_;
  dpdk::Clock clock_;
  dpdk::FramePool pool_{"first_packet", 1023, 0, 2048};
  std::unique_ptr<dpdk::Port> port_;
};

int run(int argc, char** argv) {
  if (argc < 6) return std::fputs("see the head of first_packet.cpp for its arguments\n", stderr), 2;
  const auto ours = parse_ipv4(argv[3]);
  const auto its = parse_ipv4(argv[4]);
  if (!ours || !its) return std::fputs("not an address\n", stderr), 2;
  dpdk::EalOptions eal_options;
  eal_options.program = argv[0];
  eal_options.arguments.assign(argv + 6, argv + argc);
  const dpdk::Eal eal(eal_options);
  Asker asker(argv[1], argv[2], *ours, *its);
  for (int i = 0; i < 50 && asker.ask() == 0ns; ++i) {
  }  // until the wire is up
  std::minstd_rand random(1);
  std::uniform_int_distribution<int> pause(2'000, 30'000);
  for (int i = std::atoi(argv[5]); i > 0; --i) {
    std::this_thread::sleep_for(std::chrono::microseconds(pause(random)));
    const Duration taken = asker.ask();
    taken == 0ns ? std::puts("lost") : std::printf("%lld\n", static_cast<long long>(taken.count()));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "first_packet: %s\n", error.what());
  }
  return 1;
}
