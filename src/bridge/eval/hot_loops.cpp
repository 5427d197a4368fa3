#include "bridge/eval/hot_loops.h"

#include "bridge/eval/hooks.h"

namespace elsewhere::eval {
namespace {

enum SiteSlot { kLoopCall, kLoopCode, kLoopRounds, kLoopSlots };

// Compiling takes R a few milliseconds, and saves most of a microsecond a round. A
// round that is a loop itself weighs more.
int rounds_at_first = 4096;
constexpr int kRoundsOfInnerLoop = 16;

SEXP sequence_to_take = nullptr;

// Not protected. FALSE where R's compiler is off, or does not take it.
SEXP compiled(const Coroutine& co, SEXP call) {
  SEXP source = PROTECT(VECTOR_ELT(co.slot(kStateProgram), kProgramSource));
  SEXP quoted_call = PROTECT(Rf_lang2(hooks().quote, call));
  SEXP quoted_source = PROTECT(Rf_lang2(hooks().quote, source));
  SEXP compile_it =
      PROTECT(Rf_lang4(hooks().compile_loop, quoted_call, quoted_source, current_env(co)));
  SEXP code = Rf_eval(compile_it, R_BaseEnv);
  UNPROTECT(4);
  return code;
}

}  // namespace

bool may_be_compiled(const Compiler& c, SEXP expr) {
  return !c.facts.has(expr, kJumpsInArgument | kAsksFrame | kReadsFrames);
}

int loop_site(Compiler& c, SEXP call) {
  SEXP site = PROTECT(Rf_allocVector(VECSXP, kLoopSlots));
  SET_VECTOR_ELT(site, kLoopCall, call);
  SEXP rounds = Rf_allocVector(REALSXP, 1);
  SET_VECTOR_ELT(site, kLoopRounds, rounds);
  const SEXP body = CAR(Rf_nthcdr(call, Rf_length(call) - 1));
  REAL(rounds)[0] = c.facts.has(body, kMentionsLoop) ? -1 : 0;
  if (!may_be_compiled(c, body) || !may_be_compiled(c, CADR(call))) {
    SET_VECTOR_ELT(site, kLoopCode, Rf_ScalarLogical(FALSE));
  }
  const int position = c.assembler.constant(site);
  UNPROTECT(1);
  return position;
}

SEXP loop_call(SEXP site) { return VECTOR_ELT(site, kLoopCall); }

SEXP hot_code(const Coroutine& co, SEXP site, R_xlen_t rounds) {
  if (co.machine->options.is_traced || co.machine->options.is_debugged) return nullptr;
  const SEXP known = VECTOR_ELT(site, kLoopCode);
  if (known != R_NilValue) return TYPEOF(known) == BCODESXP ? known : nullptr;
  double* count = REAL(VECTOR_ELT(site, kLoopRounds));
  const bool has_inner = *count < 0;
  const double weight = has_inner ? -kRoundsOfInnerLoop : 1;
  *count += weight * static_cast<double>(rounds);
  if ((has_inner ? -*count : *count) < rounds_at_first) return nullptr;
  SEXP code = compiled(co, loop_call(site));
  SET_VECTOR_ELT(site, kLoopCode, code);
  return TYPEOF(code) == BCODESXP ? code : nullptr;
}

void run_hot_for(const Coroutine& co, SEXP code, SEXP sequence) {
  sequence_to_take = sequence;
  run_own_leaf(co, code, current_env(co));
}

SEXP take_sequence() { return sequence_to_take; }

int compile_loops_after(int rounds) {
  const int before = rounds_at_first;
  rounds_at_first = rounds;
  return before;
}

}  // namespace elsewhere::eval
