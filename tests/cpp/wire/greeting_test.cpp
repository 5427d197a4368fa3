#include "engine/wire/greeting.h"

#include <gtest/gtest.h>

namespace elsewhere {
namespace {

TEST(Greeting, IsFoundBehindWhatALoginShellPrints) {
  std::string text =
      "Last login: today\nelsewhere-worker pid=x\n" + encode(Greeting{71, "0.1.0/1/little-64"});
  const auto greeting = take_greeting(text);
  // The first line that looks like one is not; nothing after it is believed.
  EXPECT_FALSE(greeting.has_value());
  text = "welcome\n" + encode(Greeting{71, "0.1.0/1/little-64"});
  const auto found = take_greeting(text);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->pid, 71);
  EXPECT_EQ(found->speaks, "0.1.0/1/little-64");
  EXPECT_EQ(text, "welcome\n");
}

TEST(Greeting, IsNotThereUntilAllOfItIs) {
  const std::string whole = encode(Greeting{5, what_is_spoken("1.2.3")});
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    std::string part = whole.substr(0, cut);
    EXPECT_FALSE(take_greeting(part).has_value());
    EXPECT_EQ(part, whole.substr(0, cut));
  }
  std::string all = whole;
  EXPECT_EQ(take_greeting(all)->speaks, what_is_spoken("1.2.3"));
}

}  // namespace
}  // namespace elsewhere
