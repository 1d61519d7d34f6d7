// SPDX-License-Identifier: BSD-3-Clause
// The head of an HTTP/1 request: what RFC 9112 allows and what it does not.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "tern/services/http_request.hpp"

namespace tern::app {
namespace {

struct Parsed {
  HttpParse outcome;
  HttpRequest request;
  uint32_t length = 0;
  std::string target;
};

// On the heap in exactly its size, so that a sanitizer sees any byte read beyond it.
Parsed parse(std::string_view text) {
  const auto bytes = std::make_unique<uint8_t[]>(text.size());
  std::memcpy(bytes.get(), text.data(), text.size());
  Parsed parsed;
  parsed.outcome = parse_http_request({bytes.get(), text.size()}, parsed.request, parsed.length);
  if (parsed.outcome == HttpParse::kDone) parsed.target = parsed.request.target;
  return parsed;
}

TEST(HttpRequest, SmallestRequestIsDone) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const Parsed parsed = parse(text + "GET /next");
  EXPECT_EQ(parsed.outcome, HttpParse::kDone);
  EXPECT_EQ(parsed.length, text.size());
  EXPECT_EQ(parsed.request.method, HttpMethod::kGet);
  EXPECT_EQ(parsed.target, "/");
  EXPECT_TRUE(parsed.request.persistent);
  EXPECT_FALSE(parsed.request.has_body);
  EXPECT_FALSE(parsed.request.http_1_0);
}

TEST(HttpRequest, EveryPrefixIsIncomplete) {
  const std::string text =
      "HEAD /bytes/12 HTTP/1.0\r\nHost: a.example:80\r\nAccept: */*\r\nX:\r\nConnection: keep-alive\r\n\r\n";
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(parse(std::string_view(text).substr(0, length)).outcome, HttpParse::kIncomplete) << length;
  }
  EXPECT_EQ(parse(text).outcome, HttpParse::kDone);
}

TEST(HttpRequest, MethodsAreToldApartByCase) {
  const auto method = [](const std::string& name) {
    return parse(name + " / HTTP/1.1\r\nHost: a\r\n\r\n").request.method;
  };
  EXPECT_EQ(method("GET"), HttpMethod::kGet);
  EXPECT_EQ(method("HEAD"), HttpMethod::kHead);
  for (const char* other : {"POST", "get", "GETS", "OPTIONS", "!#$%&'*+-.^_`|~09azAZ"}) {
    EXPECT_EQ(method(other), HttpMethod::kOther) << other;
  }
}

TEST(HttpRequest, WholeUrlStandsForItsPath) {
  const auto target = [](const std::string& url) {
    return parse("GET " + url + " HTTP/1.1\r\nHost: a\r\n\r\n").target;
  };
  EXPECT_EQ(target("http://a/bytes/5"), "/bytes/5");
  EXPECT_EQ(target("HTTP://a:80/"), "/");
  EXPECT_EQ(target("http://a"), "/");
  EXPECT_EQ(target("http:/a"), "http:/a");
  EXPECT_EQ(target("/http://a/b"), "/http://a/b");
}

TEST(HttpRequest, PersistenceFollowsVersionAndConnection) {
  const auto persistent = [](const char* version, const std::string& fields) {
    const Parsed parsed = parse(std::string("GET / ") + version + "\r\nHost: a\r\n" + fields + "\r\n");
    EXPECT_EQ(parsed.outcome, HttpParse::kDone) << fields;
    return parsed.request.persistent;
  };
  EXPECT_TRUE(persistent("HTTP/1.1", ""));
  EXPECT_FALSE(persistent("HTTP/1.0", ""));
  EXPECT_TRUE(persistent("HTTP/1.0", "Connection: keep-alive\r\n"));
  EXPECT_TRUE(persistent("HTTP/1.0", "CONNECTION:Keep-Alive\r\n"));
  EXPECT_FALSE(persistent("HTTP/1.1", "Connection: close\r\n"));
  EXPECT_FALSE(persistent("HTTP/1.1", "connection: upgrade ,\tCLOSE , x\r\n"));
  EXPECT_TRUE(persistent("HTTP/1.1", "Connection: closed, clos\r\n"));
  EXPECT_TRUE(persistent("HTTP/1.1", "Connection:\r\n"));
  EXPECT_TRUE(persistent("HTTP/1.1", "X-Connection: close\r\n"));
}

