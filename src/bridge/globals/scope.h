// Which names are bound at the point where the walk stands. A name is
// definitely bound when every way to this point binds it, and maybe bound when
// some way does: only a definite binding hides a global.
//
// Branches are walked one after the other from the same state: mark(), walk,
// then take() gives the branch's end and goes back to the mark; join() goes on
// from where two ends meet, discard() from before the branch.
#pragma once

#include <Rinternals.h>

#include <cstdint>
#include <vector>

#include "bridge/globals/summary.h"
#include "bridge/pointer_map.h"

namespace elsewhere {

// What is known about the value of a binding, for calls: `c <- 1; c(2)` calls
// the c() outside.
enum class BoundTo { Anything, Function, NoFunction };
enum class UseMode { Value, Function, Either };

class Scope {
 public:
  using Index = std::uint32_t;
  using Mark = std::size_t;
  struct End {
    std::vector<std::pair<Index, std::uint8_t>> changed;
    bool is_reachable = true;
  };

  void bind(SEXP symbol, BoundTo to);
  void bind_maybe(SEXP symbol);
  void unbind(SEXP symbol);
  bool is_definite(SEXP symbol) { return (state_[index(symbol)] & kDefinite) != 0; }

  // On some way to this point, or on every one.
  bool is_bound(SEXP symbol) { return (state_[index(symbol)] & (kDefinite | kMaybe)) != 0; }

  // A use is free unless its name is definitely bound here.
  void use_value(SEXP symbol, bool is_weak);
  void use_function(SEXP symbol, bool is_weak);
  // A use of a binding outside, whatever is bound here.
  void use_outer(SEXP symbol, bool is_weak);

  Mark mark() const { return trail_.size(); }
  End take(Mark mark);
  void join(const End& one, const End& other);
  void discard(Mark mark, bool is_reachable);

  // What follows cannot be reached from here: after return(), break, next.
  void leave() { is_reachable_ = false; }
  bool is_reachable() const { return is_reachable_; }

  // A function's own names: all that is bound between the two calls is gone
  // after the second.
  struct Frame {
    Mark mark;
    std::size_t first_use;
    bool is_reachable;
  };
  Frame enter_function();
  void leave_function(const Frame& frame);
  // Uses in between may happen after everything in this function is bound.
  void enter_later() { ++depth_; }
  void leave_later() { --depth_; }
  // As a function that runs on the spot: local(), the expression of a future.
  Frame enter_block();
  void leave_block(const Frame& frame);

  // Ends the walk: one entry a free name.
  std::vector<NameUse> free_names();

 private:
  static constexpr std::uint8_t kDefinite = 1, kFunction = 2, kNoFunction = 4, kMaybe = 8,
                                kRead = 16, kCalled = 32;
  static constexpr std::uint8_t kBinding = kDefinite | kFunction | kNoFunction;
  struct Change {
    Index index;
    std::uint8_t before;
  };
  struct Use {
    Index index;
    UseMode mode;
    bool is_weak;
    int depth;
  };

  Index index(SEXP symbol);
  void set(Index index, std::uint8_t bits);
  void undo(Mark mark, bool keep_maybe);
  void record(Index index, UseMode mode, bool is_weak);
  void weaken_nested(std::size_t first_use);

  PointerMap<Index> indices_;
  std::vector<SEXP> symbols_;
  std::vector<std::uint8_t> state_;
  std::vector<Change> trail_;
  std::vector<Use> uses_;
  int depth_ = 0;
  bool is_reachable_ = true;
};

}  // namespace elsewhere
