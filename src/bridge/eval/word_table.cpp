#include "bridge/eval/word_table.h"

#include <cstdint>
#include <cstring>
#include <iterator>

#include "bridge/eval/compile.h"
#include "bridge/eval/symbols.h"

namespace elsewhere::eval {
namespace {

constexpr int kAnyNumber = 1 << 30;
constexpr unsigned kSyntax = kFlow | kStatements | kHarmlessForExit;
constexpr unsigned kAssignment = kFlow | kHarmlessForExit | kQuiet;
constexpr unsigned kGuard = kFlow | kHandler;
constexpr unsigned kBody = kOpaque | kBlock;

constexpr Row kRows[] = {
    {"(", kStatements | kHarmlessForExit, 1, 1, compile_paren},
    {"{", kSyntax, 0, kAnyNumber, compile_brace},
    {"&&", kSyntax, 2, 2, compile_logic},
    {"||", kSyntax, 2, 2, compile_logic},
    {"<-", kAssignment, 2, 2, compile_assignment},
    {"<<-", kFlow | kQuiet, 2, 2, compile_assignment},
    {"=", kAssignment, 2, 2, compile_assignment},
    {"await", kPause | kAwaits | kPart | kTakesHandlers | kHarmlessForExit, 0, kAnyNumber,
     compile_await},
    {"awaitNext", kPause | kAwaits | kTakesHandlers, 0, kAnyNumber, compile_await_next},
    {"break", kJump | kHarmlessForExit, 0, kAnyNumber, compile_break},
    {"for", kSyntax | kLoop | kQuiet, 3, 3, compile_for},
    {"goto", kPause, 0, kAnyNumber, compile_goto},
    {"if", kSyntax, 2, 3, compile_if},
    {"local", kGuard | kScope | kReadsFrame, 0, kAnyNumber, compile_local},
    {"next", kJump | kHarmlessForExit, 0, kAnyNumber, compile_next},
    {"nextOr", kFlow, 0, kAnyNumber, compile_next_or},
    {"on.exit", kGuard | kReadsFrame, 0, kAnyNumber, compile_on_exit},
    {"repeat", kSyntax | kLoop | kQuiet, 1, 1, compile_repeat},
    {"return", kFlow | kJump | kHarmlessForExit, 0, 1, compile_return},
    {"suppressMessages", kGuard, 0, kAnyNumber, compile_suppress_messages},
    {"suppressWarnings", kGuard, 0, kAnyNumber, compile_suppress_warnings},
    {"switch", kGuard, 0, kAnyNumber, compile_switch},
    {"try", kGuard, 0, kAnyNumber, compile_try},
    {"tryCatch", kGuard | kTakesHandlers, 0, kAnyNumber, compile_try_catch},
    {"while", kSyntax | kLoop | kQuiet, 2, 2, compile_while},
    {"withCallingHandlers", kGuard | kTakesHandlers, 0, kAnyNumber, compile_with_calling},
    {"withRestarts", kGuard, 0, kAnyNumber, compile_with_restarts},
    {"yield", kPause | kYields | kHarmlessForExit, 0, kAnyNumber, compile_yield},
    {"yieldFrom", kPause | kYields | kHarmlessForExit, 0, kAnyNumber, compile_yield_from},

    {"quote", kOpaque},
    {"bquote", kOpaque},
    {"substitute", kOpaque},
    {"expression", kOpaque},
    {"alist", kOpaque},
    {"async", kBody},
    {"gen", kBody},
    {"stream", kBody},
    {"run", kBody},
    {"generator", kOpaque},
    {"async_generator", kOpaque},
    {"debugAsync", kOpaque},
    {"future", kOpaque},
    {"future_promise", kOpaque},
    {"futureAssign", kOpaque},
    {"minifuture", kOpaque},
    {"everywhere", kOpaque},
    {"%<-%", kOpaque},
    {"%->%", kOpaque},

    {"sys.call", kFrameWord},
    {"sys.function", kFrameWord},
    {"match.call", kFrameWord},
    {"match.arg", kFrameWord},
    {"parent.frame", kFrameWord},
    {"missing", kFrameWord | kWatcher},
    {"nargs", kFrameWord},
    {"Recall", kFrameWord},

    {"browser", kReadsFrame},
    {"sys.on.exit", kReadsFrame},
    {"sys.calls", kReadsFrame},
    {"sys.frames", kReadsFrame},
    {"sys.nframe", kReadsFrame},
    {"sys.parent", kReadsFrame},
    {"sys.status", kReadsFrame},
    {"debug", kReadsFrame},
    {"undebug", kReadsFrame},
    {"trace", kReadsFrame},

    {"system.time", kWatcher},
    {"capture.output", kWatcher},
    {"sink", kWatcher},
    {"Rprof", kWatcher},
    {"evalq", kWatcher},
    {"withVisible", kWatcher},
    {"withAutoprint", kWatcher},
    {"expect_error", kWatcher},
    {"with_promise_domain", kWatcher},
    {"microbenchmark", kWatcher},
    {"eval.parent", kWatcher},
    {"recover", kWatcher},

    {"function", kHarmlessForExit},
    {"+", kHarmlessForExit},
    {"-", kHarmlessForExit},
    {"*", kHarmlessForExit},
    {"/", kHarmlessForExit},
    {"^", kHarmlessForExit},
    {"%%", kHarmlessForExit},
    {"%/%", kHarmlessForExit},
    {"==", kHarmlessForExit},
    {"!=", kHarmlessForExit},
    {"<", kHarmlessForExit},
    {">", kHarmlessForExit},
    {"<=", kHarmlessForExit},
    {">=", kHarmlessForExit},
    {"!", kHarmlessForExit},
    {"&", kHarmlessForExit},
    {"|", kHarmlessForExit},
    {":", kHarmlessForExit | kSequence},
    {"[", kHarmlessForExit | kPart | kStrict},
    {"[[", kHarmlessForExit | kPart | kStrict},
    {"$", kHarmlessForExit | kPart | kStrict},
    {"@", kPart | kStrict},
    {"c", kHarmlessForExit | kSequence},
    {"list", kHarmlessForExit | kSequence},
    {"length", kHarmlessForExit},
    {"sum", kHarmlessForExit},
    {"min", kHarmlessForExit},
    {"max", kHarmlessForExit},
    {"abs", kHarmlessForExit},
    {"exp", kHarmlessForExit},
    {"sqrt", kHarmlessForExit},
    {"is.null", kHarmlessForExit},
    {"seq_len", kHarmlessForExit | kSequence},
    {"seq_along", kHarmlessForExit | kSequence},
    {"seq.int", kSequence},
    {"names", kSequence},
    {"character", kSequence},
    {"numeric", kSequence},
    {"integer", kSequence},
    {"which", kSequence},
    {"invisible", kQuiet},
    {"rep", kStrict},
    {"log", kStrict},
    {"round", kStrict},
    {"signif", kStrict},

    {"async_map", kTakesTasks},
    {"task_group", kTakesTasks},
};

// By the address of the symbol, which R never moves.
struct Place {
  SEXP symbol;
  const Row* row;
};
constexpr std::size_t kPlaces = 512;
static_assert(std::size(kRows) * 2 <= kPlaces);
Place places[kPlaces];

Place& place_of(SEXP symbol) {
  auto hash = reinterpret_cast<std::uintptr_t>(symbol) >> 4;
  hash ^= hash >> 9;
  std::size_t at = hash % kPlaces;
  while (places[at].symbol != nullptr && places[at].symbol != symbol) at = (at + 1) % kPlaces;
  return places[at];
}

constexpr struct {
  const char* name;
  unsigned role;
} kRolesByName[] = {
    {"frame", kFrameWord}, {"pause", kPause}, {"yield", kYields}, {"strict", kStrict}};

bool is_namespace_call(SEXP head) {
  return TYPEOF(head) == LANGSXP &&
         (CAR(head) == symbols().double_colon || CAR(head) == symbols().triple_colon) &&
         Rf_length(head) == 3 && TYPEOF(CADDR(head)) == SYMSXP;
}

template <class Wanted>
SEXP names_of(Wanted&& is_wanted) {
  int count = 0;
  for (const Row& row : kRows) count += is_wanted(row) ? 1 : 0;
  SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
  int i = 0;
  for (const Row& row : kRows) {
    if (is_wanted(row)) SET_STRING_ELT(names, i++, Rf_mkChar(row.name));
  }
  UNPROTECT(1);
  return names;
}

}  // namespace

void init_word_table() {
  for (const Row& row : kRows) {
    const SEXP symbol = Rf_install(row.name);
    place_of(symbol) = {symbol, &row};
  }
}

const Row& row_of(SEXP symbol) {
  static constexpr Row none;
  const Place& place = place_of(symbol);
  return place.symbol == symbol && place.row != nullptr ? *place.row : none;
}

SEXP head_word(SEXP call) {
  const SEXP head = CAR(call);
  if (TYPEOF(head) == SYMSXP) return head;
  if (!is_namespace_call(head)) return nullptr;
  const SEXP home = CADR(head);
  const Symbols& s = symbols();
  return home == s.elsewhere || home == s.async || home == s.base ? CADDR(head) : nullptr;
}

const Row& head_row(SEXP call) { return row_of(head_word(call)); }

const Row& any_head_row(SEXP call) {
  const SEXP head = CAR(call);
  return row_of(is_namespace_call(head) ? CADDR(head) : head);
}

bool is_opaque(SEXP call) { return any_head_row(call).is(kOpaque); }

SEXP words_with(const char* role) {
  if (std::strcmp(role, "pausable") == 0) {
    return names_of([](const Row& row) { return row.compile != nullptr; });
  }
  for (const auto& known : kRolesByName) {
    if (std::strcmp(role, known.name) == 0) {
      return names_of([&](const Row& row) { return row.is(known.role); });
    }
  }
  Rf_error("no words have the role `%s`", role);
}

}  // namespace elsewhere::eval
