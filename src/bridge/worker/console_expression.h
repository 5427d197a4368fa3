// The expression of console lines that R's top level is in the middle of. R does not
// tell its reader whether it wants the start of an expression or its continuation, so
// the lines given since the last start are parsed once more. Main thread.
#pragma once

#include <string>
#include <string_view>

namespace elsewhere {

class ConsoleExpression {
 public:
  // R is given these characters, a line or the beginning of one.
  void add(std::string_view line) { lines_ += line; }
  // R asks for more: is what it has had complete?
  void look();
  bool is_incomplete() const { return is_incomplete_; }
  // R starts anew, whatever it has had.
  void drop();

 private:
  std::string lines_;
  bool is_incomplete_ = false;
};

}  // namespace elsewhere
