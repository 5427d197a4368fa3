// What a value consists of, part by part, in the order that never changes, and
// how R code would name each part: what the search for a reference that cannot
// travel goes through. The parts are those that R's serialization would write.
// R's main thread.
#pragma once

#include <Rinternals.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bridge/kept.h"
#include "bridge/main_thread.h"

namespace elsewhere {

// What counts of the environment of a function, which holds whatever was around
// when it was made: all, the variables that the function names, or nothing.
enum class Closures { Whole, Used, None };

// How a part is reached from what holds it.
enum class StepKind : std::uint8_t {
  Root,          // the value itself, under the name given
  Element,       // of a list, an expression or a call
  Variable,      // of an environment
  Parent,        // the environment around an environment
  Attribute,     // or a slot
  Surroundings,  // the environment of a function
  Used,          // a variable of that environment, or around it
  Global,        // a variable of the workspace that the function names
  Body,
  Formal,
  Binding,    // the function of an active binding
  Forced,     // the value of a promise
  Awaited,    // the environment in which a promise is to be evaluated
  Protected,  // what an external pointer keeps alive
};

struct Part {
  SEXP value;
  StepKind kind;
  SEXP symbol;     // of a variable, attribute, formal or active binding
  R_xlen_t index;  // of an element, from 0
};

struct PartRules {
  Closures closures = Closures::Whole;
  // A named list: what a function will find in the workspace. May be R's NULL.
  SEXP globals = R_NilValue;
};

// The parts of `value`, none of them evaluated. They stay alive with it, but for what
// stands for a promise: that is put into `kept`.
std::vector<Part> parts_of(MainThread& main, SEXP value, const PartRules& rules, Kept& kept);

// `path` with the step to `part`, which is one of `holder`.
std::string with_step(MainThread& main, const std::string& path, SEXP holder, const Part& part);

// `name` as it stands in R code: in backticks where it must.
std::string as_r_name(const std::string& name);

bool is_connection(SEXP value);

}  // namespace elsewhere
