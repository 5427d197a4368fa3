#include "bridge/worker/console_expression.h"

// After the standard library: R's header declares with C names.
#include <Rinternals.h>

#include <R_ext/Parse.h>

namespace elsewhere {
namespace {

struct ParseRequest {
  const char* text;
  bool is_incomplete = false;
};

void parse(void* data) {
  auto* request = static_cast<ParseRequest*>(data);
  ParseStatus status = PARSE_NULL;
  SEXP text = PROTECT(Rf_mkString(request->text));
  R_ParseVector(text, -1, &status, R_NilValue);
  UNPROTECT(1);
  request->is_incomplete = status == PARSE_INCOMPLETE;
}

}  // namespace

void ConsoleExpression::look() {
  if (lines_.empty()) return;
  if (lines_.back() != '\n') {
    is_incomplete_ = true;
    return;
  }
  ParseRequest request{lines_.c_str()};
  is_incomplete_ = R_ToplevelExec(parse, &request) == TRUE && request.is_incomplete;
  if (!is_incomplete_) lines_.clear();
}

void ConsoleExpression::drop() {
  lines_.clear();
  is_incomplete_ = false;
}

}  // namespace elsewhere
