// A small hash table from R objects to values, by identity. R's objects do not
// move, so the address is the identity; whoever keeps a table longer than one
// call must keep the keys alive. Not for several threads.
#pragma once

#include <Rinternals.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace elsewhere {

template <class Value>
class PointerMap {
 public:
  Value* find(SEXP key) {
    if (count_ == 0) return nullptr;
    Slot& slot = slots_[place(key)];
    return slot.key == key ? &slot.value : nullptr;
  }

  // The value of `key`, new if it was not there. Valid until the next insert.
  std::pair<Value*, bool> insert(SEXP key) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[place(key)];
    if (slot.key == key) return {&slot.value, false};
    slot.key = key;
    ++count_;
    return {&slot.value, true};
  }

  bool contains(SEXP key) { return find(key) != nullptr; }
  std::size_t size() const { return count_; }
  void clear() {
    slots_.clear();
    count_ = 0;
  }

 private:
  struct Slot {
    SEXP key = nullptr;
    Value value{};
  };

  // Where `key` is, or the empty slot where it belongs.
  std::size_t place(SEXP key) const {
    const std::size_t mask = slots_.size() - 1;
    auto hash = reinterpret_cast<std::uintptr_t>(key) >> 4;
    hash ^= hash >> 17;
    std::size_t at = (hash * 0x9E3779B97F4A7C15u >> 20) & mask;
    while (slots_[at].key != nullptr && slots_[at].key != key) at = (at + 1) & mask;
    return at;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? kSlotsFirst : slots_.size() * 2);
    old.swap(slots_);
    for (Slot& slot : old) {
      if (slot.key != nullptr) slots_[place(slot.key)] = std::move(slot);
    }
  }

  static constexpr std::size_t kSlotsFirst = 32;
  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

// A set of R objects, by identity, in the order of their arrival.
class PointerSet {
 public:
  // true if it was not there.
  bool add(SEXP key) {
    if (!map_.insert(key).second) return false;
    items_.push_back(key);
    return true;
  }
  bool contains(SEXP key) { return map_.contains(key); }
  const std::vector<SEXP>& items() const { return items_; }

 private:
  struct Nothing {};
  PointerMap<Nothing> map_;
  std::vector<SEXP> items_;
};

}  // namespace elsewhere
