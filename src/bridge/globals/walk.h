// The walk in progress; only the walk_*.cpp files see it. walk.cpp has the
// recursion, the others a family of forms each.
#pragma once

#include "bridge/globals/forms.h"
#include "bridge/globals/scope.h"
#include "bridge/globals/summary.h"
#include "bridge/globals/walker.h"

namespace elsewhere {

class Walk {
 public:
  explicit Walk(MainThread& main) : main_(main), known_(known(main)) {}

  void code(SEXP code, Certainty certainty);
  void function(SEXP formals, SEXP body);
  Summary finish();

 private:
  // One call deeper, for as long as it is there.
  class Deeper {
   public:
    explicit Deeper(Walk& walk) : walk_(walk) { walk.check_depth(++walk.level_); }
    ~Deeper() { --walk_.level_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Walk& walk_;
  };
  void check_depth(int level);

  // walk.cpp
  void node(SEXP node);
  void call(SEXP call);
  void form(Form form, SEXP head, SEXP call, bool head_is_free);
  void constant(SEXP value);
  void string(SEXP text);
  void arguments(SEXP arguments);  // each may or may not be evaluated
  void argument(SEXP value);
  void strict_arguments(SEXP arguments);
  void weakly(SEXP value);
  void weak_arguments(SEXP arguments);
  void use_value(SEXP symbol);
  void use_function(SEXP symbol);
  void use_function_weakly(SEXP symbol);

  // walk_binding.cpp
  void assign(SEXP call);
  void super_assign(SEXP call);
  void target(SEXP target, bool is_outermost, bool is_super);
  void component(SEXP call);
  void remove(SEXP arguments);
  void assign_by_name(SEXP arguments, bool is_delayed);
  void future_assign(SEXP head, SEXP target, SEXP value);
  BoundTo bound_to(SEXP value);
  SEXP symbol_of(SEXP name);  // of a symbol or a string, or null

  // walk_control.cpp
  void if_else(SEXP arguments);
  void for_loop(SEXP arguments);
  void while_loop(SEXP arguments);
  void repeat_loop(SEXP arguments);
  void and_or(SEXP arguments);
  void switch_over(SEXP arguments);
  void leave(SEXP arguments);
  void branch(SEXP code);
  void local(SEXP arguments);
  void foreach_loop(SEXP head, SEXP arguments);
  void bind_iterators(SEXP call);

  // walk_quoted.cpp
  void bquote(SEXP arguments);
  void bquoted(SEXP code);
  void namespaced(SEXP call);
  void bracket(SEXP head, SEXP arguments);
  bool looks_like_data_table(SEXP arguments);
  void masked(SEXP arguments);
  void column_assign(SEXP arguments);
  void library(SEXP arguments);

  // walk_by_name.cpp
  void calls_function(SEXP arguments);
  void function_by_name(SEXP value);
  bool is_computed_name(SEXP value);
  void text_arguments(SEXP callee, SEXP arguments);
  void get_by_name(SEXP arguments);
  enum class Text { Code, Template };
  void code_in_text(SEXP arguments, Text kind);
  void names_in(SEXP string, Text kind);
  void use_method(SEXP arguments);
  void pipe(SEXP head, SEXP arguments);

  MainThread& main_;
  const KnownSymbols& known_;
  Scope scope_;
  Summary out_;
  PointerSet strings_;
  int weak_ = 0;  // inside how much that may not be evaluated
  int level_ = 0;
};

inline SEXP second(SEXP list) { return CDR(list) == R_NilValue ? R_NilValue : CADR(list); }

}  // namespace elsewhere
