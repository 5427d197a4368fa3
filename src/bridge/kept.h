// Keeps R objects alive until it goes out of scope: values that a lookup found
// or computed, while later lookups run R code that could drop them.
#pragma once

#include <Rinternals.h>

namespace elsewhere {

class Kept {
 public:
  Kept() = default;
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() {
    if (head_ != nullptr) R_ReleaseObject(head_);
  }

  // Inside an r_call() only: it allocates. Returns `value`.
  SEXP add(SEXP value) {
    PROTECT(value);
    if (head_ == nullptr) {
      SEXP head = PROTECT(Rf_cons(R_NilValue, R_NilValue));
      R_PreserveObject(head);
      UNPROTECT(1);
      head_ = head;
    }
    SETCDR(head_, Rf_cons(value, CDR(head_)));
    UNPROTECT(1);
    return value;
  }

 private:
  SEXP head_ = nullptr;
};

}  // namespace elsewhere
