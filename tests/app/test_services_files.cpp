// SPDX-License-Identifier: BSD-3-Clause
// The http service's files on a worker of its own: RFC 9110 sections 8.8, 13 to 15; and how many requests a
// connection may make.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "http_answer.hpp"
#include "stack/bench.hpp"
#include "stack/client.hpp"
#include "tern/services/http.hpp"

namespace tern::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string bytes_of(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 2'654'435'761) >> 13);
  return bytes;
}

class HttpFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tern-site-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    write("index.html", "<p>hello</p>\n");
    write("large.bin", bytes_of(300'000));
    write("empty.txt", "");
    write("docs/index.html", "docs");
    write("docs/a b.css", "a {}");
    write(".hidden", "secret");
    write(".git/config", "secret");
    config_.root = folder_.string();
  }
  void TearDown() override {
    client_.reset();
    bench_.reset();
    fs::remove_all(folder_);
  }

  void write(const std::string& path, const std::string& bytes) const {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path, std::ios::binary) << bytes;
  }

  void start(const BenchOptions& options = {}) {
    client_.reset();
    bench_.reset();
    auto service = std::make_unique<app::Http>(config_, options.max_connections);
    bench_ = std::make_unique<Bench>(bindings(bound(std::move(service), 80)), options);
    client_ = std::make_unique<Client>(*bench_, ClientOptions{.service = 80});
    client_->connect();
  }

  Answer ask(const std::string& text, bool to_head = false) {
    client_->send(text);
    bench_->pass(20ms);
    const auto answer = take_answer(client_->received, to_head);
    if (!answer) ADD_FAILURE() << "no whole answer to " << text << ": " << client_->received.substr(0, 300);
    EXPECT_EQ(client_->received, "") << "more than one answer";
    return answer.value_or(Answer{});
  }

  static std::string field(const Answer& answer, const std::string& name) {
    const size_t at = answer.head.find(name + ": ");
    if (at == std::string::npos) return {};
    const size_t begin = at + name.size() + 2;
    return answer.head.substr(begin, answer.head.find("\r\n", begin) - begin);
  }

  fs::path folder_;
  app::HttpConfig config_;
  std::unique_ptr<Bench> bench_;
  std::unique_ptr<Client> client_;
};

