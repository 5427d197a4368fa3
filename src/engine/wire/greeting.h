// The line by which a worker on another machine makes itself known, before the
// first packet. What the login shell there prints comes before it and is none of
// ours. Pure functions over text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace elsewhere {

struct Greeting {
  std::int64_t pid = 0;  // of the worker there
  std::string speaks;    // what must be the same on both ends
};

// "elsewhere-worker pid=71 speaks=0.1.0/1/little-64 ;\n"
std::string encode(const Greeting& greeting);
// The first greeting in `text`, which is cut off there: what is left in `text`
// came before. Empty when there is none yet.
std::optional<Greeting> take_greeting(std::string& text);

// What this end speaks: a version of the package, of the protocol, and how
// numbers lie in memory.
std::string what_is_spoken(const std::string& package_version);

}  // namespace elsewhere
