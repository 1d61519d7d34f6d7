// SPDX-License-Identifier: BSD-3-Clause
// Dates, conditions and ranges: RFC 9110 sections 5.6.7, 13 and 14; and which path a target names.
#include <gtest/gtest.h>

#include <string>

#include "tern/services/http_conditions.hpp"
#include "tern/services/http_date.hpp"
#include "tern/services/site_paths.hpp"

namespace tern::app {
namespace {

constexpr HttpTime kTime = 784111777;  // of the RFC's own example
constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

TEST(HttpDate, IsWrittenInTheOneFormThatMayBeSent) {
  EXPECT_EQ(format_http_date(kTime), kDate);
  EXPECT_EQ(format_http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_http_date(1709164800), "Thu, 29 Feb 2024 00:00:00 GMT");
}

TEST(HttpDate, IsReadInEachOfTheThreeForms) {
  EXPECT_EQ(parse_http_date(kDate, kTime), kTime);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kTime), kTime);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", kTime), kTime);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994", kTime), kTime + 10 * 86400);
}

TEST(HttpDate, TwoDigitsAreAtMostFiftyYearsAhead) {
  constexpr HttpTime k2024 = 1709164800;
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", k2024), kTime);
  EXPECT_GT(parse_http_date("Sunday, 06-Nov-70 08:49:37 GMT", k2024), k2024);
}

TEST(HttpDate, AnythingElseIsNone) {
  for (const std::string_view text :
       {"", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 19x4 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994", "Sun, -6 Nov 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(text, kTime)) << text;
  }
}

constexpr std::string_view kTag = "\"abc\"";

