#include "bridge/eval/symbols.h"

namespace elsewhere::eval {
namespace {

Symbols the_symbols;

}  // namespace

const Symbols& symbols() { return the_symbols; }

void init_symbols() {
  Symbols& s = the_symbols;
  const struct {
    SEXP* place;
    const char* name;
  } wanted[] = {
      {&s.await, "await"},
      {&s.await_next, "awaitNext"},
      {&s.brace, "{"},
      {&s.paren, "("},
      {&s.if_, "if"},
      {&s.for_, "for"},
      {&s.while_, "while"},
      {&s.switch_, "switch"},
      {&s.return_, "return"},
      {&s.break_, "break"},
      {&s.next, "next"},
      {&s.assign_outer, "<<-"},
      {&s.and_, "&&"},
      {&s.or_, "||"},
      {&s.function, "function"},
      {&s.tilde, "~"},
      {&s.try_catch, "tryCatch"},
      {&s.on_exit, "on.exit"},
      {&s.goto_, "goto"},
      {&s.yield, "yield"},
      {&s.quote, "quote"},
      {&s.double_colon, "::"},
      {&s.triple_colon, ":::"},
      {&s.expr, "expr"},
      {&s.finally, "finally"},
      {&s.value, "value"},
      {&s.elsewhere, "elsewhere"},
      {&s.async, "async"},
      {&s.base, "base"},
      {&s.add, "add"},
      {&s.after, "after"},
      {&s.error, "error"},
      {&s.envir, "envir"},
      {&s.classes, "classes"},
      {&s.err, "err"},
      {&s.or_argument, "or"},
      {&s.dollar, "$"},
      {&s.at, "@"},
      {&s.dot, "."},
      {&s.pipe, "%>%"},
      {&s.srcref, "srcref"},
      {&s.eval, "eval"},
      {&s.new_env, "new.env"},
  };
  for (const auto& [place, name] : wanted) *place = Rf_install(name);
}

}  // namespace elsewhere::eval
