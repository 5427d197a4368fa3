#include "engine/base/bytes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace elsewhere {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Bytes, AreEmptyAtFirst) {
  const Bytes bytes;
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(bytes.size(), 0u);
  EXPECT_TRUE(bytes.span().empty());
}

TEST(Bytes, KeepWhatWasAppendedWhileTheyGrow) {
  Bytes bytes;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    bytes.append(bytes_of(piece));
    expected += piece;
  }
  EXPECT_EQ(text_of(bytes), expected);
}

TEST(Bytes, KeepTheirBeginningWhenResized) {
  Bytes bytes(bytes_of("hello"));
  bytes.resize(2);
  EXPECT_EQ(text_of(bytes), "he");
  bytes.resize(100000);
  EXPECT_EQ(text_of(bytes).substr(0, 2), "he");
}

TEST(Bytes, ClearAndCanBeFilledAgain) {
  Bytes bytes(bytes_of("hello"));
  bytes.clear();
  EXPECT_TRUE(bytes.empty());
  bytes.append(bytes_of("again"));
  EXPECT_EQ(text_of(bytes), "again");
}

TEST(Bytes, MoveWithoutCopying) {
  Bytes source(bytes_of("hello"));
  const auto* address = source.data();
  Bytes target(std::move(source));
  EXPECT_EQ(target.data(), address);
  EXPECT_EQ(text_of(target), "hello");
}

TEST(Bytes, LeaveNothingBehindWhenMoveAssigned) {
  Bytes source(bytes_of("new"));
  Bytes target(bytes_of("old"));
  target = std::move(source);
  EXPECT_EQ(text_of(target), "new");
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): this is the promise
}

TEST(Bytes, SurviveBeingMovedToThemselves) {
  Bytes bytes(bytes_of("hello"));
  Bytes& same = bytes;
  bytes = std::move(same);
  EXPECT_EQ(text_of(bytes), "hello");
}

TEST(Bytes, ThrowWhenThereIsNotThatMuchMemory) {
  Bytes bytes;
  EXPECT_THROW(bytes.reserve(SIZE_MAX / 4 * 3), std::bad_alloc);
  EXPECT_TRUE(bytes.empty());
}

}  // namespace
}  // namespace elsewhere
