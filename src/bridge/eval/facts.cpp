#include "bridge/eval/facts.h"

#include <R_ext/Utils.h>

#include <cstdint>

#include "bridge/eval/hooks.h"
#include "bridge/eval/symbols.h"
#include "bridge/eval/word_table.h"
#include "bridge/r_api.h"

namespace elsewhere::eval {
namespace {

constexpr int kEntriesAtFirst = 64;

// Seen from outside whatever stands around.
constexpr unsigned kThroughAnything = kReadsFrames | kMentionsLoop | kMentionsDot;
// Seen through any call whose arguments are code of the body.
constexpr unsigned kThroughCalls = kThroughAnything | kPauses | kReachesOnExit | kHasOpenFor |
                                   kHasGoto | kHasOnExit | kHasPausingOnExit | kMentionsReturn |
                                   kMentionsJump | kAsksFrame | kNeedsFrame;
constexpr unsigned kExits = kHasOnExit | kHasPausingOnExit;

[[noreturn]] void nested_error(SEXP culprit) {
  SEXP quoted = PROTECT(Rf_lang2(hooks().quote, culprit));
  Rf_eval(PROTECT(Rf_lang2(hooks().nested_error, quoted)), R_GlobalEnv);
  Rf_error("a pause in a function of its own");  // the call above does not return
}

bool is_call_of(SEXP expr, SEXP symbol) { return TYPEOF(expr) == LANGSXP && CAR(expr) == symbol; }

bool is_function_of_one(SEXP expr) {
  return is_call_of(expr, symbols().function) && Rf_length(CADR(expr)) == 1;
}

// Which facts of what is inside are facts of the call itself.
unsigned passing(SEXP call, const Row& head) {
  const Symbols& s = symbols();
  if (CAR(call) == s.function) return kThroughAnything;
  const Row& hiding = any_head_row(call);
  if (hiding.is(kOpaque))
    return kThroughAnything | (hiding.is(kBlock) ? static_cast<unsigned>(kNeedsFrame) : 0U);
  if (CAR(call) == s.tilde) return kThroughAnything | kHasOpenFor | kMentionsReturn | kMentionsJump;
  unsigned hidden = 0;
  if (head.is(kScope)) hidden = kHasGoto | kExits;
  if (head_word(call) == s.switch_) hidden = kHasGoto;
  return kThroughCalls & ~hidden;
}

// The same for facts that only arguments have, and only as statements.
unsigned passing_of_arguments(const Row& syntax) {
  unsigned passed = 0;
  if (syntax.is(kStatements)) passed |= kReturns | kReturnsInArgument | kJumpsInArgument;
  if (syntax.is(kStatements) && !syntax.is(kLoop)) passed |= kBreaks;
  if (syntax.is(kStatements | kFlow)) passed |= kHasLoop;
  if (syntax.is(kHarmlessForExit)) passed |= kMaySetExit;
  return passed;
}

}  // namespace

FactTable::FactTable(SEXP roots, SEXP env) : roots_(roots), env_(env) { grow(); }

FactTable::Entry* FactTable::entries() const {
  return reinterpret_cast<Entry*>(RAW(VECTOR_ELT(roots_, kEntries)));
}

// Where `call` is, or the empty entry where it belongs.
FactTable::Entry& FactTable::place_of(SEXP call) const {
  const std::size_t places = Rf_xlength(VECTOR_ELT(roots_, kEntries)) / sizeof(Entry);
  auto hash = reinterpret_cast<std::uintptr_t>(call) >> 4;
  hash = hash * 0x9E3779B97F4A7C15U >> 20;
  Entry* entry = entries();
  std::size_t at = hash & (places - 1);
  while (entry[at].call != nullptr && entry[at].call != call) at = (at + 1) & (places - 1);
  return entry[at];
}

FactTable::Entry& FactTable::known(SEXP call) const {
  Entry& entry = place_of(call);
  if (entry.call == nullptr) Rf_error("a part of the body has not been looked at");
  return entry;
}

void FactTable::grow() {
  const SEXP old = VECTOR_ELT(roots_, kEntries);
  const R_xlen_t bytes = old == R_NilValue ? kEntriesAtFirst * static_cast<R_xlen_t>(sizeof(Entry))
                                           : 2 * Rf_xlength(old);
  PROTECT(old);
  SET_VECTOR_ELT(roots_, kEntries, Rf_allocVector(RAWSXP, bytes));
  const R_xlen_t places = bytes / static_cast<R_xlen_t>(sizeof(Entry));
  for (R_xlen_t i = 0; i < places; ++i) entries()[i] = Entry{nullptr, nullptr, 0, -1};
  if (old != R_NilValue) {
    const auto* entry = reinterpret_cast<const Entry*>(RAW(old));
    for (R_xlen_t i = 0; i < places / 2; ++i) {
      if (entry[i].call != nullptr) place_of(entry[i].call) = entry[i];
    }
  }
  UNPROTECT(1);
}

void FactTable::add(SEXP call, unsigned facts) {
  const R_xlen_t bytes = Rf_xlength(VECTOR_ELT(roots_, kEntries));
  if (2 * (count_ + 1) * static_cast<R_xlen_t>(sizeof(Entry)) > bytes) grow();
  place_of(call) = Entry{call, call, facts, -1};
  ++count_;
}

unsigned FactTable::of(SEXP expr) const { return TYPEOF(expr) == LANGSXP ? known(expr).facts : 0; }

int FactTable::label(SEXP call) const { return known(call).label; }
void FactTable::set_label(SEXP call, int label) { known(call).label = label; }
SEXP FactTable::pauses_at(SEXP call) const { return known(call).pauses_at; }
void FactTable::set_pauses_at(SEXP call, SEXP inner) { known(call).pauses_at = inner; }

// Gives this call, as far as its text says, a vector or list: nothing that a loop
// would have to wait for?
bool FactTable::is_ordinary_sequence(SEXP expr) const {
  if (TYPEOF(expr) != LANGSXP) return TYPEOF(expr) != SYMSXP;
  return row_of(CAR(expr)).is(kSequence) && is_base_function(env_, CAR(expr));
}

// tryCatch(..., error = function(e) await(x)): the machine runs that handler.
unsigned FactTable::handler_pauses(SEXP call) const {
  unsigned found = 0;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    if (is_function_of_one(CAR(rest))) found |= of(CADDR(CAR(rest)));
  }
  return found & (kPauses | kReachesOnExit);
}

