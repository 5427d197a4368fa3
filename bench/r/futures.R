# Futures beside the future package and mirai. future runs with the socket
# option that spares it 40 ms a message, so the ratios are those of the code.

peers_of <- function(ours, future = NULL, mirai = NULL) {
  peers <- list(elsewhere = ours)
  if (!is.null(future) && has_peer("future")) peers$future <- future
  if (!is.null(mirai) && has_peer("mirai")) peers$mirai <- mirai
  peers
}

# Runs `code` under both plans at once, and with mirai's daemons.
with_plans <- function(workers, code) {
  options(socketOptions = "no-delay")
  elsewhere::plan(elsewhere::multisession, workers = I(workers))
  on.exit(elsewhere::plan(elsewhere::sequential))
  if (has_peer("future")) {
    future::plan(future::multisession, workers = I(workers))
    on.exit(future::plan(future::sequential), add = TRUE)
  }
  if (has_peer("mirai")) {
    mirai::daemons(workers)
    on.exit(mirai::daemons(0), add = TRUE)
  }
  code
}

bench_sequential_one <- function() {
  elsewhere::plan(elsewhere::sequential)
  if (has_peer("future")) future::plan(future::sequential)
  compare(
    peers_of(
      function() elsewhere::value(elsewhere::future(1 + 1)),
      function() future::value(future::future(1 + 1))
    ),
    calls = c(elsewhere = 500, future = 30), warm_up = 20
  )
}

bench_multisession_one <- function() {
  with_plans(2, compare(
    peers_of(
      function() elsewhere::value(elsewhere::future(1 + 1)),
      function() future::value(future::future(1 + 1)),
      function() mirai::mirai(1 + 1)[]
    ),
    calls = c(elsewhere = 500, future = 30, mirai = 200), warm_up = 20
  ))
}

bench_multicore_one <- function() {
  elsewhere::plan(elsewhere::multicore, workers = 2)
  on.exit(elsewhere::plan(elsewhere::sequential))
  if (has_peer("future")) {
    future::plan(future::multicore, workers = 2)
    on.exit(future::plan(future::sequential), add = TRUE)
  }
  compare(
    peers_of(
      function() elsewhere::value(elsewhere::future(1 + 1)),
      function() future::value(future::future(1 + 1))
    ),
    calls = c(elsewhere = 60, future = 20), warm_up = 10
  )
}

bench_multisession_5000_at_once <- function() {
  result <- with_plans(2, {
    elsewhere::plan(elsewhere::multisession, workers = 2, queue = Inf)
    compare(
      peers_of(
        function() {
          futures <- lapply(1:5000, function(i) elsewhere::future(1 + 1))
          elsewhere::value(futures)
        },
        mirai = function() {
          tasks <- lapply(1:5000, function(i) mirai::mirai(1 + 1))
          mirai::collect_mirai(tasks)
        }
      ),
      repetitions = 4
    )
  })
  attr(result, "title") <- "5 000 trivial futures on 2 workers"
  result
}

bench_map_10000 <- function() {
  result <- with_plans(2, compare(
    c(
      list(elsewhere = function() {
        elsewhere::future_map(1:10000, function(i) i^2)
      }),
      if (has_peer("future.apply")) {
        list(future.apply = function() {
          future.apply::future_lapply(1:10000, function(i) i^2)
        })
      },
      if (has_peer("furrr")) {
        list(furrr = function() furrr::future_map(1:10000, function(i) i^2))
      }
    )
  ))
  attr(result, "title") <- "a map over 10 000 elements on 2 workers"
  result
}
