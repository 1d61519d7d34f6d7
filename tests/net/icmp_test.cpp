// SPDX-License-Identifier: BSD-3-Clause
// Echo: the reply is the request turned round, and nothing else is answered.
#include "net/icmp.hpp"

#include <gtest/gtest.h>

#include "net/frame_bytes.hpp"

namespace tern::net {
namespace {

using test::Bytes;
using test::icmp_frame;

// Parses and answers; the frame is cut to the reply's length.
uint16_t answer(Bytes& bytes) {
  Frame frame;
  EXPECT_EQ(parse_frame(bytes, {}, frame), Drop::kNone);
  const uint16_t length = answer_echo(bytes, frame, test::kOurMac);
  if (length != 0) bytes.resize(length);
  return length;
}

// Replies to a request with this text, as the peer must see it.
void expect_reply(const Bytes& reply, std::string_view text) {
  Frame frame;
  ASSERT_EQ(parse_frame(reply, {}, frame), Drop::kNone);  // both checksums hold
  EXPECT_EQ(Bytes(reply.begin(), reply.begin() + 6), Bytes({0x02, 0, 0, 0, 0, 0x01}));
  EXPECT_EQ(Bytes(reply.begin() + 6, reply.begin() + 12), Bytes({0x02, 0, 0, 0, 0, 0x02}));
  EXPECT_EQ(frame.source, test::kOurAddress);
  EXPECT_EQ(frame.destination, test::kPeerAddress);
  EXPECT_EQ(frame.content, Content::kIcmp);
  ASSERT_EQ(frame.l4_length, 8 + text.size());
  const uint8_t* message = &reply[frame.l4_offset];
  EXPECT_EQ(Bytes(message, message + 2), Bytes({0, 0}));
  EXPECT_EQ(Bytes(message + 4, message + 8), Bytes({0xbe, 0xef, 0, 7}));
  EXPECT_EQ(std::string(message + 8, message + frame.l4_length), text);
}

TEST(Echo, RequestBecomesItsReply) {
  for (std::string_view text : {"", "a", "ab", "the text comes back as it went"}) {
    Bytes bytes = icmp_frame({}, 8, 0, text);
    const size_t sent = bytes.size();
    EXPECT_EQ(answer(bytes), sent);
    expect_reply(bytes, text);
  }
}

TEST(Echo, ChecksumHoldsAfterwardsWhateverItWas) {
  for (unsigned i = 0; i < 65536; i += 7) {
    const char text[] = {static_cast<char>(i >> 8), static_cast<char>(i)};
    Bytes bytes = icmp_frame({}, 8, 0, {text, 2});
    answer(bytes);
    Frame frame;
    ASSERT_EQ(parse_frame(bytes, {}, frame), Drop::kNone) << i;
  }
}

TEST(Echo, PaddingIsNotSentBack) {
  Bytes bytes = icmp_frame({.padding = 16}, 8, 0, "x");
  const size_t sent = bytes.size();
  EXPECT_EQ(answer(bytes), sent - 16);
  expect_reply(bytes, "x");
}

TEST(Echo, OptionsAreLeftOut) {
  Bytes bytes = icmp_frame({.options = {7, 7, 4, 0, 0, 0, 0, 0}}, 8, 0, "moved down");
  const size_t sent = bytes.size();
  EXPECT_EQ(answer(bytes), sent - 8);
  EXPECT_EQ(bytes[test::kIp], 0x45);
  expect_reply(bytes, "moved down");
}

TEST(Echo, ReplyHasAFreshTimeToLiveAndTheRequestsTrafficClass) {
  Bytes bytes = icmp_frame({}, 8, 0, "x");
  bytes[test::kIp + 1] = 0xb8;
  bytes[test::kIp + 8] = 1;
  test::mend_ipv4_checksum(bytes);
  answer(bytes);
  EXPECT_EQ(bytes[test::kIp + 1], 0xb8);
  EXPECT_EQ(bytes[test::kIp + 8], 64);
}

TEST(Echo, ReplyComesFromThePortEvenIfTheRequestWentToAGroup) {
  Bytes bytes = icmp_frame({}, 8, 0, "x");
  for (size_t i = 0; i < 6; ++i) bytes[i] = 0xff;
  answer(bytes);
  expect_reply(bytes, "x");
}

TEST(Echo, OnlyIcmpIsLookedAt) {
  Frame frame;
  Bytes bytes = icmp_frame({}, 8, 0, "x");
  ASSERT_EQ(parse_frame(bytes, {}, frame), Drop::kNone);
  frame.content = Content::kTcp;  // a segment from port 2048 begins like an echo request
  EXPECT_EQ(answer_echo(bytes, frame, test::kOurMac), 0);
}

TEST(Echo, NothingElseIsAnsweredOrTouched) {
  for (unsigned type = 0; type < 256; ++type) {
    for (uint8_t code : Bytes{0, 1}) {
      if (type == 8 && code == 0) continue;
      Bytes bytes = icmp_frame({}, static_cast<uint8_t>(type), code, "x");
      const Bytes before = bytes;
      EXPECT_EQ(answer(bytes), 0) << type;
      EXPECT_EQ(bytes, before);
    }
  }
  Bytes tcp = test::tcp_frame({}, "x");
  const Bytes before = tcp;
  EXPECT_EQ(answer(tcp), 0);
  EXPECT_EQ(tcp, before);
}

}  // namespace
}  // namespace tern::net
