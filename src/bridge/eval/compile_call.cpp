// A pause in the arguments of an ordinary call. Which arguments are evaluated
// ahead depends on the function, and that is known only when the call is made;
// so the code for both cases stands side by side. See docs/decisions for the
// rule and its reasons.
#include <R_ext/Utils.h>

#include <cstring>

#include "bridge/eval/call_site.h"
#include "bridge/eval/compile.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/symbols.h"
#include "bridge/eval/word_table.h"

namespace elsewhere::eval {
namespace {

constexpr int kHolesMax = 64;

// The pauses of one lazily called call, in the order R would meet them.
struct Holes {
  SEXP found[kHolesMax];
  int count = 0;
};

void add_hole(Compiler& c, Holes& holes, SEXP expr) {
  if (holes.count == kHolesMax) build_error("more than 64 pauses in one call", expr);
  holes.found[holes.count++] = expr;
  compile_shared(c, expr);
}

// left %>% f(x): the pipe would take its left-hand side apart by itself, so where
// that pauses, what the pipe would do is done here.
bool is_undone_pipe(const Compiler& c, SEXP call) {
  const Symbols& s = symbols();
  if (CAR(call) != s.pipe || Rf_length(call) != 3 || !pauses(c, call)) return false;
  const SEXP right = CADDR(call);
  if (TYPEOF(right) == SYMSXP) return true;
  if (TYPEOF(right) != LANGSXP || c.facts.has(right, kMentionsDot)) return false;
  const SEXP head = CAR(right);
  return head != s.brace && head != s.paren && head != s.function && head != s.double_colon;
}

SEXP unpiped(Compiler& c, SEXP call) {
  const SEXP right = CADDR(call);
  SEXP made = PROTECT(TYPEOF(right) == SYMSXP
                          ? Rf_lang2(right, CADR(call))
                          : Rf_lcons(CAR(right), PROTECT(Rf_cons(CADR(call), CDR(right)))));
  c.assembler.constant(made);  // keeps it alive: the code points into it
  c.facts.look_at(made);
  UNPROTECT(TYPEOF(right) == SYMSXP ? 1 : 2);
  return made;
}

// The call in `call` (or it itself) that is run ahead, or else in which more than one
// part pauses. What was found is noted for the calls on the way, so that calls within
// calls cost no more than they are many.
SEXP pauses_at(Compiler& c, SEXP call) {
  SEXP at = call;
  for (;;) {
    ++c.assembler.steps;
    const SEXP noted = c.facts.pauses_at(at);
    if (noted != at) {
      at = noted;
      continue;
    }
    if (runs_as_a_whole(c, at)) break;
    SEXP inner = nullptr;
    int count = 0;
    for (SEXP rest = at; rest != R_NilValue; rest = CDR(rest)) {
      if (!pauses(c, CAR(rest))) continue;
      inner = CAR(rest);
      ++count;
    }
    if (count != 1) break;
    at = inner;
  }
  for (SEXP step = call; step != at;) {
    SEXP next = c.facts.pauses_at(step);
    if (next == step) {
      for (SEXP rest = step; rest != R_NilValue; rest = CDR(rest)) {
        if (pauses(c, CAR(rest))) next = CAR(rest);
      }
    }
    c.facts.set_pauses_at(step, at);
    step = next;
  }
  return at;
}

// The pauses in `expr` are run ahead, the rest of it stays where it is.
void hoist(Compiler& c, Holes& holes, SEXP expr) {
  if (!pauses(c, expr)) return;
  const SEXP at = pauses_at(c, expr);
  if (runs_as_a_whole(c, at)) {
    add_hole(c, holes, at);
    return;
  }
  R_CheckStack();
  for (SEXP rest = at; rest != R_NilValue; rest = CDR(rest)) hoist(c, holes, CAR(rest));
}

SEXP hole_list(const Holes& holes) {
  SEXP list = Rf_allocVector(VECSXP, holes.count);
  for (int i = 0; i < holes.count; ++i) SET_VECTOR_ELT(list, i, holes.found[i]);
  return list;
}

int last_pausing_argument(const Compiler& c, SEXP call) {
  int last = -1;
  int i = 0;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest), ++i) {
    if (pauses(c, CAR(rest))) last = i;
  }
  return last;
}

