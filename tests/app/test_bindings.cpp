// SPDX-License-Identifier: BSD-3-Clause
// What a worker is given to serve: each service with what it accepts and opens by, each pool's checks.
#include "tern/bindings.hpp"

#include <gtest/gtest.h>

#include "config_support.hpp"

namespace tern::app {
namespace {

TEST(Bindings, OpenConnectionsToBackendsByTheirPoolsSettings) {
  const LoadedConfig loaded =
      parse(balanced("congestion = \"bbr\"\ncheck = \"none\"\n", {}, "congestion = \"newreno\"\n"));
  ASSERT_TRUE(loaded.config) << lines(loaded.errors);
  Balancing balancing;
  const std::vector<stack::Binding> bindings = make_bindings(*loaded.config, {}, {}, balancing);
  ASSERT_EQ(bindings.size(), 2u);
  EXPECT_EQ(bindings[0].config.congestion, tcp::Congestion::kNewReno);
  ASSERT_TRUE(bindings[0].outgoing);
  EXPECT_EQ(bindings[0].outgoing->congestion, tcp::Congestion::kBbr);
  EXPECT_TRUE(bindings[0].outgoing->reuse_time_wait) << "they are many to few addresses";
  EXPECT_EQ(bindings[1].config.congestion, tcp::Congestion::kBbr) << "checks";
}

TEST(Bindings, OfOtherServicesOpenNothing) {
  const LoadedConfig loaded = parse(minimal());
  ASSERT_TRUE(loaded.config) << lines(loaded.errors);
  Balancing balancing;
  const std::vector<stack::Binding> bindings = make_bindings(*loaded.config, {}, {}, balancing);
  ASSERT_EQ(bindings.size(), 1u);
  EXPECT_FALSE(bindings[0].outgoing);
}

}  // namespace
}  // namespace tern::app
