// SPDX-License-Identifier: BSD-3-Clause
// Bodies of responses, however they are cut into pieces. RFC 9112 sections 6 and 7.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ternload/body.hpp"

namespace tern::load {
namespace {

std::span<const uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Feeds text in pieces of this size until the body is complete; returns how much it took, and its content.
uint32_t feed(Body& body, std::string_view text, size_t piece, std::string& content) {
  uint32_t taken = 0;
  while (body.begun() && !body.malformed() && taken < text.size()) {
    std::span<const uint8_t> part;
    const uint32_t step = body.take(bytes(text.substr(taken, piece)), part);
    content.append(reinterpret_cast<const char*>(part.data()), part.size());
    taken += step;
    if (step == 0) break;
  }
  return taken;
}

ResponseHead chunked() {
  ResponseHead head;
  head.body = BodyKind::kChunked;
  return head;
}

TEST(Body, OfALengthTakesSoManyBytes) {
  for (const size_t piece : {1u, 3u, 100u}) {
    Body body(5);
    std::string content;
    EXPECT_EQ(feed(body, "helloHTTP/1.1", piece, content), 5u);
    EXPECT_EQ(content, "hello");
    EXPECT_EQ(body.position(), 5u);
    EXPECT_FALSE(body.begun());
  }
}

TEST(Body, OfNoLengthIsCompleteAtOnce) { EXPECT_FALSE(Body(0).begun()); }

TEST(Body, UntilCloseTakesAll) {
  ResponseHead head;
  head.body = BodyKind::kUntilClose;
  Body body(head);
  std::string content;
  EXPECT_EQ(feed(body, "as long as it lasts", 4, content), 19u);
  EXPECT_EQ(content, "as long as it lasts");
  EXPECT_TRUE(body.until_close());
}

TEST(Body, InChunksIsPutTogether) {
  constexpr std::string_view kText =
      "5\r\nhello\r\n0A;name=value\r\n, chunked!\r\n0\r\nTrailer: x\r\n\r\nHTTP/1.1";
  for (const size_t piece : {1u, 2u, 3u, 5u, 7u, 1000u}) {
    Body body(chunked());
    std::string content;
    EXPECT_EQ(feed(body, kText, piece, content), kText.size() - 8) << piece;
    EXPECT_EQ(content, "hello, chunked!") << piece;
    EXPECT_FALSE(body.begun());
    EXPECT_FALSE(body.malformed());
  }
}

TEST(Body, InChunksMayBeEmpty) {
  Body body(chunked());
  std::string content;
  EXPECT_EQ(feed(body, "0\r\n\r\n", 100, content), 5u);
  EXPECT_FALSE(body.begun());
}

TEST(Body, WithAChunkSizeThatIsNoneIsMalformed) {
  for (const char* text : {"xyz\r\n", "-1\r\n", "11111111111111111\r\n"}) {
    Body body(chunked());
    std::string content;
    feed(body, text, 100, content);
    EXPECT_TRUE(body.malformed()) << text;
  }
}

}  // namespace
}  // namespace tern::load
