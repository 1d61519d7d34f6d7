// SPDX-License-Identifier: BSD-3-Clause
// From the worker that a frame came to, to the one that has its connection.
#include "stack/steering.hpp"

namespace tern::stack {

Steering::Steering(const std::string& name, uint16_t workers, uint8_t attachments) : doorbells_(workers) {
  for (size_t i = 0; i < size_t{workers} * attachments; ++i) {
    rings_.push_back(std::make_unique<net::dpdk::FrameRing>(name + "_" + std::to_string(i), kFrames));
  }
}

bool Steering::give(uint16_t worker, uint8_t attachment, rte_mbuf* frame) {
  const auto put = ring(worker, attachment).put(frame);
  if (put == net::dpdk::FrameRing::Put::kFirst) doorbells_[worker]->ring();
  return put != net::dpdk::FrameRing::Put::kFull;
}

}  // namespace tern::stack
