#include "bridge/eval/words.h"

#include <cstring>

namespace elsewhere::eval {
namespace {

Words the_words;

// How far up a jump out of `expr` could lead: a loop of its own catches break
// and next, nothing but a function catches return.
enum class Within { Nothing, Loop };

bool is_flow(SEXP head);

bool jumps(SEXP expr, Within within) {
  if (TYPEOF(expr) != LANGSXP) return false;
  const Words& w = the_words;
  const SEXP head = CAR(expr);
  if (head == w.return_) return true;
  if (head == w.break_ || head == w.next) return within == Within::Nothing;
  if (head == w.function || is_opaque(expr)) return false;
  const bool is_loop = head == w.for_ || head == w.while_ || head == w.repeat;
  // A jump inside the arguments of an ordinary call is the callee's to force.
  if (!is_flow(head)) return false;
  for (SEXP rest = CDR(expr); rest != R_NilValue; rest = CDR(rest)) {
    if (jumps(CAR(rest), is_loop ? Within::Loop : within)) return true;
  }
  return false;
}

bool is_flow(SEXP head) {
  const Words& w = the_words;
  return head == w.brace || head == w.if_ || head == w.for_ || head == w.while_ ||
         head == w.repeat || head == w.paren || head == w.and_ || head == w.or_;
}

bool returns_in_argument(SEXP expr, bool is_statement) {
  if (TYPEOF(expr) != LANGSXP) return false;
  const Words& w = the_words;
  const SEXP head = CAR(expr);
  if (head == w.return_) {
    return !is_statement || (CDR(expr) != R_NilValue && returns_in_argument(CADR(expr), false));
  }
  if (head == w.function || is_opaque(expr)) return false;
  if (TYPEOF(head) == LANGSXP && returns_in_argument(head, false)) return true;
  for (SEXP rest = CDR(expr); rest != R_NilValue; rest = CDR(rest)) {
    if (returns_in_argument(CAR(rest), is_statement && is_flow(head))) return true;
  }
  return false;
}

bool jumps_in_argument(SEXP expr, bool is_statement) {
  if (TYPEOF(expr) != LANGSXP) return false;
  const Words& w = the_words;
  const SEXP head = CAR(expr);
  if (!is_statement && (head == w.break_ || head == w.next || head == w.return_)) return true;
  if (head == w.function || is_opaque(expr)) return false;
  for (SEXP rest = expr; rest != R_NilValue; rest = CDR(rest)) {
    if (jumps_in_argument(CAR(rest), is_statement && is_flow(head))) return true;
  }
  return false;
}

// tryCatch(..., error = function(e) await(x)): the machine runs that handler.
bool has_pausing_handler(SEXP call) {
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    const SEXP handler = CAR(rest);
    if (TYPEOF(handler) == LANGSXP && CAR(handler) == the_words.function &&
        Rf_length(CADR(handler)) == 1 && contains_pause(CADDR(handler))) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool on_exit_pauses = false;

const Words& words() { return the_words; }

void init_words() {
  Words& w = the_words;
  w.await = Rf_install("await");
  w.yield = Rf_install("yield");
  w.await_next = Rf_install("awaitNext");
  w.yield_from = Rf_install("yieldFrom");
  w.brace = Rf_install("{");
  w.paren = Rf_install("(");
  w.if_ = Rf_install("if");
  w.for_ = Rf_install("for");
  w.while_ = Rf_install("while");
  w.repeat = Rf_install("repeat");
  w.break_ = Rf_install("break");
  w.next = Rf_install("next");
  w.return_ = Rf_install("return");
  w.assign = Rf_install("<-");
  w.assign_equal = Rf_install("=");
  w.assign_outer = Rf_install("<<-");
  w.and_ = Rf_install("&&");
  w.or_ = Rf_install("||");
  w.function = Rf_install("function");
  w.tilde = Rf_install("~");
  w.switch_ = Rf_install("switch");
  w.goto_ = Rf_install("goto");
  w.try_catch = Rf_install("tryCatch");
  w.try_ = Rf_install("try");
  w.local = Rf_install("local");
  w.with_calling_handlers = Rf_install("withCallingHandlers");
  w.suppress_warnings = Rf_install("suppressWarnings");
  w.suppress_messages = Rf_install("suppressMessages");
  w.with_restarts = Rf_install("withRestarts");
  w.on_exit = Rf_install("on.exit");
  w.quote = Rf_install("quote");
  w.double_colon = Rf_install("::");
  w.triple_colon = Rf_install(":::");
  w.expr = Rf_install("expr");
  w.finally = Rf_install("finally");
  w.value = Rf_install("value");
  w.dot_call = Rf_install(".Call");
  w.elsewhere = Rf_install("elsewhere");
  w.async = Rf_install("async");
  w.base = Rf_install("base");
  w.add = Rf_install("add");
  w.after = Rf_install("after");
  w.invisible = Rf_install("invisible");
  w.error = Rf_install("error");
  w.envir = Rf_install("envir");
  w.classes = Rf_install("classes");
  w.silent = Rf_install("silent");
  w.next_or = Rf_install("nextOr");
  w.bracket = Rf_install("[");
  w.bracket2 = Rf_install("[[");
  w.dollar = Rf_install("$");
  w.at = Rf_install("@");
  w.err = Rf_install("err");
  w.or_argument = Rf_install("or");
}

SEXP head_word(SEXP call) {
  const Words& w = the_words;
  const SEXP head = CAR(call);
  if (TYPEOF(head) == SYMSXP) return head;
  if (TYPEOF(head) != LANGSXP || (CAR(head) != w.double_colon && CAR(head) != w.triple_colon)) {
    return nullptr;
  }
  const SEXP home = CADR(head);
  if (home != w.elsewhere && home != w.async && home != w.base) return nullptr;
  return TYPEOF(CADDR(head)) == SYMSXP ? CADDR(head) : nullptr;
}

bool is_pause_word(SEXP word) {
  const Words& w = the_words;
  return word == w.await || word == w.yield || word == w.await_next || word == w.yield_from ||
         word == w.goto_;
}

bool is_opaque(SEXP call) {
  SEXP head = CAR(call);
  if (TYPEOF(head) == LANGSXP && CDR(head) != R_NilValue && CDDR(head) != R_NilValue &&
      (CAR(head) == the_words.double_colon || CAR(head) == the_words.triple_colon)) {
    head = CADDR(head);
  }
  if (TYPEOF(head) != SYMSXP) return false;
  static const char* const names[] = {
      "quote",          "bquote",    "substitute",      "expression", "alist",
      "async",          "gen",       "stream",          "run",        "future",
      "future_promise", "generator", "async_generator", "debugAsync"};
  const char* name = CHAR(PRINTNAME(head));
  for (const char* opaque : names) {
    if (std::strcmp(name, opaque) == 0) return true;
  }
  return false;
}

bool contains_pause(SEXP expr) {
  if (TYPEOF(expr) != LANGSXP) return false;
  if (CAR(expr) == the_words.try_catch && has_pausing_handler(expr)) return true;
  const SEXP head = CAR(expr);
  if (head == the_words.function || head == the_words.tilde || is_opaque(expr)) return false;
  const SEXP word = head_word(expr);
  if (word != nullptr && is_pause_word(word)) return true;
  if (on_exit_pauses && word == the_words.on_exit) return true;
  if (TYPEOF(head) == LANGSXP && contains_pause(head)) return true;
  for (SEXP rest = CDR(expr); rest != R_NilValue; rest = CDR(rest)) {
    if (contains_pause(CAR(rest))) return true;
  }
  return false;
}

bool may_set_on_exit(SEXP expr) {
  if (TYPEOF(expr) != LANGSXP) return false;
  static const char* const harmless[] = {
      "{",       "(",       "if",        "for",   "while", "repeat",    "break",
      "next",    "return",  "<-",        "=",     "+",     "-",         "*",
      "/",       "^",       "%%",        "%/%",   "==",    "!=",        "<",
      ">",       "<=",      ">=",        "!",     "&",     "|",         "&&",
      "||",      ":",       "[",         "[[",    "$",     "c",         "list",
      "length",  "sum",     "min",       "max",   "abs",   "exp",       "sqrt",
      "is.null", "seq_len", "seq_along", "yield", "await", "yieldFrom", "function"};
  static SEXP symbols[sizeof harmless / sizeof *harmless];
  if (symbols[0] == nullptr) {
    SEXP* symbol = symbols;
    for (const char* name : harmless) *symbol++ = Rf_install(name);
  }
  bool is_harmless = false;
  for (SEXP symbol : symbols) is_harmless = is_harmless || symbol == CAR(expr);
  if (!is_harmless) return true;
  if (CAR(expr) == the_words.function) return false;
  for (SEXP rest = CDR(expr); rest != R_NilValue; rest = CDR(rest)) {
    if (may_set_on_exit(CAR(rest))) return true;
  }
  return false;
}

bool asks_for_frame(SEXP expr) {
  if (TYPEOF(expr) != LANGSXP || CAR(expr) == the_words.function || is_opaque(expr)) return false;
  static const char* const names[] = {"sys.call",     "sys.function", "match.call", "match.arg",
                                      "parent.frame", "missing",      "nargs",      "Recall"};
  static SEXP symbols[sizeof names / sizeof *names];
  if (symbols[0] == nullptr) {
    SEXP* symbol = symbols;
    for (const char* name : names) *symbol++ = Rf_install(name);
  }
  for (SEXP symbol : symbols) {
    if (CAR(expr) == symbol) return true;
  }
  for (SEXP rest = expr; rest != R_NilValue; rest = CDR(rest)) {
    if (asks_for_frame(CAR(rest))) return true;
  }
  return false;
}

bool contains_jump(SEXP expr) { return jumps(expr, Within::Nothing); }

bool contains_jump_past_loop(SEXP body) { return jumps(body, Within::Loop); }

bool has_jump_in_argument(SEXP expr) { return jumps_in_argument(expr, true); }

bool has_return_in_argument(SEXP expr) { return returns_in_argument(expr, true); }

}  // namespace elsewhere::eval
