#include "engine/workers/pool_log.h"

#include <gtest/gtest.h>

namespace elsewhere {
namespace {

TEST(PoolLog, ASecondWorkerInAPlaceIsAReplacement) {
  PoolLog log;
  log.note_ready(0, 71, "");
  log.note_ready(1, 72, "one");
  log.note_gone(PoolEventKind::Ended, 0, 71, "", 3, "ended with status 1");
  log.note_ready(0, 73, "");
  ASSERT_EQ(log.events().size(), 4U);
  EXPECT_EQ(log.events()[1].kind, PoolEventKind::Started);
  EXPECT_EQ(log.events()[1].host, "one");
  EXPECT_EQ(log.events()[2].tasks, 3);
  EXPECT_EQ(log.events()[3].kind, PoolEventKind::Replaced);
  EXPECT_EQ(log.started(), 3U);
  EXPECT_EQ(log.ended(), 1U);
}

TEST(PoolLog, AWorkerThatNeverStartedHasNotEnded) {
  PoolLog log;
  log.note_gone(PoolEventKind::NotStarted, 0, -1, "", 0, "no R");
  log.note_ready(0, 71, "");
  EXPECT_EQ(log.ended(), 0U);
  EXPECT_EQ(log.events().back().kind, PoolEventKind::Started);
}

TEST(PoolLog, KeepsTheLastEventsAndCountsAll) {
  PoolLog log;
  for (int i = 0; i < 1500; ++i) log.note_ready(0, i, "");
  EXPECT_EQ(log.events().size(), PoolLog::kEventsMax);
  EXPECT_EQ(log.events().front().pid, 500);
  EXPECT_EQ(log.started(), 1500U);
}

}  // namespace
}  // namespace elsewhere
