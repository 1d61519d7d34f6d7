// SPDX-License-Identifier: BSD-3-Clause
// PROXY headers: written as the document says, read back, cut short, bent.
#include "lb/proxy_header.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "lb/crc32c.hpp"

namespace tern::lb {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

ProxyHeader sample(ProxyVersion version) {
  ProxyHeader header;
  header.version = version;
  header.proxied = true;
  header.source = {0xc0000201u};
  header.destination = {0xc6336407u};
  header.source_port = 56324;
  header.destination_port = 443;
  return header;
}

Bytes written(const ProxyHeader& header) {
  std::array<uint8_t, kMostProxyHeaderWritten> buffer{};
  const uint32_t length = write_proxy_header(header, buffer);
  return {buffer.begin(), buffer.begin() + length};
}

ProxyParse parse(const Bytes& bytes, ProxyHeader& header, uint32_t& length) {
  return parse_proxy_header(bytes, header, length);
}
ProxyParse outcome(const Bytes& bytes) {
  ProxyHeader header;
  uint32_t length = 0;
  return parse(bytes, header, length);
}

TEST(Crc32c, GivesThePublishedValues) {
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c(Bytes(32, 0)), 0x8a9136aau);     // RFC 3720 appendix B.4
  EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43u);  // likewise
  EXPECT_EQ(crc32c(bytes_of("56789"), crc32c(bytes_of("1234"))), 0xe3069283u);
}

TEST(ProxyV1, IsALine) {
  const Bytes line = written(sample(ProxyVersion::kV1));
  EXPECT_EQ(std::string(line.begin(), line.end()), "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n");
  ProxyHeader local;
  local.version = ProxyVersion::kV1;
  EXPECT_EQ(written(local), bytes_of("PROXY UNKNOWN\r\n"));
}

TEST(ProxyV2, IsWhatTheDocumentDraws) {
  const Bytes expected{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11,
                       0x00, 0x0c, 192,  0,    2,    1,    198,  51,   100,  7,    0xdc, 0x04, 0x01, 0xbb};
  EXPECT_EQ(written(sample(ProxyVersion::kV2)), expected);
  ProxyHeader local;
  local.version = ProxyVersion::kV2;
  Bytes plain(expected.begin(), expected.begin() + 16);
  plain[12] = 0x20;
  plain[13] = 0x00;
  plain[15] = 0;
  EXPECT_EQ(written(local), plain);
}

TEST(ProxyHeader, IsNothingWhereNoneIsWanted) { EXPECT_TRUE(written(sample(ProxyVersion::kNone)).empty()); }

void expect_round_trip(const ProxyHeader& header) {
  Bytes bytes = written(header);
  const auto length = static_cast<uint32_t>(bytes.size());
  for (const uint8_t byte : {uint8_t{'G'}, uint8_t{0}, uint8_t{0xff}}) bytes.push_back(byte);
  ProxyHeader back;
  uint32_t found = 0;
  ASSERT_EQ(parse(bytes, back, found), ProxyParse::kDone);
  EXPECT_EQ(found, length);
  EXPECT_EQ(back.version, header.version);
  EXPECT_EQ(back.proxied, header.proxied);
  EXPECT_EQ(back.source, header.source);
  EXPECT_EQ(back.destination, header.destination);
  EXPECT_EQ(back.source_port, header.source_port);
  EXPECT_EQ(back.destination_port, header.destination_port);
  EXPECT_EQ(back.with_crc, header.with_crc);
  EXPECT_TRUE(std::equal(back.unique_id.begin(), back.unique_id.end(), header.unique_id.begin(),
                         header.unique_id.end()));
  // Each beginning of it is incomplete, and none is malformed.
  for (uint32_t cut = 0; cut < length; ++cut) {
    EXPECT_EQ(outcome({bytes.begin(), bytes.begin() + cut}), ProxyParse::kIncomplete) << cut;
  }
}

TEST(ProxyHeader, ComesBackAsItWasWritten) {
  const Bytes id = bytes_of("0123456789abcdef");
  for (const ProxyVersion version : {ProxyVersion::kV1, ProxyVersion::kV2}) {
    expect_round_trip(sample(version));
    ProxyHeader local;
    local.version = version;
    expect_round_trip(local);
  }
  ProxyHeader with = sample(ProxyVersion::kV2);
  with.with_crc = true;
  expect_round_trip(with);
  with.unique_id = id;
  expect_round_trip(with);
  with.with_crc = false;
  expect_round_trip(with);
}

TEST(ProxyV2, FindsAnyBitThatFlips) {
  ProxyHeader header = sample(ProxyVersion::kV2);
  header.with_crc = true;
  const Bytes good = written(header);
  for (size_t bit = 16 * 8; bit < good.size() * 8; ++bit) {
    Bytes bent = good;
    bent[bit / 8] = static_cast<uint8_t>(bent[bit / 8] ^ 1u << bit % 8);
    ProxyHeader back;
    uint32_t length = 0;
    const ProxyParse result = parse(bent, back, length);
    // Where the TLV is no longer one of a checksum there is nothing to compare.
    EXPECT_TRUE(result == ProxyParse::kMalformed || !back.with_crc) << bit;
  }
}

