// Everything R can call, one block a file of this folder. init.cpp makes the
// table from it.
#pragma once

#include <Rinternals.h>

extern "C" {
// border.cpp
SEXP ew_border_init(SEXP raise);
SEXP ew_to_bytes(SEXP value, SEXP refuse_references);
SEXP ew_from_bytes(SEXP bytes);
}
