// SPDX-License-Identifier: BSD-3-Clause
// The files of an http service: read once, at start, and sent from memory without a copy.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/dpdk/frame.hpp"
#include "tern/services/http_conditions.hpp"
#include "tern/services/site_paths.hpp"

namespace tern::app {

// A file's bytes in blocks of kSiteBlock, of which the last may be shorter.
struct SiteFile {
  std::vector<std::unique_ptr<net::dpdk::StaticPayload>> blocks;
  uint32_t size = 0;
  std::string tag;        // a strong entity tag, from the bytes, quotes included
  HttpTime modified = 0;  // as the file system says
  std::string fields;     // of each answer that has the file: type, tag, date

  HttpValidators validators() const { return {tag, modified, size}; }
};

class Site {
 public:
  // Reads all of root's files into EAL's memory. Throws std::runtime_error where that fails.
  explicit Site(const std::filesystem::path& root);

  enum class Found : uint8_t {
    kFile,
    kFolder,   // the target is the name of a folder, and lacks the slash at its end
    kNothing,  //
    kRefused,  // the target is no path, or leaves the folder
  };
  struct Answer {
    Found found = Found::kNothing;
    const SiteFile* file = nullptr;
    uint32_t number = 0;  // of the file
  };
  // A request's target: percent-decoded, without its query; a folder's name that ends with a slash means its
  // index.html.
  Answer find(std::string_view target) const;
  const SiteFile& file(uint32_t number) const { return *files_[number]; }
  size_t size() const { return files_.size(); }

 private:
  Answer answer(uint32_t number) const { return {Found::kFile, files_[number].get(), number}; }

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::vector<std::unique_ptr<SiteFile>> files_;
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> numbers_;  // by path
};

}  // namespace tern::app
