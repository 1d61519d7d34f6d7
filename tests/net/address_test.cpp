// SPDX-License-Identifier: BSD-3-Clause
// Text forms and classes of addresses.
#include "net/address.hpp"

#include <gtest/gtest.h>

namespace tern::net {
namespace {

TEST(Ipv4Address, IsReadAndWrittenAlike) {
  for (auto text : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "10.20.30.40", "1.10.100.0"}) {
    const auto address = parse_ipv4(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), text);
  }
  EXPECT_EQ(parse_ipv4("192.0.2.1")->value, 0xc0000201u);
}

TEST(Ipv4Address, WhatIsNotWhollyAnAddressIsRefused) {
  for (auto text : {"",         "1",         "1.2.3",      "1.2.3.",     "1.2.3.4.",         "1.2.3.4.5",
                    ".1.2.3",   "1..2.3",    "256.0.0.1",  "1.2.3.256",  "01.2.3.4",         "1.2.3.04",
                    "00.0.0.0", " 1.2.3.4",  "1.2.3.4 ",   "1.2.3.4/24", "-1.2.3.4",         "+1.2.3.4",
                    "1.2.3.a",  "0x1.2.3.4", "1.2.3.4444", "1,2,3,4",    "99999999999.1.1.1"}) {
    EXPECT_FALSE(parse_ipv4(text)) << '"' << text << '"';
  }
}

TEST(Ipv4Address, KnowsItsClass) {
  EXPECT_TRUE(parse_ipv4("0.0.0.0")->is_unspecified());
  EXPECT_FALSE(parse_ipv4("223.255.255.255")->is_multicast());
  EXPECT_TRUE(parse_ipv4("224.0.0.0")->is_multicast());
  EXPECT_TRUE(parse_ipv4("239.255.255.255")->is_multicast());
  EXPECT_FALSE(parse_ipv4("240.0.0.0")->is_multicast());
  EXPECT_TRUE(parse_ipv4("255.255.255.255")->is_broadcast());
  EXPECT_TRUE(parse_ipv4("127.255.0.1")->is_loopback());
  EXPECT_FALSE(parse_ipv4("128.0.0.1")->is_loopback());
}

TEST(Ipv4Interface, IsReadAndWrittenAlike) {
  for (auto text : {"192.0.2.2/24", "10.0.0.1/0", "10.0.0.1/32", "10.0.0.1/9"}) {
    const auto interface = parse_ipv4_interface(text);
    ASSERT_TRUE(interface) << text;
    EXPECT_EQ(to_string(*interface), text);
  }
}

TEST(Ipv4Interface, WhatIsNotWhollyOneIsRefused) {
  for (auto text : {"", "/24", "192.0.2.2", "192.0.2.2/", "192.0.2.2/33", "192.0.2.2/024", "192.0.2.2/24 ",
                    "192.0.2.2/-1", "192.0.2/24", "192.0.2.2//24", "192.0.2.2/2x"}) {
    EXPECT_FALSE(parse_ipv4_interface(text)) << '"' << text << '"';
  }
}

TEST(Ipv4Interface, ContainsItsNetworkAndNoOther) {
  const auto interface = *parse_ipv4_interface("192.0.2.2/25");
  EXPECT_EQ(interface.mask(), 0xffffff80u);
  EXPECT_TRUE(interface.contains(*parse_ipv4("192.0.2.127")));
  EXPECT_FALSE(interface.contains(*parse_ipv4("192.0.2.128")));
  EXPECT_EQ(to_string(interface.directed_broadcast()), "192.0.2.127");
}

TEST(Ipv4Interface, PrefixesOfZeroAndThirtyTwo) {
  const auto all = *parse_ipv4_interface("192.0.2.2/0");
  EXPECT_EQ(all.mask(), 0u);
  EXPECT_TRUE(all.contains({0x01020304}));
  const auto one = *parse_ipv4_interface("192.0.2.2/32");
  EXPECT_TRUE(one.contains(one.address));
  EXPECT_FALSE(one.contains({one.address.value + 1}));
}

TEST(MacAddress, IsWrittenAsSixPairs) {
  EXPECT_EQ(to_string(MacAddress{{0x02, 0xab, 0, 0x0f, 0xf0, 0xff}}), "02:ab:00:0f:f0:ff");
}

TEST(MacAddress, IsAGroupsByTheLowestBitOfItsFirstByte) {
  EXPECT_TRUE(MacAddress::broadcast().is_group());
  EXPECT_TRUE((MacAddress{{0x01, 0, 0x5e, 0, 0, 1}}).is_group());
  EXPECT_FALSE((MacAddress{{0x02, 1, 1, 1, 1, 1}}).is_group());
}

}  // namespace
}  // namespace tern::net
