#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The samples of C++ that cpp_text must cut rightly, else the check of lengths is blind."""

import unittest

import cpp_text


def cut(text):
    return [(f.name, f.first, f.last) for f in cpp_text.functions(text)]


class Functions(unittest.TestCase):
    def test_free_functions_in_namespaces_are_found_with_their_lines(self):
        self.assertEqual(cut("namespace a::b {\n\nint f(int x = {}) {\n  return x;\n}\n}  // namespace\n"), [("f", 3, 5)])

    def test_members_constructors_and_operators_are_found(self):
        text = ("class A final : public B<int> {\n public:\n  A(int x) : x_(x), y_{1}, z_{f(2), 3} {\n    g();\n  }\n"
                "  ~A() override { h(); }\n  bool operator==(const A& o) const { return x_ == o.x_; }\n"
                "  int operator()(int a) const noexcept {\n    return a;\n  }\n private:\n  int x_{0};\n  int y_ = 1;\n};\n")
        self.assertEqual(cut(text), [("A", 3, 5), ("~A", 6, 6), ("operator==", 7, 7), ("operator()", 8, 10)])

    def test_definitions_outside_the_class_keep_their_class_name(self):
        self.assertEqual(cut("void A::f(B&& b) && {\n}\nauto A::g() -> C<D> {\n}\n"), [("A::f", 1, 2), ("A::g", 3, 4)])

    def test_a_function_that_spreads_its_parameters_starts_at_its_first_line(self):
        self.assertEqual(cut("static int f(int a,\n             int b)\n{\n}\n"), [("f", 1, 4)])

    def test_templates_and_attributes_do_not_hide_a_function(self):
        self.assertEqual(cut("template <typename T = int, int N = 3>\n[[nodiscard]] T f(T t) {\n  return t;\n}\n"),
                         [("f", 1, 4)])

    def test_values_and_types_are_no_functions(self):
        self.assertEqual(cut("constexpr int k[] = {1, 2};\nenum class E : int { kA, kB };\nstruct alignas(64) S { int a; };\n"
                             "union U { int a; };\nFoo x{1};\nextern \"C\" {\nint c();\n}\n"), [])

    def test_a_lambda_at_namespace_scope_is_a_function(self):
        self.assertEqual(len(cut("const auto f = [](int x) {\n  return x;\n};\n")), 1)

    def test_a_lambda_within_a_function_counts_to_it(self):
        self.assertEqual(cut("void f() {\n  auto g = [&] {\n    h();\n  };\n  if (x) { y(); }\n}\n"), [("f", 1, 6)])

    def test_braces_in_comments_texts_characters_and_macros_do_not_count(self):
        text = ("// { {\n/* { */\n#define LIST(X) \\\n  X({) \\\n  X(()\nvoid f() {\n  g(\"}}\\\"}\", '}', R\"x(}\n)}\")x\", 1'000);"
                "\n}\nvoid h() {\n}\n")
        self.assertEqual(cut(text), [("f", 6, 9), ("h", 10, 11)])

    def test_a_test_is_named_by_its_rule(self):
        self.assertEqual(cut("TEST(Seq, Wraps) {\n}\n"), [("TEST(Seq, Wraps)", 1, 2)])

    def test_structs_that_functions_return_do_not_open_a_scope(self):
        self.assertEqual(cut("struct A f(int x) {\n  return {x};\n}\n"), [("f", 1, 3)])


class Blank(unittest.TestCase):
    def test_lines_stay_where_they_are(self):
        text = "int a; /* x\n y */ int b; // z\nconst char* c = \"d\";\n"
        self.assertEqual(cpp_text.blank(text).count("\n"), text.count("\n"))
        self.assertIn("\"d\"", cpp_text.blank(text, keep_texts=True))
        self.assertNotIn("d\"", cpp_text.blank(text))


if __name__ == "__main__":
    unittest.main()
