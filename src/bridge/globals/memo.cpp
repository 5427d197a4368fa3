#include "bridge/globals/memo.h"

#include "bridge/guard.h"
#include "bridge/pointer_map.h"
#include "bridge/r_api.h"

namespace elsewhere {
namespace {

constexpr std::size_t kEntriesMax = 4096;
// Smaller pieces of code are walked faster than they are looked up, and unlike
// functions they seldom come again.
constexpr std::size_t kNodesWorthKeeping = 8;
enum class Keep { Always, IfLarge };

struct Memo {
  struct Entry {
    SEXP formals = nullptr;
    SharedSummary summary;
  };
  PointerMap<Entry> functions;  // by body
  PointerMap<Entry> codes[2];   // by certainty
  SEXP kept_alive = nullptr;    // pairlist of all keys
  MemoCounts counts;
};

Memo& memo(MainThread&) {
  static Memo one;
  return one;
}

void forget(Memo& memo) {
  if (memo.kept_alive != nullptr) R_ReleaseObject(memo.kept_alive);
  memo.kept_alive = nullptr;
  memo.functions.clear();
  for (auto& table : memo.codes) table.clear();
}

void keep_alive(MainThread& main, Memo& memo, SEXP code, SEXP formals) {
  r_call(main, [&] {
    if (memo.kept_alive == nullptr) {
      SEXP head = PROTECT(Rf_cons(R_NilValue, R_NilValue));
      R_PreserveObject(head);
      UNPROTECT(1);
      memo.kept_alive = head;
    }
    SEXP key = PROTECT(Rf_cons(code, formals));
    SETCDR(memo.kept_alive, Rf_cons(key, CDR(memo.kept_alive)));
    UNPROTECT(1);
  });
}

SharedSummary remember(MainThread& main, Memo& memo, PointerMap<Memo::Entry>& table, SEXP code,
                       SEXP formals, Summary summary, Keep keep) {
  ++memo.counts.walks;
  memo.counts.nodes += summary.nodes;
  const bool is_worth_it =
      !summary.holds_large_value && (keep == Keep::Always || summary.nodes >= kNodesWorthKeeping);
  auto shared = std::make_shared<const Summary>(std::move(summary));
  if (!is_worth_it) return shared;
  if (table.size() >= kEntriesMax) forget(memo);
  keep_alive(main, memo, code, formals);
  *table.insert(code).first = {formals, shared};
  return shared;
}

}  // namespace

SharedSummary summary_of_function(MainThread& main, SEXP function) {
  const SEXP formals = formals_of(function), body = R_ClosureExpr(function);
  Memo& kept = memo(main);
  if (const auto* entry = kept.functions.find(body); entry && entry->formals == formals) {
    ++kept.counts.hits;
    return entry->summary;
  }
  return remember(main, kept, kept.functions, body, formals,
                  summarise_function(main, formals, body), Keep::Always);
}

SharedSummary summary_of_code(MainThread& main, SEXP code, Certainty certainty) {
  Memo& kept = memo(main);
  auto& table = kept.codes[certainty == Certainty::Certain ? 0 : 1];
  if (const auto* entry = table.find(code)) {
    ++kept.counts.hits;
    return entry->summary;
  }
  return remember(main, kept, table, code, R_NilValue, summarise_code(main, code, certainty),
                  Keep::IfLarge);
}

MemoCounts memo_counts(MainThread& main) { return memo(main).counts; }

}  // namespace elsewhere