TEST(HttpRequest, CloseOutweighsKeepAlive) {  // RFC 9112 section 9.3
  for (const char* fields : {"Connection: close, keep-alive\r\n", "Connection: keep-alive, close\r\n",
                             "Connection: close\r\nConnection: keep-alive\r\n"}) {
    EXPECT_FALSE(parse(std::string("GET / HTTP/1.0\r\n") + fields + "\r\n").request.persistent) << fields;
  }
}

TEST(HttpRequest, BodiesAreNoticed) {
  const auto has_body = [](const std::string& fields) {
    const Parsed parsed = parse("POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    EXPECT_EQ(parsed.outcome, HttpParse::kDone) << fields;
    return parsed.request.has_body;
  };
  EXPECT_FALSE(has_body("Content-Length: 0\r\n"));
  EXPECT_FALSE(has_body("Content-Length: 000\r\n"));
  EXPECT_TRUE(has_body("Content-Length: 1\r\n"));
  EXPECT_TRUE(has_body("content-length:99999999999999999999999999\r\n"));
  EXPECT_TRUE(has_body("Content-Length: 0\r\nContent-Length: 5\r\n"));
  EXPECT_TRUE(has_body("Transfer-Encoding: chunked\r\n"));
}

TEST(HttpRequest, HostIsDueOnceSinceVersion11) {
  EXPECT_EQ(parse("GET / HTTP/1.1\r\n\r\n").outcome, HttpParse::kMalformed);
  EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n").outcome, HttpParse::kDone);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost:\r\n\r\n").outcome, HttpParse::kDone);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nHOST: a\r\n\r\n").outcome, HttpParse::kMalformed);
  EXPECT_EQ(parse("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n").outcome, HttpParse::kMalformed);
}

TEST(HttpRequest, MalformedLinesAreRefused) {
  using std::literals::operator""sv;
  for (const std::string_view line : {
           "\n"sv,
           "GET / HTTP/1.1\n"sv,  // no CR
           "GET\r\n"sv,
           "GET /\r\n"sv,
           "GET / \r\n"sv,
           " GET / HTTP/1.1\r\n"sv,
           "GET  / HTTP/1.1\r\n"sv,
           "GET /  HTTP/1.1\r\n"sv,
           "GET / HTTP/1.1 \r\n"sv,
           "GET /a b HTTP/1.1\r\n"sv,
           "GET\t/ HTTP/1.1\r\n"sv,
           "G(T / HTTP/1.1\r\n"sv,
           "G\0T / HTTP/1.1\r\n"sv,
           "GET /\0 HTTP/1.1\r\n"sv,
           "GET /\xff HTTP/1.1\r\n"sv,
           "GET /\x7f HTTP/1.1\r\n"sv,
           "GET /\r HTTP/1.1\r\n"sv,
           "GET / HTTP/1\r\n"sv,
           "GET / HTTP/x.1\r\n"sv,
           "GET / HTTP/1.x\r\n"sv,
           "GET / HTTP/1-1\r\n"sv,
           "GET / http/1.1\r\n"sv,
           "GET / HTTP/1.10\r\n"sv,
           "GET / HTTP/1.1\r\r\n"sv,
           "\x16\x03\x01\x02\x00\x01\x00\r\n"sv,  // TLS
           "GET / HTTP/1.1\r\nHost a\r\n"sv,
           "GET / HTTP/1.1\r\nHost : a\r\n"sv,
           "GET / HTTP/1.1\r\n: a\r\n"sv,
           "GET / HTTP/1.1\r\n Host: a\r\n"sv,
           "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n"sv,
           "GET / HTTP/1.1\r\nHost: a\rb\r\n"sv,
           "GET / HTTP/1.1\r\nHost: a\0b\r\n"sv,
           "GET / HTTP/1.1\r\nHost: a\n"sv,
           "GET / HTTP/1.1\r\nContent-Length:\r\n"sv,
           "GET / HTTP/1.1\r\nContent-Length: -1\r\n"sv,
           "GET / HTTP/1.1\r\nContent-Length: +1\r\n"sv,
           "GET / HTTP/1.1\r\nContent-Length: 0x1\r\n"sv,
           "GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n"sv,
           "GET / HTTP/1.1\r\nContent-Length: 1 1\r\n"sv,
           "GET / HTTP/1.1\r\nH\xc3\xb6st: a\r\n"sv,
       }) {
    EXPECT_EQ(parse(line).outcome, HttpParse::kMalformed) << line;
    EXPECT_EQ(parse(std::string(line) + "Host: a\r\n\r\n").outcome, HttpParse::kMalformed) << line;
  }
}