TEST_F(HttpFiles, AreSentAsTheyAre) {
  start();
  const Answer page = ask(get("/"));
  EXPECT_EQ(page.status, "200 OK");
  EXPECT_EQ(page.body, "<p>hello</p>\n");
  EXPECT_EQ(field(page, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(field(page, "Accept-Ranges"), "bytes");
  EXPECT_FALSE(field(page, "ETag").empty());
  EXPECT_TRUE(field(page, "Last-Modified").ends_with(" GMT"));
  EXPECT_EQ(ask(get("/index.html?x=1")).body, page.body);
  EXPECT_EQ(ask(get("/docs/a%20b.css")).body, "a {}");
  EXPECT_EQ(ask(get("/docs/")).body, "docs");
  const Answer empty = ask(get("/empty.txt"));
  EXPECT_EQ(empty.status, "200 OK");
  EXPECT_EQ(empty.body, "");
  EXPECT_EQ(ask(get("/large.bin")).body, bytes_of(300'000));
  EXPECT_EQ(missing(bench_->receive), 0u);
}

TEST_F(HttpFiles, TheirBytesAreNotCopied) {
  start();
  const uint64_t before = bench_->counters().text_attached.value();
  const Answer answer = ask(get("/large.bin"));
  EXPECT_EQ(answer.body.size(), 300'000u);
  EXPECT_GE(bench_->counters().text_attached.value() - before, 290'000u);
}

TEST_F(HttpFiles, HeadHasTheSameHeadAndNoBody) {
  start();
  const Answer got = ask(get("/large.bin"));
  const Answer head = ask("HEAD /large.bin HTTP/1.1\r\nHost: a\r\n\r\n", true);
  EXPECT_EQ(head.status, "200 OK");
  EXPECT_EQ(head.head, got.head);
  EXPECT_EQ(head.body, "");
}

TEST_F(HttpFiles, WhatIsNotThereIs404AndAFolderWithoutSlashMoves) {
  start();
  for (const char* target : {"/nothing", "/docs/nothing", "/docs/index.html/", "/.hidden", "/.git/config",
                             "/large.bin/", "/bytes/5", "//", "/INDEX.HTML"}) {
    EXPECT_EQ(ask(get(target)).status, "404 Not Found") << target;
  }
  const Answer moved = ask(get("/docs"));
  EXPECT_EQ(moved.status, "301 Moved Permanently");
  EXPECT_EQ(field(moved, "Location"), "/docs/");
  EXPECT_FALSE(client_->ended);
}

TEST_F(HttpFiles, NothingOutsideTheFolderIsReached) {
  fs::create_symlink("/etc/hostname", folder_ / "out");
  fs::create_symlink("large.bin", folder_ / "in");
  start();
  for (const char* target :
       {"/../etc/hostname", "/%2e%2e/etc/hostname", "/docs/../../etc/hostname", "/a%00"}) {
    EXPECT_EQ(ask(get(target)).status, "400 Bad Request") << target;
  }
  EXPECT_EQ(ask(get("/out")).status, "404 Not Found");
  EXPECT_EQ(ask(get("/in")).body.size(), 300'000u);
}

TEST_F(HttpFiles, RangesAreCutOut) {
  start();
  const std::string all = bytes_of(300'000);
  const auto expect_part = [&](const std::string& range, size_t first, size_t length) {
    const Answer part = ask(get("/large.bin", "Range: bytes=" + range + "\r\n"));
    EXPECT_EQ(part.status, "206 Partial Content") << range;
    EXPECT_EQ(field(part, "Content-Range"),
              "bytes " + std::to_string(first) + "-" + std::to_string(first + length - 1) + "/300000");
    EXPECT_EQ(part.body, all.substr(first, length)) << range;
  };
  expect_part("0-0", 0, 1);
  expect_part("63999-64000", 63'999, 2);  // over the end of a block
  expect_part("64000-127999", 64'000, 64'000);
  expect_part("100-250000", 100, 249'901);
  expect_part("-7", 299'993, 7);
  expect_part("299999-", 299'999, 1);
  const Answer beyond = ask(get("/large.bin", "Range: bytes=300000-\r\n"));
  EXPECT_EQ(beyond.status, "416 Range Not Satisfiable");
  EXPECT_EQ(field(beyond, "Content-Range"), "bytes */300000");
  const Answer several = ask(get("/large.bin", "Range: bytes=0-1,4-5\r\n"));
  EXPECT_EQ(several.status, "200 OK");
  EXPECT_EQ(several.body, all);
  EXPECT_FALSE(client_->ended);
}

TEST_F(HttpFiles, WhatTheClientHasIsNotSentAgain) {
  start();
  const Answer first = ask(get("/"));
  const std::string tag = field(first, "ETag");
  const std::string date = field(first, "Last-Modified");
  for (const std::string& condition : {"If-None-Match: " + tag, "If-Modified-Since: " + date}) {
    // No Content-Length, so no whole answer for take_answer().
    client_->send(get("/", condition + "\r\n"));
    bench_->pass(20ms);
    EXPECT_TRUE(client_->received.starts_with("HTTP/1.1 304 Not Modified\r\n")) << client_->received;
    EXPECT_TRUE(client_->received.ends_with("\r\n\r\n"));
    EXPECT_NE(client_->received.find("ETag: " + tag), std::string::npos);
    EXPECT_EQ(client_->received.find("hello"), std::string::npos);
    client_->received.clear();
  }
  EXPECT_EQ(ask(get("/", "If-None-Match: \"other\"\r\n")).status, "200 OK");
  EXPECT_EQ(ask(get("/", "If-Match: \"other\"\r\n")).status, "412 Precondition Failed");
  // One that stays the same has the same tag, and another has another.
  EXPECT_NE(field(ask(get("/docs/")), "ETag"), tag);
  start();
  EXPECT_EQ(field(ask(get("/")), "ETag"), tag);
}

TEST_F(HttpFiles, PipelinedRequestsAreAnsweredInOrder) {
  start();
  client_->send(get("/large.bin", "Range: bytes=0-99999\r\n") + get("/docs/") + get("/nothing") + get("/"));
  bench_->pass(50ms);
  EXPECT_EQ(take_answer(client_->received).value_or(Answer{}).body, bytes_of(300'000).substr(0, 100'000));
  EXPECT_EQ(take_answer(client_->received).value_or(Answer{}).body, "docs");
  EXPECT_EQ(take_answer(client_->received).value_or(Answer{}).status, "404 Not Found");
  EXPECT_EQ(take_answer(client_->received).value_or(Answer{}).body, "<p>hello</p>\n");
}

TEST_F(HttpFiles, ConnectionsDoNotMixUpWhatTheySend) {
  start();
  Client other(*bench_, ClientOptions{.port = 40'001, .service = 80});
  other.connect();
  client_->send(get("/large.bin", "Range: bytes=1000-200999\r\n"));
  other.send(get("/large.bin", "Range: bytes=70000-269999\r\n"));
  bench_->pass(50ms);
  EXPECT_EQ(take_answer(client_->received).value_or(Answer{}).body, bytes_of(300'000).substr(1'000, 200'000));
  EXPECT_EQ(take_answer(other.received).value_or(Answer{}).body, bytes_of(300'000).substr(70'000, 200'000));
}

TEST_F(HttpFiles, TheLastRequestOfALimitedNumberCloses) {
  config_.max_requests = 3;
  for (const bool with_files : {true, false}) {
    if (!with_files) config_.root.clear();
    start();
    EXPECT_FALSE(ask(get("/")).has("Connection: close"));
    EXPECT_FALSE(ask(get("/nothing")).has("Connection: close"));
    EXPECT_FALSE(client_->ended);
    EXPECT_TRUE(ask(get("/")).has("Connection: close"));
    bench_->settle();
    EXPECT_TRUE(client_->ended);
  }
}

TEST_F(HttpFiles, TakeNoMoreMemoryThanTheListingSays) {
  for (int i = 0; i < 40; ++i) write("small" + std::to_string(i), bytes_of(static_cast<size_t>(i) * 100));
  const app::SiteListing listing = app::list_site(folder_);
  EXPECT_EQ(listing.files.size(), 45u);
  const uint64_t before = eal_memory_in_use();
  const app::Site site(folder_);
  EXPECT_EQ(site.size(), 45u);
  const uint64_t taken = eal_memory_in_use() - before;
  EXPECT_LE(taken, listing.memory);
  EXPECT_GE(taken, listing.memory / 3);
}

TEST_F(HttpFiles, AFolderThatIsNoneIsRefused) {
  EXPECT_THROW(app::list_site(folder_ / "nothing"), std::runtime_error);
  EXPECT_THROW(app::list_site(folder_ / "large.bin"), std::runtime_error);
}

}  // namespace
}  // namespace tern::test
