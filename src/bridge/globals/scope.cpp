#include "bridge/globals/scope.h"

#include <algorithm>

namespace elsewhere {

Scope::Index Scope::index(SEXP symbol) {
  const auto [index, is_new] = indices_.insert(symbol);
  if (is_new) {
    *index = static_cast<Index>(symbols_.size());
    symbols_.push_back(symbol);
    state_.push_back(0);
  }
  return *index;
}

void Scope::set(Index index, std::uint8_t bits) {
  if (state_[index] == bits) return;
  trail_.push_back({index, state_[index]});
  state_[index] = bits;
}

void Scope::bind(SEXP symbol, BoundTo to) {
  const Index at = index(symbol);
  std::uint8_t bits = kDefinite | kMaybe;
  switch (to) {
    case BoundTo::Anything: break;
    case BoundTo::Function: bits |= kFunction; break;
    case BoundTo::NoFunction: bits |= kNoFunction; break;
  }
  set(at, static_cast<std::uint8_t>((state_[at] & ~kBinding) | bits));
}

void Scope::bind_maybe(SEXP symbol) {
  const Index at = index(symbol);
  set(at, state_[at] | kMaybe);
}

void Scope::unbind(SEXP symbol) {
  const Index at = index(symbol);
  set(at, static_cast<std::uint8_t>(state_[at] & ~kBinding));
}

void Scope::record(Index index, UseMode mode, bool is_weak) {
  uses_.push_back({index, mode, is_weak || (state_[index] & kMaybe) != 0, depth_});
}

void Scope::use_value(SEXP symbol, bool is_weak) {
  const Index at = index(symbol);
  if ((state_[at] & kDefinite) == 0) {
    record(at, UseMode::Value, is_weak);
  } else {
    state_[at] |= kRead;  // a remark for free_names(), never undone
  }
}

void Scope::use_function(SEXP symbol, bool is_weak) {
  const Index at = index(symbol);
  if ((state_[at] & kDefinite) == 0) {
    record(at, UseMode::Function, is_weak);
  } else if ((state_[at] & kNoFunction) != 0) {
    record(at, UseMode::Function, false);
  } else if ((state_[at] & kFunction) == 0) {
    state_[at] |= kCalled;
  }
}

void Scope::use_outer(SEXP symbol, bool is_weak) {
  const Index at = index(symbol);
  record(at, UseMode::Value, is_weak || (state_[at] & kDefinite) != 0);
}

void Scope::undo(Mark mark, bool keep_maybe) {
  constexpr std::uint8_t kRemarks = kRead | kCalled;
  std::vector<Change> kept;
  while (trail_.size() > mark) {
    const Change change = trail_.back();
    trail_.pop_back();
    const std::uint8_t now = state_[change.index];
    const auto stays = static_cast<std::uint8_t>(keep_maybe ? kRemarks | kMaybe : kRemarks);
    state_[change.index] = static_cast<std::uint8_t>((change.before & ~kRemarks) | (now & stays));
    // The function around must still forget what stays now.
    if (keep_maybe && (now & kMaybe) != 0 && (change.before & kMaybe) == 0) kept.push_back(change);
  }
  trail_.insert(trail_.end(), kept.rbegin(), kept.rend());
}

Scope::End Scope::take(Mark mark) {
  End end;
  end.is_reachable = is_reachable_;
  for (Mark i = mark; i < trail_.size(); ++i) {
    end.changed.emplace_back(trail_[i].index, state_[trail_[i].index]);
  }
  std::sort(end.changed.begin(), end.changed.end());
  end.changed.erase(std::unique(end.changed.begin(), end.changed.end()), end.changed.end());
  undo(mark, true);
  return end;
}

void Scope::join(const End& one, const End& other) {
  is_reachable_ = one.is_reachable || other.is_reachable;
  const auto apply = [&](const End& end) {
    for (const auto& [at, bits] : end.changed) set(at, bits | (state_[at] & kMaybe));
  };
  if (!one.is_reachable || !other.is_reachable) {
    apply(one.is_reachable ? one : other);
    return;
  }
  // Bound after both, or after one and before: bound. What is known of the
  // value holds if both know it.
  std::vector<std::pair<Index, std::uint8_t>> met;
  const auto meet = [&](const End& end, const End& against) {
    for (const auto& [at, bits] : end.changed) {
      const auto place = std::lower_bound(against.changed.begin(), against.changed.end(),
                                          std::pair<Index, std::uint8_t>(at, 0));
      const bool is_there = place != against.changed.end() && place->first == at;
      const std::uint8_t facing = is_there ? place->second : state_[at];
      met.emplace_back(at, static_cast<std::uint8_t>((bits & facing & kBinding) |
                                                     ((bits | facing) & ~kBinding)));
    }
  };
  meet(one, other);
  meet(other, one);
  for (const auto& [at, bits] : met) set(at, bits);
}

void Scope::discard(Mark mark, bool is_reachable) {
  undo(mark, true);
  is_reachable_ = is_reachable;
}

Scope::Frame Scope::enter_function() {
  ++depth_;
  return {mark(), uses_.size(), is_reachable_};
}

// A function runs later than it is made: a name that it uses and that is bound
// later in the function around it is most likely that one.
void Scope::weaken_nested(std::size_t first_use) {
  for (std::size_t i = first_use; i < uses_.size(); ++i) {
    Use& use = uses_[i];
    if (use.depth > depth_ && (state_[use.index] & kMaybe) != 0) use.is_weak = true;
  }
}

void Scope::leave_function(const Frame& frame) {
  leave_block(frame);
  --depth_;
}

Scope::Frame Scope::enter_block() { return {mark(), uses_.size(), is_reachable_}; }

void Scope::leave_block(const Frame& frame) {
  weaken_nested(frame.first_use);
  undo(frame.mark, false);
  is_reachable_ = frame.is_reachable;
}

std::vector<NameUse> Scope::free_names() {
  weaken_nested(0);
  std::vector<NameUse> by_index(symbols_.size());
  for (const Use& use : uses_) {
    NameUse& name = by_index[use.index];
    name.symbol = symbols_[use.index];
    if (use.mode != UseMode::Function) name.as_value = true;
    if (use.mode != UseMode::Value) name.as_function = true;
    if (!use.is_weak) name.is_certain = true;
  }
  // In `function(area) area(area)` the argument is read and called: as one of
  // the two is no function, the call may mean the function outside.
  for (Index i = 0; i < symbols_.size(); ++i) {
    if ((state_[i] & kRead) == 0 || (state_[i] & kCalled) == 0) continue;
    by_index[i].symbol = symbols_[i];
    by_index[i].as_function = true;
  }
  std::vector<NameUse> out;
  for (const NameUse& name : by_index) {
    if (name.symbol != nullptr) out.push_back(name);
  }
  return out;
}

}  // namespace elsewhere
