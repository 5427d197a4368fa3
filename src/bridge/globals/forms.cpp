#include "bridge/globals/forms.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "bridge/guard.h"
#include "bridge/pointer_map.h"
#include "bridge/r_api.h"

namespace elsewhere {
namespace {

struct NamedForm {
  const char* name;
  Form form;
};

constexpr NamedForm kForms[] = {
    {"function", Form::Function},
    {"{", Form::Brace},
    {"(", Form::Brace},
    {"<-", Form::Assign},
    {"=", Form::Assign},
    {"<<-", Form::SuperAssign},
    {"if", Form::If},
    {"for", Form::For},
    {"while", Form::While},
    {"repeat", Form::Repeat},
    {"&&", Form::AndOr},
    {"||", Form::AndOr},
    {"switch", Form::Switch},
    {"return", Form::Leave},
    {"break", Form::Leave},
    {"next", Form::Leave},
    {"quote", Form::Quote},
    {"substitute", Form::Quote},
    {"expression", Form::Quote},
    {"bquote", Form::Bquote},
    {"~", Form::Formula},
    {"::", Form::Namespace},
    {":::", Form::Namespace},
    {"$", Form::Component},
    {"@", Form::Component},
    {"[", Form::Bracket},
    {"[[", Form::Bracket},
    {":=", Form::ColumnAssign},
    {"local", Form::Local},
    {"with", Form::Mask},
    {"within", Form::Mask},
    {"subset", Form::Mask},
    {"transform", Form::Mask},
    {"mutate", Form::Mask},
    {"transmute", Form::Mask},
    {"filter", Form::Mask},
    {"select", Form::Mask},
    {"arrange", Form::Mask},
    {"summarise", Form::Mask},
    {"summarize", Form::Mask},
    {"group_by", Form::Mask},
    {"count", Form::Mask},
    {"distinct", Form::Mask},
    {"pull", Form::Mask},
    {"rename", Form::Mask},
    {"aes", Form::Mask},
    {"missing", Form::Missing},
    {"rm", Form::Remove},
    {"remove", Form::Remove},
    {"library", Form::Library},
    {"require", Form::Library},
    {"data", Form::Data},
    {"suppressWarnings", Form::SureFirst},
    {"suppressMessages", Form::SureFirst},
    {"suppressPackageStartupMessages", Form::SureFirst},
    {"system.time", Form::SureFirst},
    {"identity", Form::SureFirst},
    {"force", Form::SureFirst},
    {"print", Form::SureFirst},
    {"withVisible", Form::SureFirst},
    {"do.call", Form::CallsFunction},
    {"call", Form::CallsFunction},
    {"exec", Form::CallsFunction},
    {"match.fun", Form::CallsFunction},
    {"lapply", Form::CallsFunction},
    {"sapply", Form::CallsFunction},
    {"vapply", Form::CallsFunction},
    {"mapply", Form::CallsFunction},
    {"rapply", Form::CallsFunction},
    {"eapply", Form::CallsFunction},
    {"tapply", Form::CallsFunction},
    {"apply", Form::CallsFunction},
    {"sweep", Form::CallsFunction},
    {"outer", Form::CallsFunction},
    {"aggregate", Form::CallsFunction},
    {"ave", Form::CallsFunction},
    {"by", Form::CallsFunction},
    {"kronecker", Form::CallsFunction},
    {"Map", Form::CallsFunction},
    {"Reduce", Form::CallsFunction},
    {"Filter", Form::CallsFunction},
    {"Find", Form::CallsFunction},
    {"Position", Form::CallsFunction},
    {"Vectorize", Form::CallsFunction},
    {"Negate", Form::CallsFunction},
    {"Compose", Form::CallsFunction},
    {"match.arg", Form::Call},
    {"optim", Form::CallsFunction},
    {"optimize", Form::CallsFunction},
    {"integrate", Form::CallsFunction},
    {"uniroot", Form::CallsFunction},
    {"map", Form::CallsFunction},
    {"map2", Form::CallsFunction},
    {"pmap", Form::CallsFunction},
    {"imap", Form::CallsFunction},
    {"walk", Form::CallsFunction},
    {"map_dbl", Form::CallsFunction},
    {"map_int", Form::CallsFunction},
    {"map_chr", Form::CallsFunction},
    {"map_lgl", Form::CallsFunction},
    {"map_dfr", Form::CallsFunction},
    {"future_map", Form::CallsFunction},
    {"future_lapply", Form::CallsFunction},
    {"future_sapply", Form::CallsFunction},
    {"future_vapply", Form::CallsFunction},
    {"future_mapply", Form::CallsFunction},
    {"future_Map", Form::CallsFunction},
    {"futureCall", Form::CallsFunction},
    {"mclapply", Form::CallsFunction},
    {"parLapply", Form::CallsFunction},
    {"get", Form::Get},
    {"get0", Form::Get},
    {"as.name", Form::Get},
    {"as.symbol", Form::Get},
    {"sym", Form::Get},
    {"mget", Form::Get},
    {"dynGet", Form::Get},
    {"exists", Form::Get},
    {"getFunction", Form::Get},
    {"existsFunction", Form::Get},
    {"getMethod", Form::Get},
    {"glue", Form::Template},
    {"glue_data", Form::Template},
    {"glue_sql", Form::Template},
    {"str_glue", Form::Template},
    {"cli_text", Form::Template},
    {"cli_inform", Form::Template},
    {"cli_warn", Form::Template},
    {"cli_abort", Form::Template},
    {"cli_alert", Form::Template},
    {"cli_alert_info", Form::Template},
    {"cli_alert_success", Form::Template},
    {"cli_alert_warning", Form::Template},
    {"cli_alert_danger", Form::Template},
    {"cli_progress_step", Form::Template},
    {"format_inline", Form::Template},
    {"parse", Form::Parse},
    {"str2lang", Form::Parse},
    {"str2expression", Form::Parse},
    {"assign", Form::AssignByName},
    {"delayedAssign", Form::DelayedAssign},
    {"UseMethod", Form::UseMethod},
    {"standardGeneric", Form::UseMethod},
    {"...length", Form::Dots},
    {"...elt", Form::Dots},
    {"...names", Form::Dots},
    {"%>%", Form::Pipe},
    {"%<>%", Form::Pipe},
    {"%T>%", Form::Pipe},
    {"%$%", Form::Pipe},
    {"%|>%", Form::Pipe},
    {"%<-%", Form::FutureAssign},
    {"%->%", Form::FutureAssignRight},
    {"%globals%", Form::FutureModifier},
    {"%packages%", Form::FutureModifier},
    {"%seed%", Form::FutureModifier},
    {"%stdout%", Form::FutureModifier},
    {"%conditions%", Form::FutureModifier},
    {"%lazy%", Form::FutureModifier},
    {"%label%", Form::FutureModifier},
    {"%plan%", Form::FutureModifier},
    {"%tweak%", Form::FutureModifier},
    {"%do%", Form::ForEach},
    {"%dopar%", Form::ForEach},
    {"%dofuture%", Form::ForEach},
};

constexpr const char* kPlaceholders[] = {".",     ".x",      ".y",     ".data", ".env",
                                         ".SD",   ".N",      ".I",     ".GRP",  ".BY",
                                         ".NGRP", ".SDcols", ".EACHI", "T",     "F"};

struct Tables {
  PointerMap<Form> forms;
  PointerMap<SEXP> replacements;
  PointerMap<bool> placeholders;
  KnownSymbols known{};
};

SEXP install(MainThread& main, const char* name) {
  return r_call(main, [&] { return Rf_install(name); });
}

Tables make_tables(MainThread& main) {
  Tables tables;
  for (const auto& [name, form] : kForms) *tables.forms.insert(install(main, name)).first = form;
  for (const char* name : kPlaceholders) tables.placeholders.insert(install(main, name));
  KnownSymbols& k = tables.known;
  const std::pair<SEXP*, const char*> wanted[] = {
      {&k.colon_equal, ":="},
      {&k.dot, "."},
      {&k.dot_dot, ".."},
      {&k.expr, "expr"},
      {&k.env, "env"},
      {&k.what, "what"},
      {&k.data, "data"},
      {&k.dot_data, ".data"},
      {&k.character_only, "character.only"},
      {&k.function, "function"},
      {&k.double_colon, "::"},
      {&k.triple_colon, ":::"},
      {&k.foreach, "foreach"},
      {&k.colon_operator, "%:%"},
      {&k.c, "c"},
      {&k.drop, "drop"},
      {&k.exact, "exact"},
      {&k.envir, "envir"},
      {&k.list, "list"},
      {&k.fun, "fun"},
      {&k.fun_upper, "FUN"},
      {&k.dot_f, ".f"},
      {&k.then, "f"},
      {&k.srcfile, "srcfile"},
      {&k.mode, "mode"},
  };
  for (const auto& [place, name] : wanted) *place = install(main, name);
  return tables;
}

Tables& tables(MainThread& main) {
  static Tables made = make_tables(main);
  return made;
}

}  // namespace

const KnownSymbols& known(MainThread& main) { return tables(main).known; }

Form form_of(MainThread& main, SEXP head) {
  if (const Form* form = tables(main).forms.find(head)) return *form;
  return is_base_builtin(head) ? Form::Strict : Form::Call;
}

SEXP replacement_symbol(MainThread& main, SEXP name) {
  const auto [symbol, is_new] = tables(main).replacements.insert(name);
  if (is_new) {
    const std::string text = std::string(CHAR(PRINTNAME(name))) + "<-";
    *symbol = install(main, text.c_str());
  }
  return *symbol;
}

int dots_number(SEXP symbol) {
  const char* name = CHAR(PRINTNAME(symbol));
  if (name[0] != '.' || name[1] != '.' || name[2] < '1' || name[2] > '9') return 0;
  char* end = nullptr;
  const long number = std::strtol(name + 2, &end, 10);
  return *end == '\0' && number < 1000000 ? static_cast<int>(number) : 0;
}

SEXP without_dots(MainThread& main, SEXP symbol) {
  const char* name = CHAR(PRINTNAME(symbol));
  const bool has_dots = name[0] == '.' && name[1] == '.' && name[2] != '.' && name[2] != '\0';
  return has_dots ? install(main, name + 2) : nullptr;
}

bool is_placeholder(MainThread& main, SEXP symbol) {
  return tables(main).placeholders.contains(symbol);
}

}  // namespace elsewhere
