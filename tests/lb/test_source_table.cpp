// SPDX-License-Identifier: BSD-3-Clause
// The bounded table of clients.
#include "lb/source_table.hpp"

#include <gtest/gtest.h>

namespace tern::lb {
namespace {

struct Note {
  uint32_t number = 0;
  bool held = false;
  bool pinned() const { return held; }
};

constexpr net::Instant at(int64_t n) { return {n}; }

TEST(SourceTable, FindsWhatWasAdded) {
  SourceTable<Note> table(8192, 1);
  for (uint32_t i = 0; i < 500; ++i) table.find_or_add({i}, at(1))->number = i;
  for (uint32_t i = 0; i < 500; ++i) {
    const Note* note = table.find({i}, at(2));
    ASSERT_NE(note, nullptr);
    EXPECT_EQ(note->number, i);
  }
  EXPECT_EQ(table.find({999}, at(2)), nullptr);
}

TEST(SourceTable, ForgetsTheLeastRecentlyUsed) {
  SourceTable<Note> table(8, 1);  // one set
  EXPECT_EQ(table.capacity(), 8u);
  for (uint32_t i = 0; i < 8; ++i) table.find_or_add({i}, at(i));
  table.find({0}, at(100));
  table.find_or_add({8}, at(101));
  EXPECT_NE(table.find({0}, at(102)), nullptr);
  EXPECT_EQ(table.find({1}, at(102)), nullptr);
}

TEST(SourceTable, NeverForgetsWhatIsPinned) {
  SourceTable<Note> table(8, 1);
  for (uint32_t i = 0; i < 8; ++i) table.find_or_add({i}, at(i))->held = true;
  EXPECT_EQ(table.find_or_add({8}, at(9)), nullptr);
  table.find({3}, at(9))->held = false;
  EXPECT_NE(table.find_or_add({8}, at(10)), nullptr);
  EXPECT_EQ(table.find({3}, at(10)), nullptr);
}

TEST(SourceTable, BeginsAnewForANewAddress) {
  SourceTable<Note> table(1, 1);
  table.find_or_add({1}, at(1))->number = 77;
  for (uint32_t i = 2; i < 10; ++i) EXPECT_EQ(table.find_or_add({i}, at(i))->number, 0u);
  EXPECT_EQ(table.find({1}, at(20)), nullptr);
}

}  // namespace
}  // namespace tern::lb
