// SPDX-License-Identifier: BSD-3-Clause
// Frames from several threads to one, and who of those that put them is to wake it.
#include "net/dpdk/frame_ring.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>

#include "net/dpdk/frame.hpp"

namespace tern::net::dpdk {
namespace {

using Put = FrameRing::Put;

class FrameRingTest : public testing::Test {
 protected:
  static constexpr uint32_t kFrames = 7;
  uint32_t take(uint32_t most) {
    std::array<rte_mbuf*, kFrames> frames;
    const uint32_t count = ring_.take(std::span(frames).first(most));
    for (uint32_t i = 0; i < count; ++i) free_frame(frames[i]);
    return count;
  }

  FramePool pool_{"frame_ring_test", 63, 0, 128};
  FrameRing ring_{"frame_ring_test", kFrames};
};

TEST_F(FrameRingTest, TheFirstSinceTheLastLookWakes) {
  EXPECT_EQ(ring_.put(pool_.allocate_frame()), Put::kFirst);
  EXPECT_EQ(ring_.put(pool_.allocate_frame()), Put::kBehind);
  EXPECT_EQ(take(1), 1u);
  EXPECT_EQ(ring_.put(pool_.allocate_frame()), Put::kFirst);  // who looks, may look away with one left
  EXPECT_EQ(take(kFrames), 2u);
  EXPECT_EQ(take(kFrames), 0u);
  EXPECT_EQ(ring_.put(pool_.allocate_frame()), Put::kFirst);
}

TEST_F(FrameRingTest, WhatFindsNoRoomStaysWithWhoeverPutIt) {
  for (uint32_t i = 0; i < kFrames; ++i) EXPECT_NE(ring_.put(pool_.allocate_frame()), Put::kFull);
  rte_mbuf* const more = pool_.allocate_frame();
  EXPECT_EQ(ring_.put(more), Put::kFull);
  free_frame(more);
  EXPECT_EQ(take(kFrames), kFrames);
}

}  // namespace
}  // namespace tern::net::dpdk
