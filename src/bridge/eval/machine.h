// The machine that runs a program: one coroutine's position, stack of values and
// stack of blocks. A coroutine is an external pointer; all it keeps lives in one
// R list behind it, so R's garbage collector owns everything and a long jump out
// of an R expression leaves nothing behind.
//
// Main thread only, inside r_call(). Nothing here holds a C++ object across a
// call of Rf_eval(): every type is plain data.
#pragma once

#include <Rinternals.h>

#include <cstdint>

#include "bridge/eval/compile.h"

namespace elsewhere::eval {

enum class Phase : int { Fresh, Running, Paused, Done, Failed };
enum class Pause : int { None, Await, Yield, Delegate };
enum class Inject : int { None, Value, Same, Raise, Return };  // what a resume brings

enum class BlockKind : int { Loop, Handler, Finally, Scope, Sub, Switch, Restart, Shown };

// How a stretch of code ends when it does not just go on.
enum class Completion : int { Normal, Break, Next, Return, Throw, Reject, Jump, Goto };

// The way a stretch of code ends. `target`: the scope that is left, or for Throw the
// number of the block. `matched`: for Throw, which of its handlers.
struct Exit {
  Completion kind;
  int target = 0;
  int matched = 0;
};

enum class LoopForm : int { For, While, Repeat };

struct LoopBlock {
  int break_pc, next_pc;
  LoopForm form;
  bool closes;    // the iterator it goes through is its own
  int64_t index;  // the next element
};

// HANDLER and RESTART: `count` handlers on the stack.
struct GuardBlock {
  int pc;  // where an exiting one goes on
  int shown;
  int count;
  bool is_calling;
  int names;  // constant: classes, or names of restarts
};

struct FinallyBlock {
  int pc, shown;
  bool may_pause;
  bool is_of_exits;  // runs what on.exit() has registered
};

struct ScopeBlock {
  int leave_pc, shown;
  int environment;  // its place on the value stack
};

struct SwitchBlock {
  int table_pc, expr_pc;
};

// `shown` is what shown_call() gives inside: a constant's number plus one; 0 for none.
struct Block {
  BlockKind kind;
  int sp;  // height of the value stack that the block starts from
  union {
    LoopBlock loop;
    GuardBlock guard;
    FinallyBlock finally;
    ScopeBlock scope;
    SwitchBlock switching;
    int return_pc;  // SUB
    int shown;      // SHOWN
  };
};
constexpr int kBlockInts = sizeof(Block) / sizeof(int);
constexpr int kLayersMax = 60;

// What is known of a body before it runs.
struct RunOptions {
  bool is_traced;
  bool is_debugged;  // a browser before each expression (debugAsync())
  bool is_plain;     // a generator that needs no base context (base.h)
  bool parks;        // an on.exit() may have to be put away at a pause
};

// What is so just now.
struct RunState {
  bool in_leaf;      // R evaluates an expression of the body
  bool is_escaping;  // a handler was found: unwinding to it
  bool in_closure;   // layer 0 is the frame of the user's own function call
  bool is_visible;   // the value on top
  bool is_watched;   // in the list of waiting coroutines (waiting.h)
  bool is_stale;     // restarts came or went: the guard must be put up anew
  bool has_finalizer;
};

struct Machine {
  Phase status;
  Pause pause;
  Inject inject;
  BodyKind kind;
  int pc, sp, blocks;
  int scopes;         // SCOPE blocks on the block stack
  int layer;          // base contexts established now, minus one
  uint64_t guarded;   // bit per layer: calling handlers are established
  uint64_t parked;    // bit per layer: its on.exit is put away
  uint64_t restored;  // bit per layer: its on.exit is back in place
  uint64_t told;      // bit per layer: a condition that is underway has its guard's call
  RunOptions options;
  RunState now;
  Exit escape;     // the way to the handler, while it is escaping
  int matched;     // which handler was entered last
  int leaving;     // the layer, plus one, that a foreign jump leaves (leaving.cpp)
  int leaving_sp;  // and the height of the stack in what is due there
  int back_edges;
  int error_pc;           // where the error was raised that ends the body
  double since;           // when it began to wait, in seconds as Sys.time() has them
  Machine* next_waiting;  // waiting.h
  Machine* last_waiting;
  SEXP self;                     // the coroutine itself; not a reference for the garbage collector
  SEXP outer;                    // while it runs: whose body ran before, or nullptr
  Inject next_inject;            // what the next run of a task brings
  int* goes_on[kLayersMax];      // a layer's logical in its base call
  uint8_t restarts[kLayersMax];  // RESTART blocks that a layer's guard stands for
  int wait;                      // counts pauses; an old wake-up is told by it
  int loop;                      // the event loop it was made in (loop_queues.h)
};

enum StateSlot {
  kStateProgram,
  kStateEnv,
  kStateStack,
  kStateBlocks,
  kStateMachine,
  kStateParked,   // list, an expression a layer
  kStateBase,     // the base call of layer 0
  kStateScope,    // where it is evaluated
  kStateResult,   // what the last pause or the end gave
  kStateSent,     // what the resume brought
  kStateEscape,   // the condition on its way to a handler
  kStatePromise,  // of an async task: the core of its promise
  kStateTrace,
  kStateCall,
  kStateAwaited,
  kStateDelegate,  // a generator whose values are ours now (generator.h)
  kStateParent,    // the one that delegates to this one
  kStateTip,       // where a chain of delegates ends, if it begins here
  kStateGoesOn,    // the logical in the base call of layer 0
  kStateContext,   // where its code runs: NULL, or R's (context.h)
  kStateSession,   // of a task made for a user of Shiny (R/async-shiny.R)
  kStateFrame,     // what sys.call() and its kin give (R/async-frame-words.R)
  kStateShown,     // list, the call of a layer's guard (base.h)
  kStateSlots
};

// A coroutine taken apart. Plain pointers: `self` must be protected by whoever
// called.
struct Coroutine {
  Machine* machine;
  SEXP state;
  SEXP self;
  SEXP slot(int which) const { return VECTOR_ELT(state, which); }
  void set(int which, SEXP value) const { SET_VECTOR_ELT(state, which, value); }
};

Coroutine coroutine_from(SEXP pointer);
// What was saved and loaded, or sent to another process, has lost what was behind it.
[[noreturn]] void refuse_loaded();
bool is_coroutine(SEXP value);
// Not protected. `trace` is NULL or a function of one string.
SEXP new_coroutine(SEXP program, SEXP env, BodyKind kind, SEXP trace, SEXP call, SEXP frame);

// value stack
void push(const Coroutine& co, SEXP value);
SEXP top(const Coroutine& co, int below = 0);
void drop(const Coroutine& co, int count = 1);

// block stack
Block* blocks(const Coroutine& co);
// A loop that closes its iterator when it is left early.
bool is_closing_loop(const Block& block);
Block& push_block(const Coroutine& co, BlockKind kind);

// Layers as bits of the machine's marks: one, and it with all further in.
constexpr uint64_t bit(int layer) { return uint64_t{1} << layer; }
constexpr uint64_t from(int layer) { return ~(bit(layer) - 1); }

SEXP current_env(const Coroutine& co);
SEXP layer_env(const Coroutine& co, int layer);
SEXP constant(const Coroutine& co, int index);

// The call that R would show for code that stands here, in the innermost scope: that
// of tryCatch()'s own helper, say, or the user's. Not protected.
SEXP shown_call(const Coroutine& co);

// Evaluates an expression of the body. Not protected.
SEXP run_leaf(const Coroutine& co, SEXP expr, SEXP env);
// The same for one that the user did not write: neither trace nor debugger show it.
SEXP run_own_leaf(const Coroutine& co, SEXP expr, SEXP env);

// Raises an error where the body is, for the body to catch.
[[noreturn]] void fail_in_body(const Coroutine& co, const char* message);

// Runs instructions until the body pauses or ends, or its context must change
// (base.h).
void run_instructions(const Coroutine& co);

// Ends a stretch of code: pops blocks down to the one that takes the exit, or ends the
// body. `value`: what goes with it.
void complete(const Coroutine& co, Exit exit, SEXP value);
// Closes the iterators of all loops, from the inside out: an error or a jump has
// left the body.
void close_iterators(const Coroutine& co);
void go_on_after_finally(const Coroutine& co);

void finish(const Coroutine& co, Phase status, SEXP value);
// A body that has ended lets go of its environment; not while R runs in it.
void let_go(const Coroutine& co);
void trace(const Coroutine& co, const char* message);
// A line of a word, a dash of text, and how it went: "for i: do".
void trace_about(const Coroutine& co, const char* before, SEXP about, const char* after);

// The position of the instruction before `pc` in the source (a srcref, or NULL),
// and the call that pauses there (or NULL). Not protected.
SEXP source_position(const Coroutine& co, int pc);
SEXP pausing_call(const Coroutine& co);

}  // namespace elsewhere::eval
