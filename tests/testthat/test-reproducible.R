# Plans, numbers of workers, chunking and order that must make no difference.
seeded_plans <- list(
  quote(plan(sequential)), quote(plan(multisession, workers = 2)),
  quote(plan(multisession, workers = 3)), quote(plan(multicore, workers = 2)),
  quote(plan(multisession, workers = 2, queue = Inf)),
  quote(plan(multisession, workers = I(1), recycle = c(tasks = 2))),
  quote(plan(cluster, workers = c("localhost", "localhost"))),
  quote(plan(cluster, workers = 2, persistent = TRUE)),
  quote(plan(cluster, workers = parallel_cluster()))
)

# The nodes end when nobody plans with them any more.
parallel_cluster <- function() {
  parallelly::makeClusterPSOCK(2L, autoStop = TRUE)
}

expect_same_everywhere <- function(draw) {
  values <- lapply(seeded_plans, function(choose) {
    former <- eval(choose)
    on.exit(plan(former))
    set.seed(20)
    draw()
  })
  for (i in seq_along(values)[-1L]) {
    expect_identical(
      values[[i]], values[[1L]], info = deparse(seeded_plans[[i]])
    )
  }
}

test_that("futures with seeds give the same numbers under every plan", {
  withr::local_preserve_seed()
  expect_same_everywhere(function() {
    fs <- lapply(1:7, function(i) {
      future(c(rnorm(2), runif(1), sample(10)), seed = TRUE, lazy = i %% 2 == 0)
    })
    # Asked for in another order than they were made.
    rev(value(rev(fs)))
  })
  expect_same_everywhere(function() {
    value(lapply(1:4, function(i) future(rexp(3), seed = 40L + i)))
  })
})

test_that("maps with seeds give the same numbers whatever the chunks", {
  withr::local_preserve_seed()
  expect_same_everywhere(function() {
    future_map(1:23, function(i) rnorm(3, i), .seed = TRUE)
  })
  values <- lapply(c(1, 2, 5, 23), function(size) {
    local_plan(multisession, workers = 2)
    future_map(1:23, function(i) rnorm(3, i), .seed = 9, .chunk_size = size)
  })
  for (one in values[-1L]) expect_identical(one, values[[1L]])
  expect_same_everywhere(function() {
    future_lapply(1:11, function(i) runif(2), future.seed = TRUE)
  })
  values <- lapply(c(1, 3, Inf), function(scheduling) {
    local_plan(multisession, workers = 2)
    set.seed(3)
    future_lapply(
      1:11, function(i) runif(2), future.seed = TRUE,
      future.scheduling = scheduling
    )
  })
  for (one in values[-1L]) expect_identical(one, values[[1L]])
})

test_that("a retried future draws the same numbers again", {
  withr::local_preserve_seed()
  mark <- withr::local_tempfile()
  local_plan(multisession, workers = I(1))
  expected <- value(future(rnorm(3), seed = 5L))
  f <- future(
    {
      x <- rnorm(3)
      if (!file.exists(mark)) {
        file.create(mark)
        tools::pskill(Sys.getpid(), 9)
      }
      x
    },
    seed = 5L, retries = 1L
  )
  expect_identical(value(f), expected)
})
