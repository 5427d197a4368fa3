#include "bridge/globals/walk.h"

#include <string>

#include "bridge/guard.h"
#include "bridge/r_api.h"

namespace elsewhere {
namespace {

// R's own limit for nested calls is the option `expressions`, 5000 by default.
constexpr int kLevelsMax = 10000;
constexpr int kLevelsBetweenChecks = 128;
constexpr R_xlen_t kStringsLookedAt = 64;
constexpr R_xlen_t kTypedLengthMax = 256;

}  // namespace

void Walk::node(SEXP node) {
  ++out_.nodes;
  switch (TYPEOF(node)) {
    case SYMSXP: return use_value(node);
    case LANGSXP: return call(node);
    case NILSXP: return;
    case STRSXP:
      for (R_xlen_t i = 0; i < XLENGTH(node) && i < kStringsLookedAt; ++i) {
        string(STRING_ELT(node, i));
      }
      return constant(node);
    case BCODESXP: return this->node(R_BytecodeExpr(node));
    default: return constant(node);
  }
}

// A value in the middle of code: typed there, or put there by bquote().
void Walk::constant(SEXP value) {
  switch (TYPEOF(value)) {
    case LGLSXP:
    case INTSXP:
    case REALSXP:
    case CPLXSXP:
    case RAWSXP:
    case STRSXP:
      if (XLENGTH(value) > kTypedLengthMax) out_.holds_large_value = true;
      if (has_attributes(value)) out_.constants.push_back(value);
      return;
    default: out_.holds_large_value = true; out_.constants.push_back(value);
  }
}

void Walk::string(SEXP text) {
  if (strings_.add(text)) out_.strings.push_back(text);
}

void Walk::use_value(SEXP symbol) {
  if (symbol == R_MissingArg) return;
  const bool is_weak = weak_ > 0;
  if (CHAR(PRINTNAME(symbol))[0] == '.') {
    if (dots_number(symbol) > 0) return scope_.use_value(R_DotsSymbol, is_weak);
    if (is_placeholder(main_, symbol)) return scope_.use_value(symbol, true);
    // `..x` is the variable x to a data.table.
    if (const SEXP inner = without_dots(main_, symbol)) scope_.use_value(inner, true);
  }
  scope_.use_value(symbol, is_weak);
}

void Walk::use_function(SEXP symbol) { scope_.use_function(symbol, weak_ > 0); }
void Walk::use_function_weakly(SEXP symbol) { scope_.use_function(symbol, true); }

void Walk::argument(SEXP value) {
  if (TYPEOF(value) != LANGSXP) return node(value);
  branch(value);
}

void Walk::arguments(SEXP arguments) {
  bool has_data = false;
  for (SEXP rest = arguments; rest != R_NilValue; rest = CDR(rest)) {
    if (TAG(rest) == known_.data || TAG(rest) == known_.dot_data) has_data = true;
  }
  for (SEXP rest = arguments; rest != R_NilValue; rest = CDR(rest)) {
    const SEXP tag = TAG(rest);
    // With `data =`, the other arguments may be columns of it.
    const bool is_masked = has_data && tag != known_.data && tag != known_.dot_data;
    weak_ += is_masked;
    argument(CAR(rest));
    weak_ -= is_masked;
    if (tag == known_.fun_upper || tag == known_.dot_f || tag == known_.fun) {
      if (is_computed_name(CAR(rest))) out_.names_functions = true;
      function_by_name(CAR(rest));
    }
  }
}

void Walk::strict_arguments(SEXP arguments) {
  for (; arguments != R_NilValue; arguments = CDR(arguments)) node(CAR(arguments));
}

void Walk::weakly(SEXP value) {
  ++weak_;
  argument(value);
  --weak_;
}

void Walk::weak_arguments(SEXP arguments) {
  for (; arguments != R_NilValue; arguments = CDR(arguments)) weakly(CAR(arguments));
}

// Our stack is R's: the caller may have used most of it already.
void Walk::check_depth(int level) {
  if (level > kLevelsMax) {
    throw EngineError({ErrorCode::TooLarge, "the expression is nested more than " +
                                                std::to_string(kLevelsMax) + " calls deep"});
  }
  if (level % kLevelsBetweenChecks == 0) r_call(main_, [] { R_CheckStack(); });
}

void Walk::call(SEXP call) {
  const Deeper deeper(*this);
  // A formula put here as a value brings its environment.
  for_each_attribute(call, [&](SEXP tag, SEXP value) {
    if (TYPEOF(value) == ENVSXP && tag != known_.srcfile) constant(value);
  });
  const SEXP head = CAR(call);
  if (TYPEOF(head) == SYMSXP) {
    form(form_of(main_, head), head, call, true);
  } else if (TYPEOF(head) == LANGSXP && TYPEOF(CAR(head)) == SYMSXP &&
             form_of(main_, CAR(head)) == Form::Namespace) {
    node(head);
    // base::local() is local().
    const SEXP name = second(CDR(head));
    const SEXP symbol = symbol_of(name);
    out_.calls_closures = true;
    if (symbol != nullptr) {
      form(form_of(main_, symbol), symbol, call, false);
    } else {
      arguments(CDR(call));
    }
  } else {
    out_.calls_closures = true;
    node(head);
    text_arguments(nullptr, CDR(call));
    arguments(CDR(call));
  }
}

void Walk::form(Form form, SEXP head, SEXP call, bool head_is_free) {
  const SEXP args = CDR(call);
  if (head_is_free) use_function(head);
  switch (form) {
    case Form::Call:
      out_.calls_closures = true;
      if (head_is_free) text_arguments(head, args);
      return arguments(args);
    case Form::Strict: return strict_arguments(args);
    case Form::Function: return function(CAR(args), second(args));
    case Form::Brace: return strict_arguments(args);
    case Form::Assign: return assign(call);
    case Form::SuperAssign: return super_assign(call);
    case Form::If: return if_else(args);
    case Form::For: return for_loop(args);
    case Form::While: return while_loop(args);
    case Form::Repeat: return repeat_loop(args);
    case Form::AndOr: return and_or(args);
    case Form::Switch: return switch_over(args);
    case Form::Leave: return leave(args);
    case Form::Quote: return weak_arguments(args);
    case Form::Bquote: return bquote(args);
    case Form::Formula: return weak_arguments(args);
    case Form::Namespace: return namespaced(call);
    case Form::Component: return component(call);
    case Form::Bracket: return bracket(head, args);
    case Form::ColumnAssign: return column_assign(args);
    case Form::Local: return local(args);
    case Form::Mask: return masked(args);
    case Form::Missing: return weak_arguments(args);
    case Form::Remove: return remove(args);
    case Form::Library: return library(args);
    case Form::Data: return weak_arguments(args);
    case Form::SureFirst:
      out_.calls_closures = true;
      if (args == R_NilValue) return;
      node(CAR(args));
      return arguments(CDR(args));
    case Form::CallsFunction: return calls_function(args);
    case Form::Get: return get_by_name(args);
    case Form::Template: return code_in_text(args, Text::Template);
    case Form::Parse: return code_in_text(args, Text::Code);
    case Form::AssignByName: return assign_by_name(args, false);
    case Form::DelayedAssign: return assign_by_name(args, true);
    case Form::UseMethod: return use_method(args);
    case Form::Dots: scope_.use_value(R_DotsSymbol, weak_ > 0); return strict_arguments(args);
    case Form::Pipe: return pipe(head, args);
    case Form::FutureAssign: return future_assign(head, CAR(args), second(args));
    case Form::FutureAssignRight: return future_assign(head, second(args), CAR(args));
    case Form::FutureModifier:
      out_.calls_closures = true;
      node(CAR(args));
      return arguments(CDR(args));
    case Form::ForEach: return foreach_loop(head, args);
  }
}

void Walk::function(SEXP formals, SEXP body) {
  const Scope::Frame frame = scope_.enter_function();
  for (SEXP rest = formals; rest != R_NilValue; rest = CDR(rest)) {
    scope_.bind(TAG(rest), BoundTo::Anything);
  }
  // A default is evaluated when the argument is first used, so it may see what
  // the body has bound by then.
  scope_.enter_later();
  for (SEXP rest = formals; rest != R_NilValue; rest = CDR(rest)) argument(CAR(rest));
  scope_.leave_later();
  node(body);
  scope_.leave_function(frame);
}

void Walk::code(SEXP code, Certainty certainty) {
  weak_ += certainty == Certainty::Maybe;
  if (TYPEOF(code) == EXPRSXP) {
    for (R_xlen_t i = 0; i < XLENGTH(code); ++i) node(VECTOR_ELT(code, i));
  } else {
    node(code);
  }
}

Summary Walk::finish() {
  out_.uses = scope_.free_names();
  return std::move(out_);
}

Summary summarise_code(MainThread& main, SEXP code, Certainty certainty) {
  Walk walk(main);
  walk.code(code, certainty);
  return walk.finish();
}

Summary summarise_function(MainThread& main, SEXP formals, SEXP body) {
  Walk walk(main);
  walk.function(formals, body);
  return walk.finish();
}

}  // namespace elsewhere
