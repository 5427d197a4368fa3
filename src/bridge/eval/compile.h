// From an R expression to a program. Only what can pause, and the control flow
// around it, becomes instructions; everything else stays an R expression that R
// evaluates. Main thread, inside r_call(): an error raised here is an R error.
#pragma once

#include <Rinternals.h>

#include "bridge/eval/facts.h"
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
  FactTable facts;
  SEXP env;
  CompileOptions options;
  int loops = 0;             // VM loops around this point, in the innermost scope
  int shared = 0;            // > 0 where code is made twice, strict and lazy
  int switches = 0;          // switch() with goto() around this point, in this scope
  int exits_merge = 0;       // where code that on.exit() registered goes on
  bool exits_pause = false;  // the machine runs the on.exit() of this scope
};

bool pauses(const Compiler& c, SEXP expr);
void compile(Compiler& c, SEXP expr);
void compile_leaf(Compiler& c, SEXP expr);
void push_null(Compiler& c);
void push_invisible_null(Compiler& c);
[[noreturn]] void build_error(const char* problem, SEXP culprit);

// Each makes the code of a call of its word (word_table.cpp), which the machine is to
// run. False, and nothing made, where it cannot.
bool compile_paren(Compiler& c, SEXP call);
bool compile_brace(Compiler& c, SEXP call);
bool compile_if(Compiler& c, SEXP call);
bool compile_for(Compiler& c, SEXP call);
bool compile_while(Compiler& c, SEXP call);
bool compile_repeat(Compiler& c, SEXP call);
bool compile_break(Compiler& c, SEXP call);
bool compile_next(Compiler& c, SEXP call);
bool compile_return(Compiler& c, SEXP call);
bool compile_assignment(Compiler& c, SEXP call);
bool compile_logic(Compiler& c, SEXP call);
bool compile_await(Compiler& c, SEXP call);  // compile_pauses.cpp
bool compile_await_next(Compiler& c, SEXP call);
bool compile_next_or(Compiler& c, SEXP call);
bool compile_yield(Compiler& c, SEXP call);
bool compile_yield_from(Compiler& c, SEXP call);
bool compile_try_catch(Compiler& c, SEXP call);  // compile_handlers.cpp
bool compile_try(Compiler& c, SEXP call);
bool compile_local(Compiler& c, SEXP call);
bool compile_with_calling(Compiler& c, SEXP call);
bool compile_with_restarts(Compiler& c, SEXP call);
bool compile_suppress_warnings(Compiler& c, SEXP call);
bool compile_suppress_messages(Compiler& c, SEXP call);
bool compile_switch(Compiler& c, SEXP call);  // compile_switch.cpp
bool compile_goto(Compiler& c, SEXP call);
bool compile_on_exit(Compiler& c, SEXP call);  // compile_exits.cpp

// The code of `call` by its row; false if it has none, or that cannot be made.
bool compile_by_row(Compiler& c, SEXP call);
void compile_call(Compiler& c, SEXP call);  // compile_call.cpp
// Code that stands in several places, made once.
void compile_shared(Compiler& c, SEXP expr);
// Is all of a call that pauses run ahead? Control flow, and a pipe.
bool runs_as_a_whole(const Compiler& c, SEXP call);
void compile_replacement(Compiler& c, SEXP call);
void compile_await_or(Compiler& c, SEXP operand, SEXP handler);  // compile_handlers.cpp
// A loop over the sequence on top of the stack. Each item goes to `variable` (a
// constant); where there is none (-1) and no body (nullptr), the item is yielded.
void compile_iteration(Compiler& c, int variable, SEXP sequence, SEXP body);
// Code that has a frame of its own, with its on.exit() (compile_exits.cpp).
void compile_with_exits(Compiler& c, SEXP expr);

// Calls of sys.call() and its kin that stand in `expr`, as calls that know the function
// whose body this is (R/async-frame-words.R). Not protected.
SEXP with_frame_words(SEXP expr, SEXP env);

}  // namespace elsewhere::eval
