// SPDX-License-Identifier: BSD-3-Clause
// Sleeping on receive interrupts: EAL's epoll for the queues, an eventfd for other threads, ppoll over both
// for its nanoseconds.
#include "net/dpdk/doorbell.hpp"

#include <poll.h>
#include <rte_epoll.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace tern::net::dpdk {

namespace {

int require(int descriptor, const char* what) {
  if (descriptor >= 0) return descriptor;
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Doorbell::Doorbell()
    : interrupts_(require(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      rung_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (rung_ >= 0) return;
  const int error = errno;
  ::close(interrupts_);
  throw std::system_error(error, std::generic_category(), "eventfd");
}

Doorbell::~Doorbell() {
  for (const Queue& queue : queues_) {
    rte_eth_dev_rx_intr_ctl_q(queue.port, queue.number, interrupts_, RTE_INTR_EVENT_DEL, nullptr);
  }
  ::close(interrupts_);
  ::close(rung_);
}

void Doorbell::add(const Port& port, uint16_t queue) {
  const bool rings = port.interrupts() && rte_eth_dev_rx_intr_ctl_q(port.id(), queue, interrupts_,
                                                                    RTE_INTR_EVENT_ADD, nullptr) == 0;
  if (rings) queues_.push_back({port.id(), queue});
  hears_all_ = hears_all_ && rings;
}

// Some drivers have nothing to arm: net_tap's descriptors always tell. Hence no look at the results.
void Doorbell::arm() {
  for (const Queue& queue : queues_) rte_eth_dev_rx_intr_enable(queue.port, queue.number);
}

void Doorbell::disarm() {
  for (const Queue& queue : queues_) rte_eth_dev_rx_intr_disable(queue.port, queue.number);
}

bool Doorbell::sleep(Duration longest) {
  std::array<pollfd, 2> sources{{{rung_, POLLIN, 0}, {interrupts_, POLLIN, 0}}};
  constexpr int64_t kSecond = 1'000'000'000;
  const timespec limit{.tv_sec = longest.count() / kSecond, .tv_nsec = longest.count() % kSecond};
  const int ready = ppoll(sources.data(), queues_.empty() ? 1 : 2, &limit, nullptr);
  if (ready == 0) return false;
  if (sources[0].revents != 0) {
    uint64_t rings;
    [[maybe_unused]] const auto size = ::read(rung_, &rings, sizeof rings);
  }
  if (sources[1].revents != 0) {
    // EAL does what the kind of descriptor needs, so that it can ring again.
    std::array<rte_epoll_event, 32> events;
    rte_epoll_wait(interrupts_, events.data(), events.size(), 0);
  }
  return true;  // a signal, by which net_tap tells of frames, counts as ringing
}

void Doorbell::ring() {
  constexpr uint64_t kOnce = 1;
  [[maybe_unused]] const auto size =
      ::write(rung_, &kOnce, sizeof kOnce);  // fails only where it rings already
}

}  // namespace tern::net::dpdk
