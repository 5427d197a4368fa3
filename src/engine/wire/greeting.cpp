#include "engine/wire/greeting.h"

#include <bit>
#include <charconv>
#include <string_view>

namespace elsewhere {
namespace {

constexpr std::string_view kStart = "elsewhere-worker pid=";
constexpr std::string_view kMiddle = " speaks=";
constexpr std::string_view kEnd = " ;\n";

}  // namespace

std::string encode(const Greeting& greeting) {
  std::string line(kStart);
  line.append(std::to_string(greeting.pid)).append(kMiddle).append(greeting.speaks).append(kEnd);
  return line;
}

std::optional<Greeting> take_greeting(std::string& text) {
  const auto start = text.find(kStart);
  if (start == std::string::npos) return {};
  const auto end = text.find(kEnd, start);
  if (end == std::string::npos) return {};
  const std::string_view words =
      std::string_view(text).substr(start + kStart.size(), end - start - kStart.size());
  const auto middle = words.find(kMiddle);
  if (middle == std::string_view::npos) return {};
  Greeting greeting;
  const auto digits = words.substr(0, middle);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), greeting.pid);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return {};
  greeting.speaks = words.substr(middle + kMiddle.size());
  text.erase(start);
  return greeting;
}

std::string what_is_spoken(const std::string& package_version) {
  const bool is_little = std::endian::native == std::endian::little;
  return package_version + "/1/" + (is_little ? "little" : "big") + "-" +
         std::to_string(8 * sizeof(void*));
}

}  // namespace elsewhere
