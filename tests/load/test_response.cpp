// SPDX-License-Identifier: BSD-3-Clause
// Heads of HTTP responses. RFC 9112.
#include <gtest/gtest.h>

#include <string_view>

#include "ternload/response.hpp"

namespace tern::load {
namespace {

HeadParse parse(std::string_view text, ResponseHead& head) {
  return parse_response_head({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, head);
}

ResponseHead parsed(std::string_view text) {
  ResponseHead head;
  EXPECT_EQ(parse(text, head), HeadParse::kDone) << text;
  return head;
}

TEST(ResponseHead, SaysWhereItEndsAndHowLongTheBodyIs) {
  const ResponseHead head = parsed("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nand the body");
  EXPECT_EQ(head.length, 39u);
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.succeeded());
  EXPECT_EQ(head.body, BodyKind::kLength);
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_FALSE(head.closes);
}

TEST(ResponseHead, NamesAreInWhateverCaseAndSpacesDoNotCount) {
  EXPECT_EQ(parsed("HTTP/1.1 200 OK\r\ncONTENT-length:  7 \r\n\r\n").content_length, 7u);
  EXPECT_EQ(parsed("HTTP/1.1 200 OK\ncontent-length:7\n\n").content_length, 7u) << "RFC 9112 2.2: a bare LF";
}

TEST(ResponseHead, ChunkedPrevailsOverALength) {  // RFC 9112 section 6.3
  EXPECT_EQ(parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n").body,
            BodyKind::kChunked);
  EXPECT_EQ(parsed("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: Chunked\r\n\r\n").body,
            BodyKind::kChunked);
}

TEST(ResponseHead, WithoutEitherTheBodyLastsUntilTheEnd) {
  EXPECT_EQ(parsed("HTTP/1.1 200 OK\r\n\r\n").body, BodyKind::kUntilClose);
  for (const char* text :
       {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"}) {
    EXPECT_EQ(parsed(text).body, BodyKind::kLength);
    EXPECT_EQ(parsed(text).content_length, 0u);
  }
}

TEST(ResponseHead, SaysWhetherTheServerCloses) {  // RFC 9112 section 9.3
  EXPECT_TRUE(parsed("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").closes);
  EXPECT_TRUE(parsed("HTTP/1.0 200 OK\r\n\r\n").closes);
  EXPECT_FALSE(parsed("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n").closes);
}

TEST(ResponseHead, OthersThanTwoHundredAreNoSuccess) {
  EXPECT_FALSE(parsed("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").succeeded());
  EXPECT_TRUE(parsed("HTTP/1.1 100 Continue\r\n\r\n").interim());
}

TEST(ResponseHead, IsIncompleteUpToItsLastByte) {
  constexpr std::string_view kWhole = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n";
  ResponseHead head;
  for (size_t length = 0; length < kWhole.size(); ++length) {
    EXPECT_EQ(parse(kWhole.substr(0, length), head), HeadParse::kIncomplete) << length;
  }
}

TEST(ResponseHead, IsRefusedWhereItIsNone) {
  ResponseHead head;
  for (const char* text :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/2 200\r\n\r\n", "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n"}) {
    EXPECT_EQ(parse(text, head), HeadParse::kMalformed) << text;
  }
}

}  // namespace
}  // namespace tern::load
