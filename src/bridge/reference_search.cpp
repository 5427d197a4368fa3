#include "bridge/reference_search.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "bridge/guard.h"
#include "bridge/pointer_map.h"
#include "bridge/r_api.h"
#include "bridge/serialize.h"

namespace elsewhere {
namespace {

constexpr std::size_t kPathCharactersMax = 1000;
constexpr std::uint32_t kNoHolder = 0xffffffff;

// One that was found, and where: the part with this number of that holder.
struct Node {
  SEXP value;
  std::uint32_t holder;
  std::uint32_t part;
};

bool can_hold(SEXP value) {
  switch (TYPEOF(value)) {
    case NILSXP:
    case SYMSXP:
    case CHARSXP:
    case BUILTINSXP:
    case SPECIALSXP: return false;
    case LGLSXP:
    case INTSXP:
    case REALSXP:
    case CPLXSXP:
    case STRSXP:
    case RAWSXP: return has_attributes(value);
    default: return true;
  }
}

std::string class_of(MainThread& main, SEXP value) {
  const SEXP classes = r_call(main, [&] { return Rf_getAttrib(value, R_ClassSymbol); });
  if (TYPEOF(classes) == STRSXP && XLENGTH(classes) > 0) return CHAR(STRING_ELT(classes, 0));
  return TYPEOF(value) == WEAKREFSXP ? "weakref" : "externalptr";
}

// A line of text, whatever was in it.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

// The middle of what is too long for a message tells the least.
std::string shortened(const std::string& path) {
  if (path.size() <= kPathCharactersMax) return path;
  const std::size_t half = kPathCharactersMax / 2;
  // Not in the middle of a character.
  std::size_t end = half, begin = path.size() - half;
  while (end > 0 && (path[end] & 0xC0) == 0x80) --end;
  while (begin < path.size() && (path[begin] & 0xC0) == 0x80) ++begin;
  return path.substr(0, end) + " ... " + path.substr(begin);
}

class Search {
 public:
  Search(MainThread& main, const PartRules& rules, std::size_t looked_into_max)
      : main_(main), rules_(rules), left_(looked_into_max) {}

  FoundReference run(SEXP root, const std::string& name) {
    FoundReference out;
    nodes_.push_back({root, kNoHolder, 0});
    seen_.insert(root);
    for (std::uint32_t at = 0; at < nodes_.size(); ++at) {
      if (LiveReferences().is_live(nodes_[at].value)) return describe(at, name);
      if (!look_into(at)) {
        out.answer = FoundReference::Answer::GaveUp;
        return out;
      }
    }
    return out;
  }

 private:
  // false when there was too much to look into.
  bool look_into(std::uint32_t at) {
    const auto parts = parts_of(main_, nodes_[at].value, rules_, kept_);
    for (std::uint32_t i = 0; i < parts.size(); ++i) {
      const SEXP value = parts[i].value;
      if (!can_hold(value)) continue;
      if (left_ == 0) return false;
      --left_;
      // What nothing else holds is not met twice. An environment may hold itself.
      const bool may_come_again = TYPEOF(value) == ENVSXP || MAYBE_SHARED(value);
      if (may_come_again && !seen_.insert(value).second) continue;
      nodes_.push_back({value, at, i});
    }
    return true;
  }

  FoundReference describe(std::uint32_t at, const std::string& name) {
    // The connection is the thing to name, not the pointer that it carries.
    const std::uint32_t holder = nodes_[at].holder;
    if (holder != kNoHolder && is_connection(nodes_[holder].value)) at = holder;
    FoundReference out;
    out.answer = FoundReference::Answer::Found;
    out.kind = class_of(main_, nodes_[at].value);
    std::vector<std::uint32_t> way;
    for (std::uint32_t one = at; one != kNoHolder; one = nodes_[one].holder) way.push_back(one);
    out.path = name;
    for (auto one = way.rbegin() + 1; one != way.rend(); ++one) {
      const SEXP from = nodes_[nodes_[*one].holder].value;
      out.path =
          with_step(main_, out.path, from, parts_of(main_, from, rules_, kept_)[nodes_[*one].part]);
    }
    for (auto one = way.begin() + 1; one != way.end() && out.holder.empty(); ++one) {
      const SEXP value = nodes_[*one].value;
      if (Rf_isObject(value)) out.holder = class_of(main_, value);
    }
    out.path = shortened(out.path);
    return out;
  }

  struct Nothing {};

  MainThread& main_;
  const PartRules& rules_;
  std::size_t left_;
  Kept kept_;
  std::vector<Node> nodes_;
  PointerMap<Nothing> seen_;
};

// What evaluate() answers has what the user wants in its element `value`; the
// rest is of less interest.
SEXP value_in(SEXP result) {
  if (TYPEOF(result) != VECSXP) return nullptr;
  const SEXP names = Rf_getAttrib(result, R_NamesSymbol);
  for (R_xlen_t i = 0; TYPEOF(names) == STRSXP && i < XLENGTH(names); ++i) {
    if (std::string(CHAR(STRING_ELT(names, i))) == "value") return VECTOR_ELT(result, i);
  }
  return nullptr;
}

}  // namespace

FoundReference find_reference(MainThread& main, SEXP value, const std::string& name,
                              const PartRules& rules, std::size_t looked_into_max) {
  return Search(main, rules, looked_into_max).run(value, name);
}

std::string refusal_of(MainThread& main, SEXP result) {
  const PartRules rules;
  FoundReference found;
  const SEXP value = r_call(main, [&] { return value_in(result); });
  if (value != nullptr) found = find_reference(main, value, "value", rules);
  if (found.answer == FoundReference::Answer::None) {
    found = find_reference(main, result, "", rules);
  }
  return "elsewhere-reference\n" + one_line(found.kind) + "\n" + one_line(found.holder) + "\n" +
         one_line(found.path);
}

}  // namespace elsewhere
