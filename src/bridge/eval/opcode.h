// The instructions of a compiled body. A program is an integer vector of four
// numbers an instruction (opcode, a, b, c) and a list of constants; operands
// are indices into the constants, code positions, or counts, as said here.
//
// The machine has a stack of R values and a stack of blocks (machine.h).
// "Push" and "pop" mean the value stack.
#pragma once

namespace elsewhere::eval {

enum class Op : int {
  Eval,          // push what R makes of constant a, in the current scope; b = 1: the
                 // value of the body, which may be invisible
  Const,         // push constant a as it is; b = 1: the user's, for trace =
  Target,        // constant a is what an assignment assigns to, for trace =
  Pop,           // drop the top value
  DropUnder,     // drop the value below the top one
  Jump,          // go to a
  JumpIfNot,     // pop a condition; go to a if false; b: the call, for errors;
                 // c = 1: that of a while loop
  Assign,        // top value into symbol a; it stays on the stack
  AssignOuter,   // the same with `<<-`
  Replace,       // `x[i] <- value`: a: call site; b holes above the value
  Callee,        // push the function that symbol a names
  CalleeCheck,   // the top value must be a function
  Lazy,          // if the top value is a closure, go to a; b: call, for errors
  Dots,          // push the evaluated `...` as a list
  CallStrict,    // pop b arguments and a callee; call site a; push its value
  CallLazy,      // pop b holes and a callee; call site a; push its value
  GoSub,         // run the code at a, which ends in Return-from-sub
  EndSub,        //
  Await,         // pop something awaitable; pause; push its value
  Yield,         // pop a value; pause; push what was sent, or the value
  NextItem,      // pop a source; push its next item (a list of one, or the
                 // pointer for "none"), waiting for it if need be (b = 1: never);
                 // a: the call
  ItemOr,        // pop an item; push what is in it; at the end go to a
  ForCheck,      // if the top value is an ordinary sequence: pop, let R run the
                 // loop of site b over it, push NULL and go to a
  ForSetup,      // LOOP block over the sequence on top, break at a, next at b;
                 // c = 1: nobody else has it, so leaving the loop closes it
  ForNext,       // next element into symbol a (a < 0: push it), past the
                 // following instruction; at the end go to b
  ForTake,       // the same with an item that had to be waited for
  LoopLeaf,      // a loop in which nothing pauses, at site a: if it has code, or
                 // is watched, R runs it; go to b
  LoopRound,     // its next round: if it is hot, leave its block and let R's byte
                 // code go on with it; go to b
  LoopSetup,     // push LOOP block: break at a, next at b; c = 1: while, 2: repeat
  LoopEnd,       // pop LOOP block and a values
  Break,         //
  Next,          //
  Return,        // pop a value and leave the innermost scope with it
  Left,          // pop lhs of && (b = 0) or || (b = 1); decided: push, go to a
  Right,         // pop rhs and lhs, push R's answer (b as above)
  TrySetup,      // push HANDLER block: classes a (the next constant: the call to
                 // show, or NULL), handler code b; c = handler values on the
                 // stack, negative if they are calling handlers
  TryPop,        // pop HANDLER block, keep the top value
  HandlerCase,   // if the handler that matched is number a, go to b
  CallHandler,   // pop condition and handler; push the handler's value
  CallPlain,     // the same where the handler's code has pushed a value: if that
                 // is a function, it is called; pop condition and handler, too
  RestartSetup,  // push RESTART block: names a (and the call to show), restart
                 // code b; c handlers
  CallRestart,   // pop a list of arguments and a restart's handler; push its value
  FinallySetup,  // push FINALLY block with code a; b = 1: that code may pause;
                 // c: the call to show
  FinallyPop,    // pop FINALLY block, note "normal" completion
  FinallyEnd,    // pop completion, go on with it
  ShowSetup,     // push SHOWN block: call a
  ShowEnd,       // pop it
  ExitsSetup,    // push an empty list and a FINALLY block with code a for it
  ExitsAdd,      // pop `after` and `add`; the code at a (< 0: none) is due when
                 // the scope is left
  ExitsNext,     // go to what is due next, in a FINALLY block with code b; if
                 // there is nothing, go to a
  ExitsMerge,    // pop the completion of that; unless it is normal, it replaces
                 // the one below
  ScopeEnter,    // pop an environment; SCOPE block leaving to a; b: the call to show
  ScopeLeave,    // leave it normally with the top value
  NewEnv,        // push a child of the current environment
  SwitchTable,   // pop EXPR; R chooses by the call a; go to the arm, or to b if
                 // there is none (c = 1: an error)
  SwitchSetup,   // push SWITCH block (for goto): table at a, EXPR at b
  SwitchEnd,     // pop it, keep the top value
  Goto,          // to the innermost SWITCH block: to its table with the label
                 // on top (a = 1), or to its EXPR (a = 0)
  Invisible,     // the value on top is invisible
  Finish         // pop the value of the body and end
};

constexpr int kInstructionInts = 4;

}  // namespace elsewhere::eval
