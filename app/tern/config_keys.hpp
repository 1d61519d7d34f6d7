// SPDX-License-Identifier: BSD-3-Clause
// The keys that a configuration file may hold: one table, which the validator obeys and docs/configuration.md
// is tested against.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tern::app {

enum class ValueType : uint8_t { kInteger, kBoolean, kText, kIntegers, kTexts };

struct KnownKey {
  std::string_view table;          // "port", for [[port]]
  std::string_view name;           // "mtu"
  ValueType type;                  //
  std::string_view default_value;  // as TOML; empty: the key is required
  std::string_view note;           // integers: the unit; others: which values are allowed
  int64_t least = 0;               // integers only
  int64_t most = 0;                //
  std::string_view zero = {};      // what 0 stands for, where it is allowed outside of least to most

  bool required() const { return default_value.empty(); }
};

// All of them, grouped by table.
std::span<const KnownKey> known_keys();

// nullptr when there is no such key.
const KnownKey* find_key(std::string_view table, std::string_view name);

// A table of the file: written once as [name], or any number of times as [[name]].
struct KnownTable {
  std::string_view name;
  bool repeated;
};
std::span<const KnownTable> known_tables();

// "[tcp]" or "[[port]]"
std::string header(std::string_view table);

// "an integer from 576 to 9216 (bytes)"
std::string allowed(const KnownKey& key);

}  // namespace tern::app