// Emits the strict code and gives the kinds of the arguments.
SEXP compile_strict(Compiler& c, SEXP call, int& pushed) {
  const int last = last_pausing_argument(c, call);
  const bool takes_name = CAR(call) == symbols().dollar || CAR(call) == symbols().at;
  SEXP kinds = PROTECT(Rf_allocVector(INTSXP, Rf_length(CDR(call))));
  pushed = 0;
  int i = 0;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest), ++i) {
    const SEXP argument = CAR(rest);
    ArgumentKind kind = ArgumentKind::InPlace;
    if (argument == R_MissingArg || i > last || (takes_name && i == 1)) {
      kind = ArgumentKind::InPlace;
    } else if (argument == R_DotsSymbol) {
      kind = ArgumentKind::Dots;
      c.assembler.emit(Op::Dots);
      ++pushed;
    } else {
      kind = ArgumentKind::Value;
      compile(c, argument);
      ++pushed;
    }
    INTEGER(kinds)[i] = static_cast<int>(kind);
  }
  UNPROTECT(1);
  return kinds;
}

void compile_callee(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  const SEXP head = CAR(call);
  if (TYPEOF(head) == SYMSXP) {
    a.emit(Op::Callee, a.constant(head));
    return;
  }
  if (TYPEOF(head) == STRSXP && Rf_length(head) == 1) {
    a.emit(Op::Callee, a.constant(Rf_installTrChar(STRING_ELT(head, 0))));
    return;
  }
  compile(c, head);
  a.emit(Op::CalleeCheck);
}

// Functions that watch what happens while their argument is evaluated. Running
// the pause ahead would make them watch nothing.
void refuse_watchers(SEXP call) {
  const SEXP head = CAR(call);
  const bool is_qualified = TYPEOF(head) == LANGSXP && CAR(head) == symbols().double_colon;
  const SEXP word = is_qualified ? CADDR(head) : head;
  if (TYPEOF(word) != SYMSXP) return;
  const bool is_with = std::strncmp(CHAR(PRINTNAME(word)), "with_", 5) == 0;
  if (is_with || row_of(word).is(kWatcher)) {
    build_error("it acts while its argument is evaluated, so the argument cannot pause", call);
  }
}

int site_constant(Compiler& c, SEXP call, SEXP holes, SEXP kinds) {
  PROTECT(holes);
  PROTECT(kinds);
  SEXP site = PROTECT(Rf_allocVector(VECSXP, kSiteSlots));
  SET_VECTOR_ELT(site, kSiteCall, call);
  SET_VECTOR_ELT(site, kSiteHoles, holes);
  SET_VECTOR_ELT(site, kSiteKinds, kinds);
  const int position = c.assembler.constant(site);
  UNPROTECT(3);
  return position;
}

}  // namespace

bool runs_as_a_whole(const Compiler& c, SEXP call) {
  return head_row(call).is(kPause | kFlow) || is_undone_pipe(c, call);
}

void compile_shared(Compiler& c, SEXP expr) {
  Assembler& a = c.assembler;
  int label = c.facts.label(expr);
  if (label >= 0) {
    a.emit(Op::GoSub, label);
    return;
  }
  const int call = a.emit(Op::GoSub);
  const int over = a.emit(Op::Jump);
  label = a.here();
  a.set_a(call, label);
  // Remembered first: the code must not be made again inside itself. It is made once,
  // and so is all that is inside.
  c.facts.set_label(expr, label);
  const int shared = c.shared;
  c.shared = 0;
  compile(c, expr);
  c.shared = shared;
  a.emit(Op::EndSub);
  a.set_a(over, a.here());
}

void compile_call(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  if (is_undone_pipe(c, call)) {
    compile(c, unpiped(c, call));
    return;
  }
  if (c.options.strict_pipes) {
    build_error(
        "a pause in the argument of an ordinary function needs split_pipes = TRUE, or a variable "
        "of its own",
        call);
  }
  refuse_watchers(call);
  compile_callee(c, call);
  const int branch = a.emit(Op::Lazy, 0, a.constant(call));
  ++c.shared;
  int pushed = 0;
  SEXP kinds = PROTECT(compile_strict(c, call, pushed));
  const int strict = a.emit(Op::CallStrict, 0, pushed);
  const int over = a.emit(Op::Jump);
  a.set_a(branch, a.here());
  Holes holes;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) hoist(c, holes, CAR(rest));
  --c.shared;
  const int site = site_constant(c, call, hole_list(holes), kinds);
  a.set_a(strict, site);
  a.emit(Op::CallLazy, site, holes.count);
  a.set_a(over, a.here());
  UNPROTECT(1);
}

void compile_replacement(Compiler& c, SEXP call) {
  if (TYPEOF(CADR(call)) != LANGSXP) build_error("nothing can be assigned to this", call);
  c.assembler.emit(Op::Target, c.assembler.constant(CADR(call)));
  compile(c, CADDR(call));
  Holes holes;
  hoist(c, holes, CADR(call));
  const int site = site_constant(c, call, hole_list(holes), R_NilValue);
  c.assembler.emit(Op::Replace, site, holes.count);
  c.assembler.emit(Op::Invisible);
}

}  // namespace elsewhere::eval