// Those that do not come from what is inside. `inside`: what does.
unsigned FactTable::own_facts(SEXP call, const Row& head, unsigned inside) const {
  const Symbols& s = symbols();
  const SEXP first = CAR(call);
  const Row& syntax = row_of(first);
  unsigned facts = 0;
  if (syntax.is(kReadsFrame) || Rf_isFunction(first)) facts |= kReadsFrames;
  if (syntax.is(kLoop)) facts |= kMentionsLoop | kHasLoop;
  if (!syntax.is(kHarmlessForExit)) facts |= kMaySetExit;
  if (first == s.try_catch) facts |= handler_pauses(call);
  if (is_opaque(call)) return facts;
  if (head.is(kPause)) facts |= kPauses;
  if (head.is(kFrameWord)) facts |= kAsksFrame | kNeedsFrame;
  if (head_word(call) == s.goto_) facts |= kHasGoto;
  if (head_word(call) == s.on_exit) {
    facts |= kReachesOnExit | kHasOnExit;
    if (((facts | inside) & kPauses) != 0) facts |= kHasPausingOnExit;
  }
  if (syntax.is(kJump)) facts |= kMentionsJump | (first == s.return_ ? kReturns : kBreaks);
  if (first == s.return_) facts |= kMentionsReturn;
  if (first == s.for_ && Rf_length(call) == 4 && !is_ordinary_sequence(CADDR(call))) {
    facts |= kHasOpenFor;
  }
  return facts;
}

