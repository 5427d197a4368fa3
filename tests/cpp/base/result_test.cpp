#include "engine/base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <optional>

namespace elsewhere {
namespace {

TEST(Result, HoldsAValue) {
  const Result<int> result = 42;
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value(), 42);
}

TEST(Result, HoldsAnErrorWithItsCodeAndWords) {
  const Result<int> result = Error{ErrorCode::Closed, "the worker is gone"};
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::Closed);
  EXPECT_EQ(result.error().message, "the worker is gone");
}

TEST(Result, CarriesAValueThatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const auto taken = std::move(result.value());
  EXPECT_EQ(*taken, 7);
}

TEST(Result, TellsAnEmptyOptionalFromAnError) {
  const Result<std::optional<int>> result = std::optional<int>{};
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result.value().has_value());
}

TEST(SystemError, AddsTheSystemsWordsToOurs) {
  errno = ENOENT;
  const Error error = system_error("cannot open `x`");
  EXPECT_EQ(error.code, ErrorCode::System);
  EXPECT_EQ(error.message, "cannot open `x`: No such file or directory");
}

}  // namespace
}  // namespace elsewhere
