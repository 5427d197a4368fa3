#include "bridge/eval/program.h"

#include "bridge/r_api.h"

#include <algorithm>

namespace elsewhere::eval {
namespace {

constexpr int kInstructionsAtFirst = 32;
constexpr int kConstantsAtFirst = 16;
constexpr int kLinesAtFirst = 8;

// A longer copy of slot `slot` of `roots`, in its place.
void grow(SEXP roots, int slot) {
  const SEXP old = VECTOR_ELT(roots, slot);
  SET_VECTOR_ELT(roots, slot, Rf_lengthgets(old, 2 * Rf_length(old)));
}

}  // namespace

Assembler::Assembler(SEXP roots) : roots_(roots) {
  SET_VECTOR_ELT(roots, kCode, Rf_allocVector(INTSXP, kInstructionsAtFirst * kInstructionInts));
  SET_VECTOR_ELT(roots, kConstants, Rf_allocVector(VECSXP, kConstantsAtFirst));
}

int* Assembler::code(int position) {
  return INTEGER(VECTOR_ELT(roots_, kCode)) + position * kInstructionInts;
}

int Assembler::emit(Op op, int a, int b, int c) {
  if ((instructions_ + 1) * kInstructionInts > Rf_length(VECTOR_ELT(roots_, kCode))) {
    grow(roots_, kCode);
  }
  int* at = code(instructions_);
  at[0] = static_cast<int>(op);
  at[1] = a;
  at[2] = b;
  at[3] = c;
  return instructions_++;
}

int Assembler::constant(SEXP value) {
  if (constants_ == Rf_length(VECTOR_ELT(roots_, kConstants))) {
    PROTECT(value);
    grow(roots_, kConstants);
    UNPROTECT(1);
  }
  SET_VECTOR_ELT(VECTOR_ELT(roots_, kConstants), constants_, value);
  return constants_++;
}

void Assembler::at_line(SEXP srcref) {
  if (lines_ == 0) {
    SET_VECTOR_ELT(roots_, kLines, Rf_allocVector(INTSXP, kLinesAtFirst));
    SET_VECTOR_ELT(roots_, kSrcrefs, Rf_allocVector(VECSXP, kLinesAtFirst));
  } else if (lines_ == Rf_length(VECTOR_ELT(roots_, kLines))) {
    grow(roots_, kLines);
    grow(roots_, kSrcrefs);
  }
  INTEGER(VECTOR_ELT(roots_, kLines))[lines_] = instructions_;
  SET_VECTOR_ELT(VECTOR_ELT(roots_, kSrcrefs), lines_++, srcref);
}

namespace {

// Builtins give their value visibly, all but one.
bool may_be_invisible(SEXP expr) {
  if (TYPEOF(expr) != LANGSXP) return false;
  const SEXP head = CAR(expr);
  return TYPEOF(head) != SYMSXP || !is_base_builtin(head);
}

// Of what R evaluates last it is to say whether it was visible. `is_last`: a byte an
// instruction, whether what the one before it has pushed is the value of the body.
// From the end on, since code that goes on does so further down.
void mark_last(int* code, int count, SEXP constants, Rbyte* is_last) {
  is_last[count] = 0;
  for (int at = count - 1; at >= 0; --at) {
    int* instruction = code + at * kInstructionInts;
    is_last[at] = 0;
    switch (static_cast<Op>(instruction[0])) {
      case Op::Jump: is_last[at] = instruction[1] > at ? is_last[instruction[1]] : 0; break;
      case Op::TryPop:
      case Op::ShowEnd:
      case Op::SwitchEnd: is_last[at] = is_last[at + 1]; break;
      case Op::Return:
      case Op::Finish: is_last[at] = 1; break;
      case Op::Eval:
        if (is_last[at + 1] == 1 && may_be_invisible(VECTOR_ELT(constants, instruction[1]))) {
          instruction[2] = 1;
        }
        break;
      default: break;
    }
  }
}

}  // namespace

SEXP Assembler::finish(SEXP source, bool needs_eval, bool needs_frame, bool parks, bool is_plain) {
  SEXP program = PROTECT(Rf_allocVector(VECSXP, kProgramSlots));
  SEXP code = Rf_allocVector(INTSXP, instructions_ * kInstructionInts);
  SET_VECTOR_ELT(program, kProgramCode, code);
  std::copy_n(INTEGER(VECTOR_ELT(roots_, kCode)), instructions_ * kInstructionInts, INTEGER(code));
  SEXP marks = PROTECT(Rf_allocVector(RAWSXP, instructions_ + 1));
  mark_last(INTEGER(code), instructions_, VECTOR_ELT(roots_, kConstants), RAW(marks));
  UNPROTECT(1);
  SET_VECTOR_ELT(program, kProgramConstants, VECTOR_ELT(roots_, kConstants));
  SET_VECTOR_ELT(program, kProgramSource, source);
  SET_VECTOR_ELT(program, kProgramNeedsEval, Rf_ScalarLogical(needs_eval));
  SET_VECTOR_ELT(program, kProgramNeedsFrame, Rf_ScalarLogical(needs_frame));
  SET_VECTOR_ELT(program, kProgramParks, Rf_ScalarLogical(parks));
  SET_VECTOR_ELT(program, kProgramIsPlain, Rf_ScalarLogical(is_plain));
  SET_VECTOR_ELT(program, kProgramSteps, Rf_ScalarInteger(steps));
  if (lines_ > 0) {
    SET_VECTOR_ELT(program, kProgramLines, Rf_lengthgets(VECTOR_ELT(roots_, kLines), lines_));
    SET_VECTOR_ELT(program, kProgramSrcrefs, VECTOR_ELT(roots_, kSrcrefs));
  }
  UNPROTECT(1);
  return program;
}

}  // namespace elsewhere::eval
