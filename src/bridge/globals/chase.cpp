// Values: what is found is searched for the code in it.
#include <cstring>

#include "bridge/globals/finder.h"
#include "bridge/guard.h"
#include "bridge/r_api.h"

namespace elsewhere {
namespace {

// Attributes that hold no code, by far the most.
bool is_plain_attribute(SEXP tag) {
  return tag == R_NamesSymbol || tag == R_DimSymbol || tag == R_DimNamesSymbol ||
         tag == R_ClassSymbol || tag == R_RowNamesSymbol || tag == R_TspSymbol ||
         tag == R_LevelsSymbol;
}

bool is_about_source(SEXP tag) {
  const char* name = CHAR(PRINTNAME(tag));
  return std::strcmp(name, "srcref") == 0 || std::strcmp(name, "srcfile") == 0 ||
         std::strcmp(name, "wholeSrcref") == 0;
}

}  // namespace

// Atomic vectors without attributes, most of all data, never enter the list.
void Finder::push(SEXP value, int owner) {
  switch (TYPEOF(value)) {
    case NILSXP:
    case CHARSXP:
    case BUILTINSXP:
    case SPECIALSXP: return;
    case LGLSXP:
    case INTSXP:
    case REALSXP:
    case CPLXSXP:
    case RAWSXP:
    case STRSXP:
      if (!has_attributes(value)) return;
      break;
    default: break;
  }
  if (budget_ == 0) return;
  --budget_;
  todo_.push_back({value, owner});
}

void Finder::follow() {
  while (!todo_.empty()) {
    const Todo next = todo_.back();
    todo_.pop_back();
    look_into(next.value, next.owner);
  }
}

void Finder::look_into(SEXP value, int owner) {
  if (TYPEOF(value) == SYMSXP) {
    if (value != R_MissingArg && value != R_UnboundValue && follows_) {
      resolve_name(value, Wanted::Anything, false, envir_, Level::Expression, owner);
    }
    return;
  }
  if (!seen_.add(value)) return;
  switch (TYPEOF(value)) {
    case CLOSXP: look_at_closure(value, owner); break;
    case ENVSXP: look_at_environment(value, owner); break;
    case PROMSXP: return look_at_promise(value, owner);
    case LANGSXP: look_at_code(value, owner); break;
    case VECSXP:
    case EXPRSXP:
      for (R_xlen_t i = 0; i < XLENGTH(value); ++i) push(VECTOR_ELT(value, i), owner);
      break;
    case LISTSXP:
    case DOTSXP:
      for (SEXP rest = value; TYPEOF(rest) == TYPEOF(value); rest = CDR(rest)) {
        push(CAR(rest), owner);
      }
      break;
    default: break;
  }
  look_at_attributes(value, owner);
}

void Finder::look_at_attributes(SEXP value, int owner) {
  for_each_attribute(value, [&](SEXP tag, SEXP attribute) {
    if (tag == R_ClassSymbol && TYPEOF(attribute) == STRSXP) {
      for (R_xlen_t i = 0; i < XLENGTH(attribute); ++i) note_class(STRING_ELT(attribute, i));
      note_class_package(attribute);
    }
    if (is_plain_attribute(tag) || is_about_source(tag)) return;
    if (TYPEOF(attribute) == STRSXP && std::strcmp(CHAR(PRINTNAME(tag)), "className") == 0) {
      for (R_xlen_t i = 0; i < XLENGTH(attribute); ++i) note_class(STRING_ELT(attribute, i));
    }
    push(attribute, owner);
  });
}

void Finder::look_at_closure(SEXP function, int owner) {
  const SEXP env = environment_of(function);
  const SEXP space = namespace_on_chain(main_, env);
  if (space != nullptr) {
    if (const SEXP package = package_of(main_, space)) note_namespace(package);
  } else {
    const SharedSummary summary = summary_of_function(main_, function);
    resolve(*summary, env, Level::Function, owner);
  }
  push(env, owner);
}

void Finder::look_at_environment(SEXP env, int owner) {
  if (is_reference_environment(main_, env)) {
    if (const SEXP package = package_of(main_, env)) note_namespace(package);
    return;
  }
  const SEXP names = r_call(main_, [&] { return kept_.add(R_lsInternal3(env, TRUE, FALSE)); });
  for (R_xlen_t i = 0; i < XLENGTH(names); ++i) {
    const SEXP symbol = r_call(main_, [&] { return Rf_installTrChar(STRING_ELT(names, i)); });
    const Slot slot = slot_in(env, symbol);
    switch (slot.kind) {
      case Slot::Kind::Unbound: break;
      case Slot::Kind::Value: push(slot.value, owner); break;
      case Slot::Kind::Delayed: look_at_delayed(delayed_in(env, symbol), owner); break;
      case Slot::Kind::Active: push(R_ActiveBindingFunction(symbol, env), owner); break;
    }
  }
  push(parent_of(env), owner);
}

void Finder::look_at_promise(SEXP promise, int owner) {
  const PromiseParts parts = r_call(main_, [&] { return parts_of_promise(promise); });
  if (parts.is_forced) return push(parts.value, owner);
  look_at_delayed(parts.delayed, owner);
}

// A promise travels as code and environment until it is forced.
void Finder::look_at_delayed(const Delayed& delayed, int owner) {
  if (TYPEOF(delayed.env) != ENVSXP) return;
  const SharedSummary summary = summary_of_code(main_, delayed.code, Certainty::Maybe);
  if (follows_) resolve(*summary, delayed.env, Level::Function, owner);
  push(delayed.env, owner);
}

// A call kept as a value may be evaluated there: eval(e). A formula is looked
// up from its own environment.
void Finder::look_at_code(SEXP code, int owner) {
  if (!follows_) return;
  SEXP env = envir_;
  for_each_attribute(code, [&](SEXP tag, SEXP value) {
    if (TYPEOF(value) == ENVSXP && !is_about_source(tag)) env = value;
  });
  const SharedSummary summary = summary_of_code(main_, code, Certainty::Maybe);
  resolve(*summary, env, env == envir_ ? Level::Expression : Level::Function, owner);
}

}  // namespace elsewhere
