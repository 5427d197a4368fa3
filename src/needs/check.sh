#!/bin/sh
# Says in one sentence what is missing to compile elsewhere, and how to get it,
# instead of many compiler errors. src/Makevars runs it before it compiles
# anything. R CMD INSTALL has already checked for make, for the compiler that R uses
# for C++20, and for the packages in LinkingTo.

: "${R_HOME:=$(R RHOME)}"
config() { "$R_HOME/bin/R" CMD config "$1" 2>/dev/null; }

fail() {
  echo "elsewhere: $*" >&2
  exit 1
}

system=$(uname -s)
if [ "$system" != Linux ]; then
  fail "elsewhere runs only on Linux so far, and this is $system: use a Linux machine or a container."
fi

how="on Debian or Ubuntu, run apt-get install g++; on other systems, install GCC 10 or clang 13 or\
 later, and name it in ~/.R/Makevars: CXX20 = /path/to/g++"

compiler=$(config CXX20)
work=$(mktemp -d) || fail "cannot create a folder in ${TMPDIR:-/tmp}: set TMPDIR to another folder."
trap 'rm -rf "$work"' EXIT

# The newest features that we use.
cat >"$work/try.cpp" <<'CODE'
#include <concepts>
#include <span>
#include <vector>
struct Point { int x, y; auto operator<=>(const Point&) const = default; };
template <std::integral T> T first(std::span<const T> values) { return values.front(); }
int main() {
  std::vector<int> values{1, 2};
  std::erase_if(values, [](int value) { return value == 2; });
  return first(std::span<const int>(values)) - 1 + (Point{.x = 1, .y = 2} != Point{1, 2});
}
CODE

# shellcheck disable=SC2046 # flags are words
if ! $compiler $(config CXX20STD) -o "$work/try" "$work/try.cpp" >"$work/log" 2>&1; then
  said=$(sed -n '/[Ee]rror\|not found\|[Nn]o such/{p;q;}' "$work/log")
  fail "\`$compiler\` does not compile C++20 (it says: ${said:-nothing}): $how."
fi
