// SPDX-License-Identifier: BSD-3-Clause
// Reads the values of one table of a parsed TOML file and reports all that is wrong with their keys, types
// and ranges.
#pragma once

#include <toml++/toml.h>

#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/instant.hpp"
#include "tern/config_keys.hpp"
#include "tern/config_problem.hpp"

namespace tern::app {

// A value with its place, for those that are examined further.
template <class T>
struct Placed {
  T value;
  Position at;
};

Position position_of(const toml::node& node);

// The value as the operator wrote it, with its type: `the integer 7`, `the string "7"`, `an array`.
std::string describe(const toml::node& node);

// Every read_* does nothing, or returns nothing, when the key is absent or its value wrong; the latter it
// reports.
class TableReader {
 public:
  // The first of tables names this one; the keys of all of them may stand in it. All three arguments must
  // outlive the reader.
  TableReader(const toml::table& table, std::initializer_list<std::string_view> tables, ProblemLog& log)
      : table_(table), tables_(tables), log_(log) {}

  // Reports keys that tern does not know and those that it cannot do without.
  void check_keys() const;

  template <std::integral T>
  void read_integer(std::string_view name, T& field) const {
    if (const auto value = integer(name)) field = static_cast<T>(*value);
  }
  // Of a key whose unit is Unit's.
  template <class Unit>
  void read_duration(std::string_view name, net::Duration& field) const {
    if (const auto count = integer(name)) field = Unit(*count);
  }
  void read_boolean(std::string_view name, bool& field) const;

  std::optional<int64_t> integer(std::string_view name) const;
  std::optional<Placed<std::string>> text(std::string_view name) const;
  std::vector<Placed<int64_t>> integers(std::string_view name) const;
  std::vector<Placed<std::string>> texts(std::string_view name) const;

  bool has(std::string_view name) const { return table_.contains(name); }
  bool has_array(std::string_view name) const { return table_[name].is_array(); }
  // Of the array, right and wrong elements alike; 0 when the key holds none.
  size_t length(std::string_view name) const { return has_array(name) ? table_[name].as_array()->size() : 0; }
  // Of the key's value; of the table's header when the key is absent.
  Position where(std::string_view name) const;
  // "port.mtu"
  std::string path(std::string_view name) const;

  // Reports: what was found, and what the table of known keys allows.
  void refuse(std::string_view name, Position at, const std::string& found,
              const std::string& remedy = {}) const;

 private:
  const KnownKey* known(std::string_view name) const;
  const toml::node* find(std::string_view name) const;
  const toml::array* find_array(std::string_view name, toml::node_type element) const;
  void report_unknown(const toml::key& key, const toml::node& value) const;

  const toml::table& table_;
  std::vector<std::string_view> tables_;
  ProblemLog& log_;
};

// What to say of a key that [table] does not know, by what its name resembles among names, and where else it
// is known.
std::string unknown_key_text(std::string_view written, std::string_view table,
                             const std::vector<std::string_view>& names, bool is_table);

}  // namespace tern::app
