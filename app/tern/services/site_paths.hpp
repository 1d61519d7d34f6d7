// SPDX-License-Identifier: BSD-3-Clause
// Which files an http service shows, which of them a request's target names, and what type they are of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tern::app {

// Of a file's bytes, so many lie in one block of memory; with what goes in front it fits 64 KiB.
constexpr uint32_t kSiteBlock = 64'000;

// What a folder holds, as far as it may be shown: regular files, and links to such within the folder, but
// none whose name, or whose folder's, begins with a dot.
struct SiteListing {
  struct Entry {
    std::string path;  // within the folder: "docs/a.html"
    uint64_t size;
  };
  std::vector<Entry> files;  // by path
  uint64_t memory = 0;       // bytes that they take in blocks
};

// Files larger than this are refused.
constexpr uint64_t kMostSiteFile = 1ULL << 30;

// Throws std::runtime_error, saying what was found, when root is no folder that can be read, or holds a file
// that is too large.
SiteListing list_site(const std::filesystem::path& root);

// The path within the folder that a target names, "docs/a.html": percent-decoded, without the query. False
// when it names none: it does not begin with a slash, has a % without two hexadecimal digits, a zero byte, or
// a segment
// "..".
bool site_path(std::string_view target, std::string& path);

// "text/html; charset=utf-8" for "a.html"; "application/octet-stream" for what is not known.
std::string_view content_type(std::string_view path);

}  // namespace tern::app
