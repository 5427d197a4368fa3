#include <cstring>
#include <vector>

#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/globals/finder.h"
#include "bridge/globals/memo.h"
#include "bridge/globals/size.h"
#include "bridge/guard.h"
#include "bridge/r_api.h"

namespace elsewhere {
namespace {

// The parts of an answer that are the same each time.
struct Constants {
  SEXP fields;         // names of the answer
  SEXP no_strings;     // character()
  SEXP empty_strings;  // character(), named
  SEXP empty_list;     // list(), named
};

const Constants& constants(MainThread& main) {
  static const Constants made = [&] {
    Constants c{};
    r_call(main, [&] {
      static constexpr const char* kFields[] = {"globals", "packages", "namespaces",
                                                "where",   "missing",  "shadowed"};
      c.fields = Rf_allocVector(STRSXP, 6);
      R_PreserveObject(c.fields);
      for (int i = 0; i < 6; ++i) SET_STRING_ELT(c.fields, i, Rf_mkChar(kFields[i]));
      c.no_strings = Rf_allocVector(STRSXP, 0);
      R_PreserveObject(c.no_strings);
      c.empty_strings = Rf_allocVector(STRSXP, 0);
      R_PreserveObject(c.empty_strings);
      Rf_setAttrib(c.empty_strings, R_NamesSymbol, c.no_strings);
      c.empty_list = Rf_allocVector(VECSXP, 0);
      R_PreserveObject(c.empty_list);
      Rf_setAttrib(c.empty_list, R_NamesSymbol, c.no_strings);
      for (SEXP each : {c.fields, c.no_strings, c.empty_strings, c.empty_list}) {
        MARK_NOT_MUTABLE(each);
      }
    });
    return c;
  }();
  return made;
}

const char* word_for(Place place) {
  switch (place) {
    case Place::Nowhere: return "nowhere";
    case Place::Local: return "local";
    case Place::Workspace: return "global";
    case Place::Attached: return "attached";
    case Place::Package: return "package";
    case Place::Namespace: return "namespace";
    case Place::Base: return "base";
  }
  return "";
}

const char* word_for(Reason reason) {
  switch (reason) {
    case Reason::Expression: return "expression";
    case Reason::Maybe: return "maybe";
    case Reason::Code: return "code";
    case Reason::Method: return "method";
    case Reason::Class: return "class";
    case Reason::Given: return "given";
  }
  return "";
}

// The rest of this block allocates: inside an r_call() only. Vectors come as
// pointer and count, as nothing here may have a destructor.
template <class T>
struct Span {
  const T* data;
  std::size_t size;
  explicit Span(const std::vector<T>& items) : data(items.data()), size(items.size()) {}
};

SEXP chars_to_r(MainThread& main, Span<SEXP> chars, bool are_symbols) {
  if (chars.size == 0) return constants(main).no_strings;
  SEXP out = Rf_allocVector(STRSXP, static_cast<R_xlen_t>(chars.size));
  for (std::size_t i = 0; i < chars.size; ++i) {
    SET_STRING_ELT(out, static_cast<R_xlen_t>(i),
                   are_symbols ? PRINTNAME(chars.data[i]) : chars.data[i]);
  }
  return out;
}

SEXP names_of(Span<Global> globals, Span<int> which) {
  SEXP names = Rf_allocVector(STRSXP, static_cast<R_xlen_t>(which.size));
  for (std::size_t i = 0; i < which.size; ++i) {
    SET_STRING_ELT(names, static_cast<R_xlen_t>(i), PRINTNAME(globals.data[which.data[i]].symbol));
  }
  return names;
}

SEXP values_to_r(MainThread& main, Span<Global> globals, Span<int> which) {
  if (which.size == 0) return constants(main).empty_list;
  SEXP out = PROTECT(Rf_allocVector(VECSXP, static_cast<R_xlen_t>(which.size)));
  for (std::size_t i = 0; i < which.size; ++i) {
    SET_VECTOR_ELT(out, static_cast<R_xlen_t>(i), globals.data[which.data[i]].value);
  }
  Rf_setAttrib(out, R_NamesSymbol, names_of(globals, which));
  UNPROTECT(1);
  return out;
}

SEXP places_to_r(MainThread& main, Span<Global> globals, Span<int> which) {
  if (which.size == 0) return constants(main).empty_strings;
  SEXP out = PROTECT(Rf_allocVector(STRSXP, static_cast<R_xlen_t>(which.size)));
  for (std::size_t i = 0; i < which.size; ++i) {
    SET_STRING_ELT(out, static_cast<R_xlen_t>(i),
                   Rf_mkChar(word_for(globals.data[which.data[i]].place)));
  }
  Rf_setAttrib(out, R_NamesSymbol, names_of(globals, which));
  UNPROTECT(1);
  return out;
}

SEXP answer(MainThread& main, Finder& finder) {
  const std::vector<int> visible = finder.visible(), shadowed = finder.shadowed();
  const std::vector<SEXP> packages = finder.packages(), namespaces = finder.namespaces();
  const Span<Global> globals(finder.globals());
  const Span<int> shown(visible), hidden(shadowed);
  const Span<SEXP> attach(packages), load(namespaces), missing(finder.missing());
  const Constants& fixed = constants(main);
  return r_call(main, [&] {
    SEXP out = PROTECT(Rf_allocVector(VECSXP, 6));
    SET_VECTOR_ELT(out, 0, values_to_r(main, globals, shown));
    SET_VECTOR_ELT(out, 1, chars_to_r(main, attach, false));
    SET_VECTOR_ELT(out, 2, chars_to_r(main, load, false));
    SET_VECTOR_ELT(out, 3, places_to_r(main, globals, shown));
    SET_VECTOR_ELT(out, 4, chars_to_r(main, missing, true));
    SET_VECTOR_ELT(out, 5, values_to_r(main, globals, hidden));
    Rf_setAttrib(out, R_NamesSymbol, fixed.fields);
    UNPROTECT(1);
    return out;
  });
}

SEXP attribute(MainThread& main, SEXP value, const char* name) {
  return r_call(main, [&] { return Rf_getAttrib(value, Rf_install(name)); });
}

// `wanted` is the argument `globals` as the user gave it, already checked.
void find(MainThread& main, Finder& finder, SEXP code, SEXP wanted) {
  if (TYPEOF(wanted) == STRSXP) return finder.add_names(wanted);
  if (TYPEOF(wanted) == VECSXP) {
    finder.add_values(wanted);
    return finder.finish();
  }
  if (!flag_from(main, wanted)) return;
  if (has_attributes(wanted)) {
    const SEXP ignore = attribute(main, wanted, "ignore"), add = attribute(main, wanted, "add");
    if (TYPEOF(ignore) == STRSXP) finder.ignore(ignore);
    if (TYPEOF(add) == VECSXP) finder.add_values(add);
    if (TYPEOF(add) == STRSXP) finder.add_names(add);
  }
  finder.search(code);
  finder.finish();
}

// What was not looked into may need something that stays behind.
void warn_if_cut_short(MainThread& main, const Finder& finder) {
  if (!finder.is_cut_short()) return;
  r_call(main, [] {
    Rf_warningcall(R_NilValue, "%s",
                   "The search for globals stopped early, because a value has more than 2 million "
                   "parts. Name what the expression needs with `globals =`, or use smaller lists "
                   "and environments.");
    return R_NilValue;
  });
}

}  // namespace

extern "C" SEXP ew_find_globals(SEXP code, SEXP envir, SEXP wanted) {
  return guard([&](MainThread& main) {
    const bool follows = TYPEOF(wanted) == LGLSXP;
    Finder finder(main, envir, follows ? Follow::Everything : Follow::Packages);
    find(main, finder, code, wanted);
    warn_if_cut_short(main, finder);
    return answer(main, finder);
  });
}

// As ew_find_globals, with why each name is there: list(answer, reason,
// asked_by), the last two along c(globals, shadowed).
extern "C" SEXP ew_explain_globals(SEXP code, SEXP envir) {
  return guard([&](MainThread& main) {
    Finder finder(main, envir, Follow::Everything);
    finder.search(code);
    finder.finish();
    warn_if_cut_short(main, finder);
    std::vector<int> order = finder.visible();
    for (const int hidden : finder.shadowed()) order.push_back(hidden);
    const Span<Global> globals(finder.globals());
    const Span<int> all(order);
    SEXP found = answer(main, finder);
    return r_call(main, [&] {
      PROTECT(found);
      const auto count = static_cast<R_xlen_t>(all.size);
      SEXP reason = PROTECT(Rf_allocVector(STRSXP, count));
      SEXP asked_by = PROTECT(Rf_allocVector(STRSXP, count));
      for (R_xlen_t i = 0; i < count; ++i) {
        const Global& global = globals.data[all.data[i]];
        SET_STRING_ELT(reason, i, Rf_mkChar(word_for(global.reason)));
        SET_STRING_ELT(
            asked_by, i,
            global.asked_by < 0 ? NA_STRING : PRINTNAME(globals.data[global.asked_by].symbol));
      }
      SEXP out = PROTECT(Rf_allocVector(VECSXP, 3));
      SET_VECTOR_ELT(out, 0, found);
      SET_VECTOR_ELT(out, 1, reason);
      SET_VECTOR_ELT(out, 2, asked_by);
      UNPROTECT(4);
      return out;
    });
  });
}

extern "C" SEXP ew_object_bytes(SEXP value) {
  return guard([&](MainThread& main) {
    const auto bytes = static_cast<double>(serialized_bytes(main, value));
    return r_call(main, [&] { return Rf_ScalarReal(bytes); });
  });
}

extern "C" SEXP ew_can_travel(SEXP value) {
  return guard([&](MainThread& main) {
    const bool can = can_travel(main, value);
    return r_call(main, [&] { return Rf_ScalarLogical(can); });
  });
}

// The values in an environment: unforced promises as NULL, active bindings as
// their functions.
extern "C" SEXP ew_frame_values(SEXP env) {
  return guard([&](MainThread& main) { return r_call(main, [&] { return frame_values(env); }); });
}

// c(hits, walks, nodes walked) since the package was loaded.
extern "C" SEXP ew_globals_counts() {
  return guard([&](MainThread& main) {
    const MemoCounts counts = memo_counts(main);
    return r_call(main, [&] {
      SEXP out = Rf_allocVector(REALSXP, 3);
      REAL(out)[0] = static_cast<double>(counts.hits);
      REAL(out)[1] = static_cast<double>(counts.walks);
      REAL(out)[2] = static_cast<double>(counts.nodes);
      return out;
    });
  });
}

}  // namespace elsewhere
