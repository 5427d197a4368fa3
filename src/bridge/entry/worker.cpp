#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/guard.h"
#include "bridge/r_api.h"
#include "bridge/worker/arrival.h"
#include "bridge/worker/own_directory.h"
#include "bridge/worker/worker_main.h"
#include "engine/os/process.h"

namespace elsewhere {
namespace {

WorkerMain& worker_here() {
  WorkerMain* worker = this_worker();
  if (worker == nullptr) {
    throw EngineError({ErrorCode::BadArgument,
                       "this R process is not a worker: this function works only in a "
                       "background session or a pool worker"});
  }
  return *worker;
}

// A pointer that .Call() takes. Unlike a registered routine it survives that the
// library is loaded again.
SEXP entry_pointer(DL_FUNC entry) {
  return R_MakeExternalPtrFn(entry, Rf_install("native symbol"), R_NilValue);
}

// What R has printed is in the encoding of the locale.
SEXP printed_to_r(MainThread& main, const std::string& text) {
  return r_call(main, [&] {
    SEXP one = PROTECT(Rf_mkCharLenCE(text.data(), static_cast<int>(text.size()), CE_NATIVE));
    SEXP out = Rf_ScalarString(one);
    UNPROTECT(1);
    return out;
  });
}

}  // namespace

extern "C" SEXP ew_worker_boot(SEXP functions) {
  return guard([&](MainThread& main) {
    if (TYPEOF(functions) != ENVSXP) {
      throw EngineError({ErrorCode::BadArgument, "a worker boots with an environment"});
    }
    move_into_directory(take_own_directory());
    SEXP entries = r_call(main, [&] {
      const struct {
        const char* name;
        DL_FUNC entry;
      } table[] = {
          {"step", reinterpret_cast<DL_FUNC>(&ew_worker_step)},
          {"decode", reinterpret_cast<DL_FUNC>(&ew_worker_decode)},
          {"pack", reinterpret_cast<DL_FUNC>(&ew_worker_pack)},
          {"emit", reinterpret_cast<DL_FUNC>(&ew_worker_emit)},
          {"capture_begin", reinterpret_cast<DL_FUNC>(&ew_worker_capture_begin)},
          {"capture_end", reinterpret_cast<DL_FUNC>(&ew_worker_capture_end)},
          {"redirect_output", reinterpret_cast<DL_FUNC>(&ew_worker_redirect_output)},
          {"arrive", reinterpret_cast<DL_FUNC>(&ew_worker_arrive)},
          {"closure_in", reinterpret_cast<DL_FUNC>(&ew_worker_closure_in)},
      };
      constexpr R_xlen_t count = sizeof table / sizeof table[0];
      SEXP out = PROTECT(Rf_allocVector(VECSXP, count));
      SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
      for (R_xlen_t i = 0; i < count; ++i) {
        SET_VECTOR_ELT(out, i, entry_pointer(table[i].entry));
        SET_STRING_ELT(names, i, Rf_mkChar(table[i].name));
      }
      Rf_setAttrib(out, R_NamesSymbol, names);
      UNPROTECT(2);
      return out;
    });
    SEXP decode = r_call(main, [&] {
      PROTECT(entries);
      SEXP call = PROTECT(Rf_lang2(Rf_install(".Call"), VECTOR_ELT(entries, 1)));
      for (SEXP object : {functions, entries, call}) R_PreserveObject(object);
      UNPROTECT(2);
      return call;
    });
    boot_worker(main, std::make_unique<WorkerMain>(functions, decode, VECTOR_ELT(entries, 2)));
    return entries;
  });
}

// c(preamble, user's profile).
extern "C" SEXP ew_worker_arrive() {
  return guard([&](MainThread& main) {
    const Arrival arrival = arrive();
    return r_call(main, [&] {
      SEXP out = PROTECT(Rf_allocVector(STRSXP, 2));
      SET_STRING_ELT(out, 0, Rf_mkChar(arrival.preamble.c_str()));
      SET_STRING_ELT(out, 1, Rf_mkChar(arrival.user_profile.c_str()));
      UNPROTECT(1);
      return out;
    });
  });
}

extern "C" SEXP ew_become_program(SEXP program, SEXP arguments, SEXP environment) {
  return guard([&](MainThread& main) -> SEXP {
    throw EngineError(become(string_from(main, program), strings_from(main, arguments),
                             strings_from(main, environment)));
  });
}

extern "C" SEXP ew_worker_step() {
  return guard([&](MainThread& main) {
    worker_here().step(main);
    return R_NilValue;
  });
}

extern "C" SEXP ew_worker_decode() {
  return guard([&](MainThread& main) { return worker_here().decode(main); });
}

extern "C" SEXP ew_worker_pack(SEXP value) {
  return guard([&](MainThread& main) {
    worker_here().pack(main, value);
    return R_NilValue;
  });
}

extern "C" SEXP ew_worker_emit(SEXP condition) {
  return guard([&](MainThread& main) {
    const bool is_sent = worker_here().emit(main, condition);
    return r_call(main, [&] { return Rf_ScalarLogical(is_sent); });
  });
}

extern "C" SEXP ew_worker_capture_begin(SEXP live) {
  return guard([&](MainThread& main) {
    WorkerMain& worker = worker_here();
    OutputCapture::Take take;
    if (flag_from(main, live)) take = [&worker](std::string_view text) { worker.emit_text(text); };
    const bool has_begun = worker.capture().begin(main, std::move(take));
    return r_call(main, [&] { return Rf_ScalarLogical(has_begun); });
  });
}

extern "C" SEXP ew_worker_capture_end() {
  return guard(
      [&](MainThread& main) { return printed_to_r(main, worker_here().capture().end(main)); });
}

// What `environment<-` does, but for the compiled code, which that one drops.
extern "C" SEXP ew_worker_closure_in(SEXP function, SEXP environment) {
  return guard([&](MainThread& main) {
    if (TYPEOF(function) != CLOSXP || TYPEOF(environment) != ENVSXP) {
      throw EngineError({ErrorCode::Bug, "closure_in() wants a closure and an environment"});
    }
    return r_call(main, [&] {
      SEXP moved = PROTECT(new_closure(formals_of(function), body_of(function), environment));
      DUPLICATE_ATTRIB(moved, function);
      UNPROTECT(1);
      return moved;
    });
  });
}

extern "C" SEXP ew_worker_redirect_output(SEXP output, SEXP error) {
  return guard([&](MainThread& main) {
    or_throw(worker_here().redirect_output(string_from(main, output), string_from(main, error)));
    return R_NilValue;
  });
}

}  // namespace elsewhere