TEST(ProxyV1, RefusesWhatIsNotALineOfIt) {
  for (const char* line :
       {"PROXY\r\n", "PROXY \r\n", "PROXY TCP4\r\n", "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY UNKNOWNX\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP6 zz::1 ::1 1 2\r\n", "GET / HTTP/1.1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n"}) {
    EXPECT_EQ(outcome(bytes_of(line)), ProxyParse::kMalformed) << line;
  }
}

TEST(ProxyV1, EndsWithin107Bytes) {
  const std::string begin = "PROXY UNKNOWN ";
  EXPECT_EQ(outcome(bytes_of(begin + std::string(107 - begin.size() - 2, 'x') + "\r\n")), ProxyParse::kDone);
  EXPECT_EQ(outcome(bytes_of(begin + std::string(108 - begin.size() - 2, 'x') + "\r\n")),
            ProxyParse::kMalformed);
  EXPECT_EQ(outcome(bytes_of(begin + std::string(200, 'x'))), ProxyParse::kMalformed);
}

TEST(ProxyV1, TakesOtherFamiliesForUnknown) {
  ProxyHeader header;
  uint32_t length = 0;
  const Bytes line = bytes_of("PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n");
  EXPECT_EQ(parse(line, header, length), ProxyParse::kDone);
  EXPECT_FALSE(header.proxied);
  EXPECT_EQ(length, line.size());
}

// The sample with a byte of its fixed part replaced.
ProxyParse bent(size_t at, uint8_t byte) {
  Bytes bytes = written(sample(ProxyVersion::kV2));
  bytes[at] = byte;
  return outcome(bytes);
}

TEST(ProxyV2, RefusesWhatIsNotOne) {
  for (size_t i = 1; i < 12; ++i) EXPECT_EQ(bent(i, 'x'), ProxyParse::kMalformed) << i;
  EXPECT_EQ(bent(12, 0x11), ProxyParse::kMalformed);  // version 1
  EXPECT_EQ(bent(12, 0x22), ProxyParse::kMalformed);  // a command that is not assigned
  EXPECT_EQ(bent(13, 0x41), ProxyParse::kMalformed);  // a family that is not
  EXPECT_EQ(bent(13, 0x13), ProxyParse::kMalformed);  // a protocol that is not
  EXPECT_EQ(bent(13, 0x21), ProxyParse::kMalformed);  // IPv6, too short for its addresses
  EXPECT_EQ(bent(15, 0x0b), ProxyParse::kMalformed);  // shorter than its addresses
  EXPECT_EQ(bent(14, 0x08), ProxyParse::kMalformed);  // longer than any that is read
}

TEST(ProxyV2, IgnoresWhatALocalConnectionSays) {
  Bytes bytes = written(sample(ProxyVersion::kV2));
  bytes[12] = 0x20;
  ProxyHeader header;
  uint32_t length = 0;
  EXPECT_EQ(parse(bytes, header, length), ProxyParse::kDone);
  EXPECT_FALSE(header.proxied);
  EXPECT_EQ(length, 28u);
}

TEST(ProxyV2, RefusesTlvsThatDoNotFit) {
  const auto with_tlv = [](const Bytes& tlv) {
    Bytes bytes = written(sample(ProxyVersion::kV2));
    bytes.insert(bytes.end(), tlv.begin(), tlv.end());
    bytes[15] = static_cast<uint8_t>(12 + tlv.size());
    return outcome(bytes);
  };
  EXPECT_EQ(with_tlv({0x04, 0x00, 0x01, 0x00}), ProxyParse::kDone);             // NOOP
  EXPECT_EQ(with_tlv({0xe0, 0x00, 0x00}), ProxyParse::kDone);                   // somebody's own
  EXPECT_EQ(with_tlv({0x04}), ProxyParse::kMalformed);                          // cut in its head
  EXPECT_EQ(with_tlv({0x04, 0x00}), ProxyParse::kMalformed);                    //
  EXPECT_EQ(with_tlv({0x04, 0x00, 0x02, 0x00}), ProxyParse::kMalformed);        // cut in its value
  EXPECT_EQ(with_tlv({0x03, 0x00, 0x02, 0x00, 0x00}), ProxyParse::kMalformed);  // a checksum of two bytes
  EXPECT_EQ(with_tlv({0x03, 0x00, 0x04, 1, 2, 3, 4}), ProxyParse::kMalformed);  // a wrong one
  Bytes long_id{0x05, 0x00, 129};
  long_id.resize(3 + 129);
  EXPECT_EQ(with_tlv(long_id), ProxyParse::kMalformed);
}

}  // namespace
}  // namespace tern::lb
