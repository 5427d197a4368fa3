// take_greeting() never crashes on what a login shell may print, leaves what came
// before a greeting as it was, and finds what encode() makes, whatever stands
// before and behind it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/wire/greeting.h"

namespace {

using namespace elsewhere;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string noise(reinterpret_cast<const char*>(data), size);
  std::string rest = noise;
  const auto found = take_greeting(rest);
  require(noise.compare(0, rest.size(), rest) == 0);
  require(found.has_value() || rest == noise);
  // What looks like the start of a greeting hides the one behind it.
  if (noise.find("elsewhere-worker pid=") != std::string::npos) return 0;
  const Greeting greeting{static_cast<std::int64_t>(size), "0.1.0/1/little-64"};
  std::string text = noise + encode(greeting) + noise;
  const auto again = take_greeting(text);
  require(again.has_value());
  require(again->pid == greeting.pid && again->speaks == greeting.speaks && text == noise);
  return 0;
}
