// SPDX-License-Identifier: BSD-3-Clause
// Keys, types and ranges of one table of the configuration.
#include "tern/config_reader.hpp"

#include <algorithm>
#include <sstream>

namespace tern::app {
namespace {

// How to write what was plainly meant, where the type alone is wrong; empty otherwise.
std::string remedy_for_type(const toml::node& found, ValueType expected) {
  const auto* const text = found.as_string();
  switch (expected) {
    case ValueType::kInteger:
    case ValueType::kBoolean: {
      if (text == nullptr) return {};
      const std::string& word = text->get();
      const bool digits = !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
      const bool meant = expected == ValueType::kInteger ? digits : word == "true" || word == "false";
      return meant ? "write it without quotes: " + word : std::string{};
    }
    case ValueType::kIntegers:
      return found.is_integer() ? "write it in brackets: [" + std::to_string(found.as_integer()->get()) + "]"
                                : std::string{};
    case ValueType::kTexts:
      return text != nullptr ? "write it in brackets: [" + in_quotes(text->get()) + "]" : std::string{};
    case ValueType::kText:
      return {};
  }
  return {};
}

toml::node_type node_type_of(ValueType type) {
  switch (type) {
    case ValueType::kInteger:
      return toml::node_type::integer;
    case ValueType::kBoolean:
      return toml::node_type::boolean;
    case ValueType::kText:
      return toml::node_type::string;
    case ValueType::kIntegers:
    case ValueType::kTexts:
      return toml::node_type::array;
  }
  return toml::node_type::none;
}

}  // namespace

Position position_of(const toml::node& node) {
  const auto& begin = node.source().begin;
  return {begin.line, begin.column};
}

std::string describe(const toml::node& node) {
  if (const auto* text = node.as_string()) return "the string " + in_quotes(text->get());
  if (const auto* number = node.as_integer()) return "the integer " + std::to_string(number->get());
  if (const auto* boolean = node.as_boolean())
    return boolean->get() ? "the boolean true" : "the boolean false";
  if (const auto* number = node.as_floating_point()) {
    std::ostringstream stream;
    stream << "the floating-point number " << number->get();
    return stream.str();
  }
  if (const auto* array = node.as_array())
    return array->is_array_of_tables() ? "an array of tables" : "an array";
  return node.is_table() ? "a table" : "a date or time";
}

std::string unknown_key_text(std::string_view written, std::string_view table,
                             const std::vector<std::string_view>& names, bool is_table) {
  std::string text = "unknown ";
  text += is_table ? "table" : "key";
  const std::string place = table.empty() ? "" : " in " + header(table);
  for (const KnownKey& key : known_keys()) {
    if (key.name == written) return text + place + "; it belongs below " + header(key.table);
  }
  if (const auto meant = closest(written, names); !meant.empty()) {
    return text + place + "; did you mean " + (table.empty() ? header(meant) : std::string(meant)) + "?";
  }
  std::vector<std::string> headers;
  headers.reserve(names.size());
  for (const auto name : names) headers.push_back(table.empty() ? header(name) : std::string(name));
  const std::vector<std::string_view> views(headers.begin(), headers.end());
  return text + place + "; known are " + enumerate(views);
}

const KnownKey* TableReader::known(std::string_view name) const {
  for (const auto table : tables_) {
    if (const auto* key = find_key(table, name)) return key;
  }
  return nullptr;
}

std::string TableReader::path(std::string_view name) const {
  return std::string(tables_.front()) + '.' + std::string(name);
}

Position TableReader::where(std::string_view name) const {
  const auto* const node = table_.get(name);
  return position_of(node != nullptr ? *node : table_);
}

void TableReader::refuse(std::string_view name, Position at, const std::string& found,
                         const std::string& remedy) const {
  log_.error(
      at, path(name),
      "found " + found + "; allowed is " + allowed(*known(name)) + (remedy.empty() ? "" : "; " + remedy));
}

const toml::node* TableReader::find(std::string_view name) const {
  const auto* const node = table_.get(name);
  const ValueType expected = known(name)->type;
  if (node == nullptr || node->type() == node_type_of(expected)) return node;
  refuse(name, position_of(*node), describe(*node), remedy_for_type(*node, expected));
  return nullptr;
}

const toml::array* TableReader::find_array(std::string_view name, toml::node_type element) const {
  const auto* const node = find(name);
  if (node == nullptr) return nullptr;
  for (const auto& item : *node->as_array()) {
    if (item.type() != element) refuse(name, position_of(item), describe(item) + " in the array");
  }
  return node->as_array();
}

void TableReader::read_boolean(std::string_view name, bool& field) const {
  if (const auto* node = find(name)) field = node->as_boolean()->get();
}

std::optional<int64_t> TableReader::integer(std::string_view name) const {
  const auto* const node = find(name);
  if (node == nullptr) return std::nullopt;
  const KnownKey& key = *known(name);
  const int64_t value = node->as_integer()->get();
  const bool special = value == 0 && !key.zero.empty();
  if (special || (key.least <= value && value <= key.most)) return value;
  refuse(name, position_of(*node), describe(*node));
  return std::nullopt;
}

std::optional<Placed<std::string>> TableReader::text(std::string_view name) const {
  const auto* const node = find(name);
  if (node == nullptr) return std::nullopt;
  return Placed<std::string>{node->as_string()->get(), position_of(*node)};
}

std::vector<Placed<int64_t>> TableReader::integers(std::string_view name) const {
  std::vector<Placed<int64_t>> values;
  const auto* const array = find_array(name, toml::node_type::integer);
  if (array == nullptr) return values;
  for (const auto& item : *array) {
    if (const auto* number = item.as_integer()) values.push_back({number->get(), position_of(item)});
  }
  return values;
}

std::vector<Placed<std::string>> TableReader::texts(std::string_view name) const {
  std::vector<Placed<std::string>> values;
  const auto* const array = find_array(name, toml::node_type::string);
  if (array == nullptr) return values;
  for (const auto& item : *array) {
    if (const auto* text = item.as_string()) values.push_back({text->get(), position_of(item)});
  }
  return values;
}

void TableReader::check_keys() const {
  for (const auto& [key, value] : table_) {
    const auto* const found = known(key.str());
    if (found == nullptr) report_unknown(key, value);
  }
  for (const KnownKey& key : known_keys()) {
    if (key.table != tables_.front() || !key.required() || has(key.name)) continue;
    log_.error(position_of(table_), path(key.name),
               "missing below " + header(key.table) + "; allowed is " + allowed(key));
  }
}

void TableReader::report_unknown(const toml::key& key, const toml::node& value) const {
  std::vector<std::string_view> names;
  for (const KnownKey& candidate : known_keys()) {
    if (std::find(tables_.begin(), tables_.end(), candidate.table) != tables_.end()) {
      names.push_back(candidate.name);
    }
  }
  const auto& begin = key.source().begin;
  log_.error({begin.line, begin.column}, path(printable(key.str())),
             unknown_key_text(key.str(), tables_.front(), names, value.is_table()));
}

}  // namespace tern::app
