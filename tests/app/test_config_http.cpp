// SPDX-License-Identifier: BSD-3-Clause
// What a [[service]] of kind http has of its own: files, and how many requests a connection may make.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config_support.hpp"

namespace tern::app {
namespace {

namespace fs = std::filesystem;

class ConfigHttp : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tern-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directory(folder_ / "www");
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Of a file in the folder.
  LoadedConfig parse(const std::string& service_keys) const {
    return parse_config(minimal({}, {}, service_keys), (folder_ / "t.toml").string(), eight_cpus());
  }
  std::string errors(const std::string& service_keys) const { return lines(parse(service_keys).errors); }

  fs::path folder_;
};

TEST_F(ConfigHttp, ARelativeRootBeginsAtTheFilesFolder) {
  std::ofstream(folder_ / "www/index.html") << std::string(100'000, 'x');
  const LoadedConfig loaded = parse("root = \"www\"\nmax_requests = 7\nidle_timeout_s = 75\n");
  ASSERT_TRUE(loaded.config) << lines(loaded.errors);
  const HttpConfig& http = loaded.config->services[0].http;
  EXPECT_EQ(http.root, (folder_ / "www").string());
  EXPECT_EQ(http.root_bytes, 2u * 65'536);
  EXPECT_EQ(http.max_requests, 7u);
  EXPECT_EQ(http.idle_timeout, std::chrono::seconds(75));
  EXPECT_EQ(parse("root = \"" + (folder_ / "www").string() + "\"\n").config->services[0].http.root_bytes,
            2u * 65'536);
  EXPECT_TRUE(loaded.warnings.empty());
}

TEST_F(ConfigHttp, AnEmptyFolderIsWarnedOf) { EXPECT_EQ(parse("root = \"www\"\n").warnings.size(), 1u); }

TEST_F(ConfigHttp, WhatIsNoFolderIsRefused) {
  EXPECT_EQ(errors("root = \"nothing\"\n"), (folder_ / "t.toml").string() +
                                                ":10:8: service.root: found \"nothing\": no folder that can "
                                                "be read; allowed is the path of a folder, "
                                                "or \"\" (none)\n");
}

TEST_F(ConfigHttp, FilesBeyondTheLimitAreRefused) {
  std::ofstream(folder_ / "www/large") << std::string(1'100'000, 'x');
  EXPECT_EQ(
      errors("root = \"www\"\nroot_limit_mib = 1\n"),
      (folder_ / "t.toml").string() +
          ":10:8: service.root: found \"www\", whose files take 2 MiB of each worker's memory; allowed are "
          "root_limit_mib = 1, raise it or take files out\n");
}

TEST_F(ConfigHttp, OtherKindsHaveNoneOfIt) {
  const std::string text = minimal("http", "kind = \"echo\"", "max_requests = 7\n");
  EXPECT_EQ(lines(parse_config(text, "t.toml", eight_cpus()).errors),
            "t.toml:10:16: service.max_requests: found below a service of kind \"echo\"; allowed is it with "
            "kind = \"http\" only\n");
}

}  // namespace
}  // namespace tern::app
