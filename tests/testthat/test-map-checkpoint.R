test_that("an interrupted map goes on where it was, with the same numbers", {
  withr::local_preserve_seed()
  folder <- file.path(withr::local_tempdir(), "kept")
  counter <- withr::local_tempfile()
  broken <- withr::local_tempfile()
  file.create(broken)
  draw <- function(i) {
    cat("x", file = counter, append = TRUE)
    if (i == 9 && file.exists(broken)) stop("out of luck")
    rnorm(2, i)
  }
  for (strategy in list(sequential, tweak(multisession, workers = 2))) {
    local_plan(strategy)
    unlink(c(folder, counter), recursive = TRUE)
    file.create(broken)
    set.seed(1)
    expect_error(
      future_map(
        1:12, draw, .seed = TRUE, .checkpoint = folder, .chunk_size = 2
      ),
      "out of luck"
    )
    # What runs beside the failed part ends first.
    expect_true(wait_until(function() nbrOfFreeWorkers() == nbrOfWorkers()))
    before <- file.size(counter)
    kept <- length(list.files(folder, "^chunk"))
    expect_gt(kept, 0L)
    unlink(broken)
    # Another state of the generator: the numbers are those of the first map.
    set.seed(99)
    y <- future_map(
      c(1:12), draw, .seed = TRUE, .checkpoint = folder, .chunk_size = 2
    )
    expect_equal(file.size(counter) - before, 12 - 2 * kept)
    set.seed(1)
    expect_identical(y, future_map(1:12, draw, .seed = TRUE))
    # All is there: nothing is evaluated.
    before <- file.size(counter)
    expect_identical(
      future_map(1:12, draw, .seed = TRUE, .checkpoint = folder), y
    )
    expect_equal(file.size(counter), before)
  }
})

test_that("a checkpoint of another map is refused", {
  folder <- withr::local_tempdir()
  local_plan(sequential)
  f <- function(i, by = 1) i * by
  future_map(1:3, f, .checkpoint = folder)
  refused <- function(...) {
    expect_error(
      future_map(..., .checkpoint = folder), class = "elsewhere_bad_checkpoint"
    )
  }
  expect_match(conditionMessage(refused(1:4, f)), "length of `.x`")
  expect_match(
    conditionMessage(refused(1:3, function(i) i + 1)), "code of `.f`"
  )
  refused(1:3, f, by = 2)
  refused(1:3, f, .seed = TRUE)
  expect_identical(future_map(1:3, f, .checkpoint = folder), list(1, 2, 3))
  expect_error(
    future_map(1:3, f, .checkpoint = 3), class = "elsewhere_bad_argument"
  )
})

test_that("a full disk keeps no half of a checkpoint, and says so", {
  skip_if_not(
    Sys.info()[["user"]] == "root" && nzchar(Sys.which("mount")),
    "a file system can be mounted"
  )
  place <- withr::local_tempdir()
  mounted <- processx::run(
    "mount", c("-t", "tmpfs", "-o", "size=256k", "tmpfs", place),
    error_on_status = FALSE
  )
  skip_if_not(mounted$status == 0L, "a file system can be mounted")
  withr::defer(processx::run("umount", c("-l", place)))
  local_plan(sequential)
  folder <- file.path(place, "kept")
  # What is larger than the disk, and cannot be compressed.
  noise <- withr::with_seed(1, as.raw(sample(0:255, 1e6, TRUE)))
  f <- function(i) if (i == 3L) noise else i
  run <- function() {
    future_map(1:4, f, .checkpoint = folder, .chunk_size = 1)
  }
  error <- expect_error(run(), class = "elsewhere_bad_checkpoint")
  expect_match(conditionMessage(error), "chunk-.*cannot be written: ")
  expect_length(list.files(folder, "half", all.files = TRUE), 0L)
  # Half of what a fingerprint is made of would be that of other maps.
  expect_error(
    fingerprint(raw(1e6), file.path(place, "x")),
    class = "elsewhere_bad_checkpoint"
  )
  # A little is written when its file is closed.
  expect_warning(writeBin(noise, file.path(place, "rest")), "writing")
  expect_error(
    write_whole(1:3, file.path(place, "y")), class = "elsewhere_bad_checkpoint"
  )
  # There is room again: it goes on with what was kept.
  expect_length(list.files(folder, "^chunk"), 2L)
  processx::run("mount", c("-o", "remount,size=64m", place))
  expect_identical(run(), lapply(1:4, f))
})

test_that("results can be had as they come", {
  local_plan(multisession, workers = 2)
  mark <- withr::local_tempfile()
  seen <- integer()
  y <- future_map(
    1:3,
    function(i) {
      while (i == 1 && !file.exists(mark)) Sys.sleep(0.01)
      i * 10
    },
    .ordered = FALSE, .chunk_size = 1,
    .each = function(value, i) {
      seen <<- c(seen, i)
      expect_equal(value, i * 10)
      # The first of them goes on only when another is here.
      file.create(mark)
    }
  )
  expect_setequal(seen, 1:3)
  expect_false(seen[[1L]] == 1L)
  expect_equal(unlist(y), seen * 10)
})