unsigned FactTable::facts_of(SEXP call) const {
  const Row& syntax = row_of(CAR(call));
  const Row& head = head_row(call);
  unsigned in_arguments = 0;
  for (SEXP rest = CDR(call); rest != R_NilValue; rest = CDR(rest)) {
    in_arguments |= CAR(rest) == symbols().dot ? kMentionsDot : of(CAR(rest));
  }
  const unsigned in_head = CAR(call) == symbols().dot ? kMentionsDot : of(CAR(call));
  unsigned inside = (in_arguments | in_head) & passing(call, head);
  if (CAR(call) != symbols().function) inside |= in_arguments & passing_of_arguments(syntax);
  // What is not a statement of the body is an argument that R forces.
  const unsigned forced = syntax.is(kStatements) ? in_head : in_arguments | in_head;
  const bool is_code = (passing(call, head) & kMentionsJump) != 0;
  if (is_code && (forced & kMentionsReturn) != 0) inside |= kReturnsInArgument;
  if (is_code && (forced & kMentionsJump) != 0) inside |= kJumpsInArgument;
  return inside | own_facts(call, head, inside);
}

// A function written in the body is R's to call, and R cannot stop in the middle of
// it. Found now, it costs no surprise at run time.
void FactTable::refuse_pause_inside(SEXP call, SEXP child) const {
  const Symbols& s = symbols();
  const SEXP culprit = CAR(call) == s.function ? child : call;
  if (is_call_of(child, s.function)) {
    const Row& around = head_row(call);
    const bool is_ours =
        around.is(kTakesTasks) || (around.is(kTakesHandlers) && Rf_length(CADR(child)) == 1);
    if (!is_ours && has(CADDR(child), kPauses)) nested_error(culprit);
  } else if (is_call_of(child, s.tilde)) {
    for (SEXP rest = CDR(child); rest != R_NilValue; rest = CDR(rest)) {
      if (has(CAR(rest), kPauses)) nested_error(culprit);
    }
  }
}

void FactTable::visit(SEXP expr, bool is_checked) {
  if (TYPEOF(expr) != LANGSXP || place_of(expr).call != nullptr) return;
  R_CheckStack();
  ++looks_;
  const Symbols& s = symbols();
  if (is_opaque(expr) || CAR(expr) == s.tilde) is_checked = false;
  const Row& head = head_row(expr);
  for (SEXP rest = expr; rest != R_NilValue; rest = CDR(rest)) {
    const SEXP child = CAR(rest);
    const bool is_ours = !is_call_of(child, s.function) || head.is(kTakesTasks) ||
                         (head.is(kTakesHandlers) && is_function_of_one(child));
    visit(child, is_checked && is_ours);
    if (is_checked) refuse_pause_inside(expr, child);
  }
  add(expr, facts_of(expr));
}

void FactTable::look_at(SEXP expr) { visit(expr, false); }

void FactTable::look_at_body(SEXP body) {
  // In a call of its own, the body itself is checked like any part of it.
  visit(body, !is_call_of(body, symbols().function));
  const SEXP around = PROTECT(Rf_lang2(symbols().function, body));
  refuse_pause_inside(around, body);
  UNPROTECT(1);
}

bool is_base_function(SEXP env, SEXP word) {
  for (; env != R_EmptyEnv; env = parent_of(env)) {
    const Slot slot = slot_in(env, word);
    if (slot.kind == Slot::Kind::Unbound) continue;
    if (slot.kind == Slot::Kind::Value && !Rf_isFunction(slot.value)) continue;
    const SEXP found = value_in(env, word);
    if (slot.kind == Slot::Kind::Active && !Rf_isFunction(found)) continue;
    return found == Rf_eval(word, R_BaseEnv);
  }
  return false;
}

bool would_pause(SEXP expr) {
  SEXP roots = PROTECT(Rf_allocVector(VECSXP, FactTable::kRoots));
  FactTable facts(roots, R_BaseEnv);
  facts.look_at(expr);
  const bool pauses = facts.has(expr, kPauses);
  UNPROTECT(1);
  return pauses;
}

}  // namespace elsewhere::eval
