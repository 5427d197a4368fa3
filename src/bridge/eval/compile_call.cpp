// A pause in the arguments of an ordinary call. Which arguments are evaluated
// ahead depends on the function, and that is known only when the call is made;
// so the code for both cases stands side by side. See docs/decisions for the
// rule and its reasons.
#include <cstring>

#include "bridge/eval/call_site.h"
#include "bridge/eval/compile.h"
#include "bridge/eval/hooks.h"
#include "bridge/eval/words.h"

namespace elsewhere::eval {

void compile_pause_itself(Compiler& c, SEXP call);

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

SEXP unpiped(SEXP call);

// The pauses in `expr` are run ahead, the rest of it stays where it is. Where
// control flow stands around a pause, all of it is run ahead.
void hoist(Compiler& c, Holes& holes, SEXP expr) {
  if (!contains_pause(expr)) return;
  const SEXP word = head_word(expr);
  const bool is_whole = word != nullptr && (is_pause_word(word) || is_flow_word(word));
  if (is_whole || unpiped(expr) != nullptr) {
    add_hole(c, holes, expr);
    return;
  }
  if (TYPEOF(CAR(expr)) == LANGSXP) hoist(c, holes, CAR(expr));
  for (SEXP rest = CDR(expr); rest != R_NilValue; rest = CDR(rest)) hoist(c, holes, CAR(rest));
}

SEXP hole_list(const Holes& holes) {
  SEXP list = Rf_allocVector(VECSXP, holes.count);
  for (int i = 0; i < holes.count; ++i) SET_VECTOR_ELT(list, i, holes.found[i]);
  return list;
}

int last_pausing_argument(SEXP call) {
  int last = -1;
  int i = 0;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest), ++i) {
    if (contains_pause(CAR(rest))) last = i;
  }
  return last;
}

// Emits the strict code and gives the kinds of the arguments.
SEXP compile_strict(Compiler& c, SEXP call, int& pushed) {
  const int last = last_pausing_argument(call);
  const bool takes_name = CAR(call) == words().dollar || CAR(call) == words().at;
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

bool mentions_dot(SEXP expr) {
  static const SEXP dot = Rf_install(".");
  if (expr == dot) return true;
  if (TYPEOF(expr) != LANGSXP) return false;
  for (SEXP rest = expr; rest != R_NilValue; rest = CDR(rest)) {
    if (mentions_dot(CAR(rest))) return true;
  }
  return false;
}

// left %>% f(x) with a pause in it: what the pipe would do, done here, because
// the pipe takes its left-hand side apart by itself. NULL for anything else.
SEXP unpiped(SEXP call) {
  static const SEXP pipe = Rf_install("%>%");
  if (CAR(call) != pipe || Rf_length(call) != 3 || !contains_pause(call)) return nullptr;
  const SEXP right = CADDR(call);
  if (TYPEOF(right) == SYMSXP) return Rf_lang2(right, CADR(call));
  if (TYPEOF(right) != LANGSXP || mentions_dot(right)) return nullptr;
  const SEXP head = CAR(right);
  const Words& w = words();
  if (head == w.brace || head == w.paren || head == w.function || head == w.double_colon) {
    return nullptr;
  }
  SEXP arguments = PROTECT(Rf_cons(CADR(call), CDR(right)));
  SEXP made = Rf_lcons(head, arguments);
  UNPROTECT(1);
  return made;
}

// Functions that watch what happens while their argument is evaluated. Running
// the pause ahead would make them watch nothing.
void refuse_watchers(SEXP call) {
  SEXP head = CAR(call);
  if (TYPEOF(head) == LANGSXP && CAR(head) == words().double_colon) head = CADDR(head);
  if (TYPEOF(head) != SYMSXP) return;
  const char* name = CHAR(PRINTNAME(head));
  static const char* const watchers[] = {"system.time",   "capture.output", "sink",
                                         "Rprof",         "evalq",          "withVisible",
                                         "withAutoprint", "expect_error",   "with_promise_domain",
                                         "missing",       "microbenchmark", "eval.parent",
                                         "recover"};
  for (const char* watcher : watchers) {
    if (std::strcmp(name, watcher) == 0) {
      build_error("it acts while its argument is evaluated, so the argument cannot pause", call);
    }
  }
  if (std::strncmp(name, "with_", 5) == 0) {
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

void compile_shared(Compiler& c, SEXP expr) {
  Assembler& a = c.assembler;
  int label = a.sub_label(expr);
  if (label < 0) {
    const int call = a.emit(Op::GoSub);
    const int over = a.emit(Op::Jump);
    label = a.here();
    a.set_a(call, label);
    // Remembered first: the code must not be made again inside itself.
    a.remember_sub(expr, label);
    const SEXP word = head_word(expr);
    if (word != nullptr && is_pause_word(word)) {
      compile_pause_itself(c, expr);
    } else {
      compile(c, expr);
    }
    a.emit(Op::EndSub);
    a.set_a(over, a.here());
  } else {
    a.emit(Op::GoSub, label);
  }
}

void compile_call(Compiler& c, SEXP call) {
  Assembler& a = c.assembler;
  if (SEXP plain = unpiped(call)) {
    a.constant(plain);  // keeps it alive: the code points into it
    compile(c, plain);
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
