// SPDX-License-Identifier: BSD-3-Clause
// The ECN field of IP headers on its way in and out (RFC 3168 section 5), through a cookie's handshake.
#include <gtest/gtest.h>

#include "net/ipv4.hpp"
#include "stack/bench.hpp"
#include "stack/peer.hpp"
#include "tcp/options.hpp"

namespace tern::test {
namespace {

using tcp::EcnField;

constexpr uint16_t kIpHeader = 14;
const net::FourTuple kWay{kOurAddress, kPeerAddress, 7, 40'000};

class EcnOnTheWire : public testing::Test {
 protected:
  Bench bench_{bindings(bound(echo_script(), 7))};
  tcp::Seq next_{1000};
  tcp::Seq theirs_;
  uint32_t echo_ = 0;

  std::vector<Reply> say(uint8_t flags, EcnField ecn, std::string_view text = {}) {
    tcp::SegmentHeader header;
    header.seq = next_;
    header.ack = theirs_;
    header.flags = flags;
    header.wnd = 0xffff;
    tcp::append_timestamps(header, 1, echo_);
    Bytes frame = tcp_frame(bench_.mac(), kPeerMac, kWay, header, text);
    frame[kIpHeader + net::ipv4::kTrafficClass] = tcp::traffic_class(ecn);
    frame[kIpHeader + net::ipv4::kChecksum] = frame[kIpHeader + net::ipv4::kChecksum + 1] = 0;
    net::store_be16(&frame[kIpHeader + net::ipv4::kChecksum],
                    net::checksum(std::span(frame).subspan(kIpHeader, net::ipv4::kHeaderLength)));
    next_ += static_cast<uint32_t>(text.size()) + ((flags & tcp::kSyn) != 0 ? 1 : 0);
    bench_.inject(frame);
    auto replies = bench_.replies();
    if (!replies.empty()) echo_ = replies.back().seg.ts_val;
    return replies;
  }
  static EcnField field(const Reply& reply) {
    return tcp::ecn_field(reply.frame.bytes[kIpHeader + net::ipv4::kTrafficClass]);
  }
};

TEST_F(EcnOnTheWire, IsAgreedOnReadAndWritten) {
  const auto answer = say(tcp::kSyn | tcp::kEce | tcp::kCwr, EcnField::kNotCapable);
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(answer[0].seg.flags, tcp::kSyn | tcp::kAck | tcp::kEce);
  EXPECT_EQ(field(answer[0]), EcnField::kNotCapable);
  theirs_ = answer[0].seg.seq + 1;
  EXPECT_TRUE(say(tcp::kAck, EcnField::kNotCapable).empty());

  const auto echo = say(tcp::kAck | tcp::kPsh, EcnField::kCongested, "hello");
  ASSERT_EQ(echo.size(), 1u);
  EXPECT_EQ(echo[0].text, "hello");
  EXPECT_EQ(echo[0].seg.flags, tcp::kAck | tcp::kPsh | tcp::kEce);
  EXPECT_EQ(field(echo[0]), EcnField::kCapable0);
  theirs_ += 5;
  const auto next = say(tcp::kAck | tcp::kPsh | tcp::kCwr, EcnField::kCapable0, "again");
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].seg.flags, tcp::kAck | tcp::kPsh);
  EXPECT_EQ(bench_.tcp().congestion_marks.value(), 1u);
}

}  // namespace
}  // namespace tern::test
