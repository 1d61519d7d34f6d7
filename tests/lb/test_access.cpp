// SPDX-License-Identifier: BSD-3-Clause
// Longest prefix match, and the lists made of it.
#include <gtest/gtest.h>

#include "lb/hash.hpp"
#include "lb/prefix_table.hpp"

namespace tern::lb {
namespace {

net::Ipv4Interface prefix(const char* text) { return *net::parse_ipv4_interface(text); }
net::Ipv4Address address(const char* text) { return *net::parse_ipv4(text); }

TEST(PrefixTable, FindsTheLongest) {
  PrefixTable table;
  table.add(prefix("10.0.0.0/8"), 8);
  table.add(prefix("10.1.0.0/16"), 16);
  table.add(prefix("10.1.2.3/32"), 32);
  table.add(prefix("0.0.0.0/0"), 0);
  EXPECT_EQ(table.find(address("10.1.2.3")), 32u);
  EXPECT_EQ(table.find(address("10.1.2.4")), 16u);
  EXPECT_EQ(table.find(address("10.2.0.1")), 8u);
  EXPECT_EQ(table.find(address("11.0.0.0")), 0u);
}

TEST(PrefixTable, IgnoresBitsBeyondThePrefix) {
  PrefixTable table;
  table.add(prefix("192.0.2.77/24"), 1);
  EXPECT_EQ(table.find(address("192.0.2.1")), 1u);
  EXPECT_EQ(table.find(address("192.0.3.1")), std::nullopt);
}

TEST(PrefixTable, ReplacesAValue) {
  PrefixTable table;
  table.add(prefix("192.0.2.0/24"), 1);
  table.add(prefix("192.0.2.0/24"), 2);
  EXPECT_EQ(table.find(address("192.0.2.1")), 2u);
}

// Against a look at every prefix.
TEST(PrefixTable, AgreesWithALinearSearch) {
  Random random(7);
  for (int round = 0; round < 20; ++round) {
    PrefixTable table;
    std::vector<std::pair<net::Ipv4Interface, uint32_t>> list;
    for (uint32_t i = 0; i < 200; ++i) {
      const net::Ipv4Interface added{{static_cast<uint32_t>(random.next()) & 0xff0000ffu},
                                     static_cast<uint8_t>(random.below(33))};
      table.add(added, i);
      list.emplace_back(added, i);
    }
    for (int i = 0; i < 2000; ++i) {
      const net::Ipv4Address wanted{static_cast<uint32_t>(random.next()) & 0xff0000ffu};
      std::optional<uint32_t> best;
      int longest = -1;
      for (const auto& [candidate, value] : list) {
        if (!candidate.contains(wanted) || candidate.prefix_length < longest) continue;
        longest = candidate.prefix_length;
        best = value;
      }
      ASSERT_EQ(table.find(wanted), best);
    }
  }
}

TEST(AccessList, LetsEverybodyInWhenItIsEmpty) { EXPECT_TRUE(AccessList().allows(address("192.0.2.1"))); }

TEST(AccessList, DeniesWhatItNames) {
  AccessList list;
  list.deny(prefix("192.0.2.0/24"));
  EXPECT_FALSE(list.allows(address("192.0.2.1")));
  EXPECT_TRUE(list.allows(address("192.0.3.1")));
}

TEST(AccessList, AllowsOnlyWhatItNames) {
  AccessList list;
  list.allow(prefix("192.0.2.0/24"));
  list.deny(prefix("192.0.2.128/25"));
  list.allow(prefix("192.0.2.200/32"));
  EXPECT_TRUE(list.allows(address("192.0.2.1")));
  EXPECT_FALSE(list.allows(address("192.0.2.129")));
  EXPECT_TRUE(list.allows(address("192.0.2.200")));
  EXPECT_FALSE(list.allows(address("198.51.100.1")));
}

}  // namespace
}  // namespace tern::lb
