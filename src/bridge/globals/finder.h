// Finds what an expression needs on the other side: the values to send, the
// packages to attach and the namespaces to load.
//
// Names come from walks (walker.h), bindings from lookups (frames.h). Whatever
// is found is searched in turn: functions for their own free names, lists,
// attributes and environments for the functions in them, classes for methods
// defined in the workspace. finder.cpp has the names, chase.cpp the values,
// methods.cpp the classes. R's main thread; may run R code where a promise is
// forced or an active binding computed. named.cpp has strings that are names.
#pragma once

#include <Rinternals.h>

#include <vector>

#include "bridge/globals/frames.h"
#include "bridge/globals/memo.h"
#include "bridge/globals/summary.h"
#include "bridge/kept.h"
#include "bridge/pointer_map.h"
#include "bridge/r_api.h"

namespace elsewhere {

// Why a name is there; with the global that asked for it.
enum class Reason { Expression, Maybe, Code, Method, Class, Given };

// Whether functions that are found are searched for names in turn, or only for
// the packages they come from.
enum class Follow { Everything, Packages };

struct Global {
  SEXP symbol = nullptr;
  SEXP value = nullptr;
  Place place = Place::Nowhere;
  Reason reason = Reason::Expression;
  int asked_by = -1;  // index of a global; -1 is the expression
};

class Finder {
 public:
  Finder(MainThread& main, SEXP envir, Follow follow)
      : main_(main), envir_(envir), follows_(follow == Follow::Everything) {}

  // The search proper.
  void search(SEXP code);
  // Names looked up from the environment.
  void add_names(SEXP names);
  // A named list, used as it is.
  void add_values(SEXP list);
  // Names that are not to be found.
  void ignore(SEXP names);
  // Follows everything found so far to its end.
  void finish();

  const std::vector<Global>& globals() const { return globals_; }
  // Indices into globals(): what the expression sees, and what functions of the
  // workspace need under a name that means something else to the expression.
  std::vector<int> visible() const;
  std::vector<int> shadowed() const;
  const std::vector<SEXP>& missing() const { return missing_.items(); }
  // Attached in this order, they mask each other as here.
  std::vector<SEXP> packages();
  std::vector<SEXP> namespaces();
  // Some values were too many to look at.
  bool is_cut_short() const { return budget_ == 0; }

 private:
  struct Todo {
    SEXP value;
    int owner;
  };
  struct Dotted {
    SEXP symbol;
    SEXP frame;
    bool is_done;
  };
  enum class Level { Expression, Function };
  // Code that was found, with the strings in it.
  struct Code {
    std::vector<SEXP> strings;
    std::vector<TextArgument> texts;
    SEXP env;
    Level level;
    int owner;
  };

  // finder.cpp
  void resolve(const Summary& summary, SEXP env, Level level, int owner);
  void resolve_named(SEXP symbol, SEXP env, Level level, int owner);
  bool resolve_name(SEXP symbol, Wanted wanted, bool is_certain, SEXP env, Level level, int owner);
  int add_global(SEXP symbol, const Binding& binding, Place place, Reason reason, bool is_certain,
                 int owner);
  void note_package(SEXP name);
  void note_namespace(SEXP name);
  bool is_worth_listing(SEXP symbol, const Binding& binding, Wanted wanted);
  bool is_exported_by_attached(SEXP symbol, const Binding& binding, SEXP package);

  // named.cpp
  bool add_named();
  void add_named_of(const Code& code);
  void add_named_in(SEXP value, int depth, const Code& here, int& texts_left);
  bool is_own(SEXP text, Wanted wanted, const Code& code);
  void add_by_name(SEXP text, Wanted wanted, const Code& code);
  enum class Callee { Own, Package, Other };
  Callee callee_of(SEXP symbol, SEXP env, SEXP* function);

  // chase.cpp
  void follow();
  void look_into(SEXP value, int owner);
  void look_at_attributes(SEXP value, int owner);
  void look_at_closure(SEXP function, int owner);
  void look_at_environment(SEXP env, int owner);
  void look_at_promise(SEXP promise, int owner);
  void look_at_delayed(const Delayed& delayed, int owner);
  void look_at_code(SEXP code, int owner);
  void push(SEXP value, int owner);

  // methods.cpp
  bool add_methods();
  void list_workspace();
  bool add_method(Dotted& entry);
  bool add_class_part(Dotted& entry);
  void note_class_definition(SEXP definition);
  void note_class(SEXP name);
  void note_class_package(SEXP name);
  bool is_used_generic(SEXP symbol);

  MainThread& main_;
  SEXP envir_;
  bool follows_;
  Kept kept_;
  std::vector<Global> globals_;
  PointerMap<int> local_;      // by symbol: found between the code and the workspace
  PointerMap<int> workspace_;  // by symbol: found in the workspace
  PointerSet ignored_, missing_, packages_, namespaces_;
  PointerSet called_;                        // symbols called as functions
  PointerSet generics_, classes_, strings_;  // CHARSXP
  PointerSet seen_;
  PointerMap<bool> generic_answers_;
  std::vector<Todo> todo_;
  std::vector<Dotted> dotted_;
  bool is_workspace_listed_ = false;
  bool may_dispatch_ = false;
  bool has_class_parts_ = false;
  std::vector<Code> codes_;
  std::size_t codes_looked_at_ = 0;
  std::size_t values_looked_at_ = 0;
  bool names_functions_ = false;
  bool names_values_ = false;
  std::size_t budget_ = 2000000;
};

}  // namespace elsewhere
