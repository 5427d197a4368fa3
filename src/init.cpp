// The table of everything R can call.
#include <R_ext/Rdynload.h>

#include "bridge/entry/entries.h"

#define ENTRY(name, arguments) \
  { #name, reinterpret_cast < DL_FUNC>(&name), arguments }

static const R_CallMethodDef kEntries[] = {ENTRY(ew_border_init, 1),
                                           ENTRY(ew_to_bytes, 2),
                                           ENTRY(ew_from_bytes, 1),
                                           {nullptr, nullptr, 0}};

#undef ENTRY

extern "C" __attribute__((visibility("default"))) void R_init_elsewhere(DllInfo* dll) {
  R_registerRoutines(dll, nullptr, kEntries, nullptr, nullptr);
  R_useDynamicSymbols(dll, FALSE);
  R_forceSymbols(dll, FALSE);
}
