// From an R expression to a program. Only what can pause, and the control flow
// around it, becomes instructions; everything else stays an R expression that R
// evaluates. Main thread, inside r_call(): an error raised here is an R error.
#pragma once

#include <Rinternals.h>

#include "bridge/eval/program.h"

namespace elsewhere::eval {

// What the body is, as far as that decides what may stand in it.
enum class BodyKind : int { Generator = 0, Async = 1, Stream = 2, Run = 3 };

struct CompileOptions {
  BodyKind kind;
  bool strict_pipes;  // split_pipes = FALSE: a pause may not stand in the
                      // arguments of an ordinary call
};

// `env` is where the body will run; only looked at, to see whether names such as
// tryCatch mean base R's. The result is not protected.
SEXP compile_body(SEXP expr, SEXP env, CompileOptions options);

// The rest is for the compiler's own files (compile*.cpp).
struct Compiler {
  Assembler assembler;
  SEXP env;
  CompileOptions options;
  int loops = 0;        // VM loops around this point, in the innermost scope
  int shared = 0;       // > 0 where code is made twice, strict and lazy
  int switches = 0;     // switch() with goto() around this point, in this scope
  int exits_merge = 0;  // where code that on.exit() registered goes on
};

void compile(Compiler& c, SEXP expr);
void compile_leaf(Compiler& c, SEXP expr);
void compile_shared(Compiler& c, SEXP expr);                   // compile_call.cpp
void compile_call(Compiler& c, SEXP call);                     // compile_call.cpp
void compile_replacement(Compiler& c, SEXP call);              // compile_call.cpp
bool compile_handler_word(Compiler& c, SEXP word, SEXP call);  // compile_handlers.cpp
void compile_await_or(Compiler& c, SEXP operand, SEXP handler);
void compile_switch(Compiler& c, SEXP call);  // compile_switch.cpp
void compile_goto(Compiler& c, SEXP call);    // compile_switch.cpp
// Code that has a frame of its own, with its on.exit() (compile_exits.cpp).
void compile_with_exits(Compiler& c, SEXP expr);
void compile_on_exit(Compiler& c, SEXP call);
bool contains_on_exit(SEXP expr);
// try and its kin, local, ...: words whose meaning depends on the binding.
bool is_flow_word(SEXP word);
bool is_handler_word(SEXP word);
bool is_base_function(Compiler& c, SEXP word);
bool needs_machine(SEXP expr);
[[noreturn]] void build_error(const char* problem, SEXP culprit);

}  // namespace elsewhere::eval