TEST(HttpRequest, EachVersionOfTheFirstIsUnderstood) {
  const auto of = [](const std::string& version) {
    return parse("GET / HTTP/" + version + "\r\nHost: a\r\n\r\n");
  };
  EXPECT_TRUE(of("1.0").request.http_1_0);
  for (const char* version : {"1.1", "1.2", "1.9"}) {
    EXPECT_EQ(of(version).outcome, HttpParse::kDone) << version;
    EXPECT_FALSE(of(version).request.http_1_0) << version;
  }
  for (const char* version : {"0.9", "2.0", "3.0"})
    EXPECT_EQ(of(version).outcome, HttpParse::kOtherVersion) << version;
}

TEST(HttpRequest, ValuesMayHoldWhatTheRfcAllows) {
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost:\t a \t\r\nX: a\tb \x80\xff\r\n!#$%&'*+-.^_`|~: \r\n\r\n").outcome,
            HttpParse::kDone);
}

// A head of exactly so many bytes.
TEST(HttpRequest, OneEmptyLineBeforeTheRequestIsIgnored) {
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(parse("\r\n" + request).outcome, HttpParse::kDone);
  EXPECT_EQ(parse("\r\n" + request).length, request.size() + 2);
  EXPECT_EQ(parse("\r\n\r\n" + request).outcome, HttpParse::kMalformed);
}

std::string head_of(size_t bytes) {
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  text.append(bytes - text.size() - 4, 'x');
  return text + "\r\n\r\n";
}

TEST(HttpRequest, HeadOf8192BytesIsTheLargest) {
  EXPECT_EQ(parse(head_of(kMaxHttpHead)).outcome, HttpParse::kDone);
  EXPECT_EQ(parse(head_of(kMaxHttpHead)).length, kMaxHttpHead);
  EXPECT_EQ(parse(head_of(kMaxHttpHead) + "GET").outcome, HttpParse::kDone);
  EXPECT_EQ(parse(head_of(kMaxHttpHead).substr(0, kMaxHttpHead - 1)).outcome, HttpParse::kIncomplete);
  EXPECT_EQ(parse(head_of(kMaxHttpHead + 1)).outcome, HttpParse::kTooLarge);
  EXPECT_EQ(parse(std::string(kMaxHttpHead - 1, 'x')).outcome, HttpParse::kIncomplete);
  EXPECT_EQ(parse(std::string(kMaxHttpHead, 'x')).outcome, HttpParse::kTooLarge);
}

TEST(HttpRequest, EveryByteInEveryPlaceIsSurvived) {
  const std::string good = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n";
  for (size_t place = 0; place < good.size(); ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = good;
      text[place] = static_cast<char>(byte);
      const Parsed parsed = parse(text);
      EXPECT_LE(parsed.length, text.size());
    }
  }
}

}  // namespace
}  // namespace tern::app
