// The calls that are more than "evaluate the arguments and call": which symbol
// stands for which form. A form is known by its name alone; what a user's own
// function of that name does differently costs at most a name too many.
#pragma once

#include <Rinternals.h>

#include "bridge/main_thread.h"

namespace elsewhere {

enum class Form {
  Call,               // nothing special: arguments may or may not be evaluated
  Strict,             // evaluates every argument: a builtin of R
  Function,           // function(x) body
  Brace,              // { and (
  Assign,             // <- and =
  SuperAssign,        // <<-
  If,                 //
  For,                //
  While,              //
  Repeat,             //
  AndOr,              // && and ||
  Switch,             //
  Leave,              // return(), break, next
  Quote,              // quote(), substitute(), expression()
  Bquote,             //
  Formula,            // ~
  Namespace,          // :: and :::
  Component,          // $ and @
  Bracket,            // [ and [[
  ColumnAssign,       // := of data.table
  Local,              // local()
  Mask,               // with() and others whose later arguments see columns
  Missing,            // missing()
  Remove,             // rm()
  Library,            // library(), require()
  Data,               // data()
  SureFirst,          // evaluates its first argument for sure, in place
  CallsFunction,      // takes a function by name: do.call(), lapply(), match.fun()
  Get,                // get(), exists(), mget()
  Template,           // glue("{x}") and its kin
  Parse,              // parse(text = "x"), str2lang("x")
  AssignByName,       // assign()
  DelayedAssign,      // delayedAssign()
  UseMethod,          // UseMethod(), standardGeneric()
  Dots,               // ...length(), ...elt(), ...names()
  Pipe,               // %>% and its kin
  FutureAssign,       // %<-%
  FutureAssignRight,  // %->%
  FutureModifier,     // %seed% and its kin
  ForEach,            // %do%, %dopar%
};

// Symbols that the walk compares with.
struct KnownSymbols {
  SEXP colon_equal, dot, dot_dot, expr, env, what, data, dot_data, character_only, function,
      double_colon, triple_colon, foreach, colon_operator, c, drop, exact, envir, list, fun,
      fun_upper, dot_f, then, srcfile, mode;
};

// Built at the first call; symbols live as long as R.
const KnownSymbols& known(MainThread& main);
Form form_of(MainThread& main, SEXP head);
// `name<-` for `name`.
SEXP replacement_symbol(MainThread& main, SEXP name);
// `x` for `..x`; null for any other symbol.
SEXP without_dots(MainThread& main, SEXP symbol);
// The number of ..1, ..2, ...; 0 for any other symbol.
int dots_number(SEXP symbol);
// `.x`, `.N` and others that some function binds for its argument.
bool is_placeholder(MainThread& main, SEXP symbol);

}  // namespace elsewhere
