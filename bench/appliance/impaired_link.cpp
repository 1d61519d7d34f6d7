// SPDX-License-Identifier: BSD-3-Clause
// A slow, long and lossy wire between two network interfaces, for kernels that have no netem:
//
//   impaired_link NEAR FAR RATE DELAY_MS QUEUE LOSS SEED
//
// Ethernet frames that come from NEAR leave by FAR at RATE bits per second through a drop-tail queue of QUEUE
// bytes; of those with a payload a fraction LOSS is lost, by a random source that SEED begins. What comes
// from FAR goes back at any rate, and with a RATE of 0 so does the rest, none of it lost. Both take DELAY_MS
// on their way. NEAR and FAR are "tap:NAME", a tap that is made, or "raw:NAME", a device that is there. A
// line "ready" says that both are open; SIGTERM ends it and prints what was carried and dropped.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

volatile std::sig_atomic_t ended = 0;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int open_tap(const std::string& name) {
  const int tap = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (tap < 0) fail("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  if (::ioctl(tap, TUNSETIFF, &request) != 0) fail("TUNSETIFF");
  return tap;
}

int open_raw(const std::string& name) {
  const int raw = ::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
  if (raw < 0) fail("socket");
  const int on = 1;
  if (::setsockopt(raw, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0)
    fail("PACKET_IGNORE_OUTGOING");
  const int room = 8 << 20;
  ::setsockopt(raw, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  ::setsockopt(raw, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
  if (::bind(raw, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  return raw;
}

int open_end(const std::string& end) {
  const std::string name = end.substr(end.find(':') + 1);
  return end.rfind("tap:", 0) == 0 ? open_tap(name) : open_raw(name);
}

struct Frame {
  Time due;
  std::vector<uint8_t> bytes;
};

// One direction.
struct Way {
  int from;
  int to;
  double nanoseconds_per_byte = 0;  // 0: no bottleneck
  double queue_bytes = 0;
  double loss = 0;
  Clock::duration delay{};
  Time free_at{};
  std::deque<Frame> under_way{};
  uint64_t carried = 0, overflowed = 0, lost = 0;

  void take(std::mt19937_64& random) {
    std::array<uint8_t, 65'536> buffer;
    for (;;) {
      const ssize_t size = ::read(from, buffer.data(), buffer.size());
      if (size <= 0) return;
      const Time now = Clock::now();
      Time leaves = now;
      constexpr ssize_t kBare = 100;  // no bare acknowledgment is larger
      if (nanoseconds_per_byte > 0) {
        free_at = std::max(free_at, now);
        const double waiting =
            std::chrono::duration<double, std::nano>(free_at - now).count() / nanoseconds_per_byte;
        if (waiting + static_cast<double>(size) > queue_bytes) {
          ++overflowed;
          continue;
        }
        if (size > kBare && std::uniform_real_distribution<>()(random) < loss) {
          ++lost;
          continue;
        }
        free_at +=
            std::chrono::nanoseconds(static_cast<int64_t>(static_cast<double>(size) * nanoseconds_per_byte));
        leaves = free_at;
      }
      under_way.push_back({leaves + delay, {buffer.begin(), buffer.begin() + size}});
    }
  }

  void give() {
    for (; !under_way.empty() && under_way.front().due <= Clock::now(); under_way.pop_front()) {
      const std::vector<uint8_t>& bytes = under_way.front().bytes;
      if (::write(to, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) ++carried;
    }
  }
};

void carry(std::array<Way, 2>& ways, std::mt19937_64& random) {
  std::array<pollfd, 2> ends{pollfd{ways[0].from, POLLIN, 0}, pollfd{ways[1].from, POLLIN, 0}};
  while (ended == 0) {
    Time next = Clock::now() + std::chrono::milliseconds(100);
    for (const Way& way : ways) {
      if (!way.under_way.empty()) next = std::min(next, way.under_way.front().due);
    }
    const auto wait = std::max(Clock::duration{0}, next - Clock::now());
    const timespec timeout{0, std::chrono::duration_cast<std::chrono::nanoseconds>(wait).count()};
    ::ppoll(ends.data(), ends.size(), &timeout, nullptr);
    for (Way& way : ways) {
      way.give();
      way.take(random);
    }
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 8) {
    std::fprintf(stderr, "usage: impaired_link NEAR FAR RATE DELAY_MS QUEUE LOSS SEED\n");
    return 2;
  }
  const int near_end = open_end(words[1]), far_end = open_end(words[2]);
  const double rate = std::strtod(words[3], nullptr);
  const auto delay = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double, std::milli>(std::strtod(words[4], nullptr)));
  std::array<Way, 2> ways{Way{near_end, far_end}, Way{far_end, near_end}};
  if (rate > 0) ways[0].nanoseconds_per_byte = 8e9 / rate;
  ways[0].queue_bytes = std::strtod(words[5], nullptr);
  ways[0].loss = std::strtod(words[6], nullptr);
  ways[0].delay = ways[1].delay = delay;
  std::mt19937_64 random(std::strtoull(words[7], nullptr, 10));
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  std::signal(SIGTERM, [](int) { ended = 1; });
  std::signal(SIGINT, [](int) { ended = 1; });
  std::printf("ready\n");
  std::fflush(stdout);
  carry(ways, random);
  std::printf("carried %lu back %lu overflowed %lu lost %lu\n", static_cast<unsigned long>(ways[0].carried),
              static_cast<unsigned long>(ways[1].carried), static_cast<unsigned long>(ways[0].overflowed),
              static_cast<unsigned long>(ways[0].lost));
  return 0;
}
