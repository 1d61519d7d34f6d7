// SPDX-License-Identifier: BSD-3-Clause
// docs/configuration.md and the validator know the same keys, defaults and ranges.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "tern/config_keys.hpp"

namespace tern::app {
namespace {

// "table.key: default | allowed" for each row of the page's tables.
std::multiset<std::string> documented() {
  std::ifstream page(TERN_SOURCE_ROOT "/docs/configuration.md");
  std::multiset<std::string> rows;
  std::string table;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) {
      table = line.substr(3);
      std::erase_if(table, [](char c) { return c == '[' || c == ']'; });
    }
    if (!line.starts_with("| `")) continue;
    const size_t name_end = line.find("` | ");
    const size_t default_end = line.find(" | ", name_end + 4);
    const size_t allowed_end = line.find(" | ", default_end + 3);
    rows.insert(table + "." + line.substr(3, name_end - 3) + ": " +
                line.substr(name_end + 4, allowed_end - name_end - 4));
  }
  return rows;
}

std::multiset<std::string> validated() {
  std::multiset<std::string> rows;
  for (const KnownKey& key : known_keys()) {
    const std::string value = key.required() ? "required" : "`" + std::string(key.default_value) + "`";
    rows.insert(std::string(key.table) + "." + std::string(key.name) + ": " + value + " | " + allowed(key));
  }
  return rows;
}

TEST(ConfigDocs, EveryKeyIsDocumentedWithItsDefaultAndRangeAndNoOther) {
  const auto page = documented();
  const auto table = validated();
  std::vector<std::string> undocumented, unknown;
  std::set_difference(table.begin(), table.end(), page.begin(), page.end(), std::back_inserter(undocumented));
  std::set_difference(page.begin(), page.end(), table.begin(), table.end(), std::back_inserter(unknown));
  EXPECT_EQ(undocumented, std::vector<std::string>{});
  EXPECT_EQ(unknown, std::vector<std::string>{});
  EXPECT_GE(table.size(), 29u);
}

TEST(ConfigDocs, EveryTableHasItsSection) {
  std::ifstream file(TERN_SOURCE_ROOT "/docs/configuration.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const KnownTable& table : known_tables()) {
    EXPECT_NE(page.find("\n## " + header(table.name) + "\n"), std::string::npos) << table.name;
  }
}

}  // namespace
}  // namespace tern::app
