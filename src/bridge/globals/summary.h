// What a piece of code asks of its surroundings, whatever these are: the result
// of one walk, kept by the memo as long as the code lives.
#pragma once

#include <Rinternals.h>

#include <cstddef>
#include <vector>

namespace elsewhere {

// One free name. A name that is not certain is exported if it is there, and is
// no mistake if it is not: it may be bound on some path, be a column of a data
// frame, or be quoted.
struct NameUse {
  SEXP symbol = nullptr;
  bool as_value = false;
  bool as_function = false;
  bool is_certain = false;
};

// A short string that is an argument of a call, which may take it for a name.
struct TextArgument {
  SEXP callee = nullptr;  // a symbol, or null: obj$method("x")
  SEXP text = nullptr;    // CHARSXP
};

struct Summary {
  std::vector<NameUse> uses;
  std::vector<SEXP> namespaces;  // pkg of pkg::name, as CHARSXP
  std::vector<SEXP> generics;    // literal first arguments of UseMethod(), as CHARSXP
  std::vector<SEXP> strings;     // other short string literals, as CHARSXP
  std::vector<SEXP> constants;   // values in the code that may hold code themselves
  std::vector<TextArgument> texts;
  std::size_t nodes = 0;
  // Looks up a function, or any variable, by a name that it gets from its caller
  // or from a variable of its own: function(f, x) do.call(f, x).
  bool names_functions = false;
  bool names_values = false;
  bool calls_closures = false;     // calls something that may dispatch on a class
  bool holds_large_value = false;  // a vector that nobody typed: not to be kept alive
};

}  // namespace elsewhere
