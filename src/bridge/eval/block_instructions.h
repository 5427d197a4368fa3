// The instructions that open, close and use blocks: handlers, restarts, finally and
// on.exit(), scopes, switch(). Main thread alone; all of it may leave by one of R's
// jumps.
#pragma once

#include "bridge/eval/machine.h"

namespace elsewhere::eval {

void set_up_try(const Coroutine& co, const int* operand);
void leave_try(const Coroutine& co);
// On top: the condition; below it the handler, or the value that stands for one.
void call_handler(const Coroutine& co);
// On top: what the handler's code gave; below it the condition and nothing.
void call_plain(const Coroutine& co);
void set_up_restarts(const Coroutine& co, const int* operand);
void call_restart(const Coroutine& co);

void pop_finally(const Coroutine& co);
void add_exit(const Coroutine& co, int code);
void next_exit(const Coroutine& co, const int* operand);
void merge_exit(const Coroutine& co);

void make_scope(const Coroutine& co, int symbol);
void enter_scope(const Coroutine& co, int leave_pc, int shown);

void choose_arm(const Coroutine& co, const int* operand);
void jump_to_switch(const Coroutine& co, bool has_label);

}  // namespace elsewhere::eval
