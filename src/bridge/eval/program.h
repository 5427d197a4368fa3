// A compiled body, and the buffer it is put together in. Both are R vectors, so
// that an R error in the middle of compiling leaves nothing behind.
#pragma once

#include <Rinternals.h>

#include "bridge/eval/opcode.h"

namespace elsewhere::eval {

// Slots of a program (a VECSXP).
enum ProgramSlot {
  kProgramCode,
  kProgramConstants,
  kProgramSource,
  kProgramNeedsEval,   // the body needs a frame that is not the call's own
  kProgramNeedsFrame,  // it asks for its call, its function or its caller
  kProgramParks,
  kProgramIsPlain,  // no frame around the body could be told from none
  kProgramLines,    // where the code of a statement begins, and
  kProgramSrcrefs,  // its place in the source
  kProgramSteps,    // how much was looked at to make it
  kProgramSlots
};

class Assembler {
 public:
  // `roots` must be a protected VECSXP of kRoots elements; it keeps what is
  // assembled alive.
  enum { kCode, kConstants, kLines, kSrcrefs, kRoots };
  explicit Assembler(SEXP roots);

  // Appends an instruction and gives its position.
  int emit(Op op, int a = 0, int b = 0, int c = 0);
  int constant(SEXP value);
  int here() const { return instructions_; }
  // The instruction at `position` gets its operand a (or b) now.
  void set_a(int position, int target) { code(position)[1] = target; }
  void set_b(int position, int target) { code(position)[2] = target; }

  // What is emitted from here on comes from this place in the source.
  void at_line(SEXP srcref);

  // What the compiler has looked at so far. It grows with the code, not with how
  // deep that is nested (test-async-nesting.R).
  int steps = 0;

  // The finished program; not protected.
  SEXP finish(SEXP source, bool needs_eval, bool needs_frame, bool parks, bool is_plain);

 private:
  int* code(int position);
  SEXP roots_;
  int instructions_ = 0;
  int constants_ = 0;
  int lines_ = 0;
};

}  // namespace elsewhere::eval