HttpSelection selected(const std::string& fields, uint32_t size = 1000, const std::string& method = "GET") {
  const std::string text = method + " / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
  HttpRequest request;
  uint32_t length = 0;
  EXPECT_EQ(parse_http_request({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, request, length),
            HttpParse::kDone);
  return select(request, {kTag, kTime, size});
}

void expect_part(const std::string& range, uint32_t first, uint32_t length, uint32_t size = 1000) {
  const HttpSelection part = selected("Range: " + range + "\r\n", size);
  EXPECT_EQ(part.outcome, HttpOutcome::kPart) << range;
  EXPECT_EQ(part.first, first) << range;
  EXPECT_EQ(part.length, length) << range;
}

TEST(HttpRange, OneIsCutFromTheFile) {
  expect_part("bytes=0-0", 0, 1);
  expect_part("bytes=0-999", 0, 1000);
  expect_part("bytes=10-19", 10, 10);
  expect_part("bytes=990-", 990, 10);
  expect_part("bytes=990-5000", 990, 10);
  expect_part("bytes=-1", 999, 1);
  expect_part("bytes=-1000", 0, 1000);
  expect_part("bytes=-5000", 0, 1000);
  expect_part("BYTES=10-19", 10, 10);
  expect_part("bytes=10-99999999999999999999999", 10, 990);
}

TEST(HttpRange, OneThatBeginsBehindTheEndCannotBeSatisfied) {
  for (const std::string range :
       {"bytes=1000-", "bytes=1000-1001", "bytes=99999999999999999999999-", "bytes=-0"}) {
    EXPECT_EQ(selected("Range: " + range + "\r\n").outcome, HttpOutcome::kUnsatisfiable) << range;
  }
  EXPECT_EQ(selected("Range: bytes=0-\r\n", 0).outcome, HttpOutcome::kUnsatisfiable);
  EXPECT_EQ(selected("Range: bytes=-5\r\n", 0).outcome, HttpOutcome::kUnsatisfiable);
}

TEST(HttpRange, SeveralAndWhatIsNotUnderstoodGetTheWhole) {
  for (const std::string range :
       {"bytes=0-1,5-6", "bytes=0-1, 5-6", "lines=0-1", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-4",
        "bytes=4-b", "bytes=+1-4", "bytes= 1-4", "bytes 1-4", "1-4", "bytes=1-4-5"}) {
    const HttpSelection all = selected("Range: " + range + "\r\n");
    EXPECT_EQ(all.outcome, HttpOutcome::kWhole) << range;
    EXPECT_EQ(all.length, 1000u) << range;
  }
}

TEST(HttpRange, HasNoMeaningButForGet) {
  EXPECT_EQ(selected("Range: bytes=0-1\r\n", 1000, "HEAD").outcome, HttpOutcome::kWhole);
}

TEST(HttpRange, IfRangeAsksForTheSameFile) {
  const auto outcome = [](const std::string& value) {
    return selected("Range: bytes=0-1\r\nIf-Range: " + value + "\r\n").outcome;
  };
  EXPECT_EQ(outcome("\"abc\""), HttpOutcome::kPart);
  EXPECT_EQ(outcome("\"abd\""), HttpOutcome::kWhole);
  EXPECT_EQ(outcome("W/\"abc\""), HttpOutcome::kWhole);
  EXPECT_EQ(outcome(std::string(kDate)), HttpOutcome::kPart);
  EXPECT_EQ(outcome("Sun, 06 Nov 1994 08:49:38 GMT"), HttpOutcome::kWhole);
  EXPECT_EQ(outcome("nonsense"), HttpOutcome::kWhole);
}

TEST(HttpConditions, AKnownTagIsNotSentAgain) {
  for (const std::string tags : {"\"abc\"", "\"x\", \"abc\"", "\"x\",\"abc\"", "W/\"abc\"", "*"}) {
    EXPECT_EQ(selected("If-None-Match: " + tags + "\r\n").outcome, HttpOutcome::kNotModified) << tags;
  }
  for (const std::string tags : {"\"abcd\"", "abc", "\"abc", "", "\"x\""}) {
    EXPECT_EQ(selected("If-None-Match: " + tags + "\r\n").outcome, HttpOutcome::kWhole) << tags;
  }
}

TEST(HttpConditions, WhatHasNotChangedSinceIsNotSentAgain) {
  const auto since = [](const std::string& value) {
    return selected("If-Modified-Since: " + value + "\r\n").outcome;
  };
  EXPECT_EQ(since(std::string(kDate)), HttpOutcome::kNotModified);
  EXPECT_EQ(since("Sun, 06 Nov 1994 08:49:38 GMT"), HttpOutcome::kNotModified);
  EXPECT_EQ(since("Sun, 06 Nov 1994 08:49:36 GMT"), HttpOutcome::kWhole);
  EXPECT_EQ(since("nonsense"), HttpOutcome::kWhole);
  // Section 13.1.3: the tag decides where both are given.
  EXPECT_EQ(selected("If-None-Match: \"x\"\r\nIf-Modified-Since: " + std::string(kDate) + "\r\n").outcome,
            HttpOutcome::kWhole);
}

TEST(HttpConditions, PreconditionsFailWhereTheFileIsAnother) {
  EXPECT_EQ(selected("If-Match: \"abc\"\r\n").outcome, HttpOutcome::kWhole);
  EXPECT_EQ(selected("If-Match: *\r\n").outcome, HttpOutcome::kWhole);
  EXPECT_EQ(selected("If-Match: W/\"abc\"\r\n").outcome, HttpOutcome::kPreconditionFailed);
  EXPECT_EQ(selected("If-Match: \"x\"\r\n").outcome, HttpOutcome::kPreconditionFailed);
  EXPECT_EQ(selected("If-Unmodified-Since: " + std::string(kDate) + "\r\n").outcome, HttpOutcome::kWhole);
  EXPECT_EQ(selected("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n").outcome,
            HttpOutcome::kPreconditionFailed);
  // They come before everything else.
  EXPECT_EQ(selected("If-None-Match: \"abc\"\r\nIf-Match: \"x\"\r\nRange: bytes=0-1\r\n").outcome,
            HttpOutcome::kPreconditionFailed);
}

std::string path_of(std::string_view target) {
  std::string path;
  return site_path(target, path) ? path : "refused";
}

TEST(SitePath, IsTheTargetDecodedWithoutItsQuery) {
  EXPECT_EQ(path_of("/"), "");
  EXPECT_EQ(path_of("/a/b.html"), "a/b.html");
  EXPECT_EQ(path_of("/a/b.html?c=/../d"), "a/b.html");
  EXPECT_EQ(path_of("/a%20b%2Ec"), "a b.c");
  EXPECT_EQ(path_of("/a..b/..c/d../..."), "a..b/..c/d../...");
}

TEST(SitePath, NothingLeavesTheFolder) {
  for (const std::string_view target :
       {"/..", "/../a", "/a/..", "/a/../b", "/%2e%2e/a", "/%2E./a", "/a/%2e%2e%2fb", "/..%2fa", "a", "", "*",
        "?a", "/%", "/%4", "/%zz", "/a%00b", "/%2", "/a%"}) {
    EXPECT_EQ(path_of(target), "refused") << target;
  }
}

TEST(ContentType, GoesByTheSuffix) {
  EXPECT_EQ(content_type("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type("a/b.PNG"), "image/png");
  EXPECT_EQ(content_type("a.tar.gz"), "application/gzip");
  for (const std::string_view path : {"README", "a.b/README", "a.unknown", "a.", ""}) {
    EXPECT_EQ(content_type(path), "application/octet-stream") << path;
  }
}

}  // namespace
}  // namespace tern::app
