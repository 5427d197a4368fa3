#include "bridge/eval/block_instructions.h"

#include "bridge/eval/call_instructions.h"
#include "bridge/eval/call_site.h"
#include "bridge/eval/hooks.h"

namespace elsewhere::eval {
namespace {

// Of a block whose call is the constant after `names`.
int shown_after(const Coroutine& co, int names) {
  return constant(co, names + 1) == R_NilValue ? 0 : names + 2;
}

// The FINALLY block of on.exit() in the current scope.
int exits_block(const Coroutine& co) {
  const Block* block = blocks(co);
  for (int i = co.machine->blocks - 1; i >= 0; --i) {
    const auto kind = block[i].kind;
    if (kind == BlockKind::Finally && block[i].finally.is_of_exits) return i;
    if (kind == BlockKind::Scope) break;
  }
  fail_in_body(co, "on.exit() was called by what on.exit() has registered");
}

bool flag_of(const Coroutine& co, SEXP value) {
  const int flag = Rf_asLogical(value);
  if (flag == NA_LOGICAL) fail_in_body(co, "`add` and `after` of on.exit() must be TRUE or FALSE");
  return flag != 0;
}

}  // namespace

void leave_try(const Coroutine& co) {
  Machine& m = *co.machine;
  const Block& block = blocks(co)[--m.blocks];
  if (block.kind == BlockKind::Restart) m.now.is_stale = true;
  if (block.kind == BlockKind::Handler && !block.guard.is_calling) {
    trace(co, "catch: success\n");
  }
  SEXP value = PROTECT(top(co));
  drop(co, 1 + block.guard.count);
  push(co, value);
  UNPROTECT(1);
}

void set_up_try(const Coroutine& co, const int* operand) {
  const bool is_calling = operand[2] < 0;
  const int count = is_calling ? -operand[2] : operand[2];
  push_block(co, BlockKind::Handler).guard = {operand[1], shown_after(co, operand[0]), count,
                                              is_calling, operand[0]};
  if (!is_calling) trace(co, "catch: begin\n");
}

void call_handler(const Coroutine& co) {
  SEXP handler = top(co, 1);
  if (!Rf_isFunction(handler)) {
    replace_top(co, 2, handler);
    return;
  }
  SEXP literal = PROTECT(as_literal(top(co)));
  SEXP call = PROTECT(Rf_lang3(hooks().call_handler, handler, literal));
  call_and_replace(co, call, 2);
  UNPROTECT(2);
}

void pop_finally(const Coroutine& co) {
  --co.machine->blocks;
  SEXP record = PROTECT(Rf_allocVector(INTSXP, 3));
  INTEGER(record)[0] = static_cast<int>(Completion::Normal);
  push(co, record);
  UNPROTECT(1);
}

void make_scope(const Coroutine& co, int symbol) {
  SEXP env = PROTECT(R_NewEnv(current_env(co), FALSE, 4));
  if (symbol >= 0) {
    Rf_defineVar(constant(co, symbol), top(co), env);
    drop(co, 2);
  }
  push(co, env);
  UNPROTECT(1);
}

void enter_scope(const Coroutine& co, int leave_pc, int shown) {
  if (TYPEOF(top(co)) != ENVSXP) fail_in_body(co, "`envir` of local() must be an environment");
  Block& block = push_block(co, BlockKind::Scope);
  block.sp = co.machine->sp - 1;
  block.scope = {leave_pc, shown + 1, block.sp};
  ++co.machine->scopes;
}

void choose_arm(const Coroutine& co, const int* operand) {
  Machine& m = *co.machine;
  SEXP call = PROTECT(Rf_shallow_duplicate(constant(co, operand[0])));
  SETCADR(call, as_literal(top(co)));
  SEXP chosen = PROTECT(run_own_leaf(co, call, current_env(co)));
  const bool is_name = TYPEOF(top(co)) == STRSXP;
  trace_about(co, "switch: ", top(co), "\n");
  drop(co);
  m.now.is_visible = true;
  if (chosen != R_NilValue) {
    m.pc += INTEGER(chosen)[0];
  } else if (operand[2] == 0) {
    m.pc = operand[1];
  } else {
    // Where code jumps by names, a name that leads nowhere is a mistake.
    fail_in_body(co, is_name ? "switch() has no such alternative and no default"
                             : "switch() is out of bounds: it has no such alternative");
  }
  UNPROTECT(2);
}

void jump_to_switch(const Coroutine& co, bool has_label) {
  SEXP label = PROTECT(has_label ? top(co) : R_MissingArg);
  if (has_label) drop(co);
  complete(co, {Completion::Goto, co.machine->scopes}, label);
  UNPROTECT(1);
}

void add_exit(const Coroutine& co, int code) {
  const bool after = flag_of(co, top(co));
  const bool add = flag_of(co, top(co, 1));
  drop(co, 2);
  const int place = blocks(co)[exits_block(co)].sp - 1;
  SEXP before = VECTOR_ELT(co.slot(kStateStack), place);
  const int kept = add ? Rf_length(before) : 0;
  const int added = code < 0 ? 0 : 1;
  SEXP due = PROTECT(Rf_allocVector(INTSXP, kept + added));
  const int shift = after ? 0 : added;
  for (int i = 0; i < kept; ++i) INTEGER(due)[i + shift] = INTEGER(before)[i];
  if (added == 1) INTEGER(due)[after ? kept : 0] = code;
  SET_VECTOR_ELT(co.slot(kStateStack), place, due);
  UNPROTECT(1);
}

void next_exit(const Coroutine& co, const int* operand) {
  Machine& m = *co.machine;
  SEXP due = top(co, 2);
  const int count = Rf_length(due);
  if (count == 0) {
    m.pc = operand[0];
    return;
  }
  SEXP rest = PROTECT(Rf_allocVector(INTSXP, count - 1));
  for (int i = 1; i < count; ++i) INTEGER(rest)[i - 1] = INTEGER(due)[i];
  const int code = INTEGER(due)[0];
  SET_VECTOR_ELT(co.slot(kStateStack), m.sp - 3, rest);
  UNPROTECT(1);
  push_block(co, BlockKind::Finally).finally = {operand[1], 0, true, false};
  m.pc = code;
}

void merge_exit(const Coroutine& co) {
  const bool is_normal = INTEGER(top(co))[0] == static_cast<int>(Completion::Normal);
  if (!is_normal) {
    const SEXP stack = co.slot(kStateStack);
    const int sp = co.machine->sp;
    SET_VECTOR_ELT(stack, sp - 4, VECTOR_ELT(stack, sp - 2));
    SET_VECTOR_ELT(stack, sp - 3, VECTOR_ELT(stack, sp - 1));
  }
  drop(co, 2);
}

void set_up_restarts(const Coroutine& co, const int* operand) {
  push_block(co, BlockKind::Restart).guard = {operand[1], shown_after(co, operand[0]), operand[2],
                                              false, operand[0]};
  co.machine->now.is_stale = true;
}

void call_restart(const Coroutine& co) {
  SEXP handler = PROTECT(as_literal(top(co, 1)));
  SEXP arguments = PROTECT(top(co));
  SEXP call = PROTECT(Rf_lang3(hooks().call_restart, handler, arguments));
  call_and_replace(co, call, 2);
  UNPROTECT(3);
}

void call_plain(const Coroutine& co) {
  SEXP value = top(co);
  if (Rf_isFunction(value)) {
    SEXP literal = PROTECT(as_literal(top(co, 1)));
    SEXP call = PROTECT(Rf_lang3(hooks().call_handler, value, literal));
    call_and_replace(co, call, 3);
    UNPROTECT(2);
  } else {
    replace_top(co, 3, value);
  }
}

}  // namespace elsewhere::eval
