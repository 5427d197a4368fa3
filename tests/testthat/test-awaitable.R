# What await() takes, beyond promises of our own.

# While `gate` is missing, what it guards has not happened.
new_gate <- function(env = parent.frame()) {
  withr::local_tempfile(.local_envir = env)
}

test_that("a plain value is there already", {
  for (value in list(1, "a", NULL, list(1), mean, quote(x))) {
    expect_identical(settled(async(await(value))), value)
  }
})

test_that("a session can be awaited after each of its calls", {
  session <- local_session()
  task <- async({
    session$call(function(x) x + 1, list(1))
    first <- await(session)
    session$call(function(x) x * 10, list(first))
    second <- await(session)
    session$call(function() stop("no"))
    error <- tryCatch(await(session), error = conditionMessage)
    list(second, error)
  })
  result <- settled(task)
  expect_identical(result[[1]], 20)
  expect_match(result[[2]], "no")
})

test_that("a process gives its exit status when it has ended", {
  gate <- new_gate()
  waiter <- processx::process$new(
    "sh",
    c("-c", sprintf("while ! test -e %s; do sleep 0.01; done; exit 3", gate))
  )
  early <- async(await(waiter))
  also <- async(await(waiter))
  later::run_now(0.05)
  expect_identical(promise_status(early), "pending")
  file.create(gate)
  # processx itself loses the status of some, when it is busy: 3 in 100.
  expect_true(settled(early) %in% c(3L, NA))
  expect_identical(settled(also), waiter$get_exit_status())
  # Later, too; and one that was killed.
  expect_identical(settled(async(await(waiter))), waiter$get_exit_status())
  killed <- processx::process$new("sleep", "100")
  task <- async(await(killed))
  killed$signal(9)
  expect_true(settled(task) %in% c(-9L, NA))
})

test_that("who cancels a task that waits for a process kills the process", {
  local_leak_check(allow = "^thread|pidfd|later")
  sleeper <- processx::process$new("sleep", "1000")
  task <- async(await(sleeper))
  cancel(task)
  expect_error(settled(task), class = "cancelled")
  expect_true(soon_true(function() !sleeper$is_alive()))
  sleeper <- processx::process$new("sleep", "1000")
  expect_error(settled(with_timeout(sleeper, 0.05)), class = "timeout")
  expect_true(soon_true(function() !sleeper$is_alive()))
})

test_that("a background process of callr gives its result", {
  skip_if_not_installed("callr")
  good <- callr::r_bg(function(x) x + 1, list(1))
  bad <- callr::r_bg(function() stop("not today"))
  expect_identical(settled(async(await(good))), 2)
  error <- tryCatch(settled(async(await(bad))), error = identity)
  expect_s3_class(error, "callr_error")
  expect_match(conditionMessage(error$parent), "not today")
})

test_that("a session of callr can be awaited", {
  skip_if_not_installed("callr")
  session <- callr::r_session$new(wait = FALSE)
  withr::defer(session$close())
  expect_identical(settled(async(await(session))), session)
  session$call(function(x) {
    message("said")
    x + 1
  }, list(1))
  expect_identical(settled(promises::promise_all(
    a = promises::as.promise(session), b = promises::as.promise(session)
  )), list(a = 2, b = 2))
  expect_error(
    settled(async(await(session))), class = "elsewhere_session_state"
  )
  session$call(function() stop("not today"))
  error <- tryCatch(settled(async(await(session))), error = identity)
  expect_s3_class(error, "callr_error")
  expect_match(conditionMessage(error$parent), "not today")
  session$call(function() quit("no", 3))
  expect_error(
    settled(async(await(session))), "^R session (closed|finish|crash)"
  )
})

test_that("who closes a session of callr ends the wait for it", {
  skip_if_not_installed("callr")
  session <- callr::r_session$new()
  session$call(function() Sys.sleep(100))
  task <- async(await(session))
  session$close()
  expect_error(settled(task), "while a task was waiting|finished|crashed")
})

test_that("a connection is awaited until it can be read", {
  gate <- new_gate()
  writer <- processx::process$new("sh", c("-c", sprintf(
    "while ! test -e %s; do sleep 0.01; done; echo one; echo two", gate
  )), stdout = "|")
  withr::defer(writer$kill())
  pipe <- writer$get_output_connection()
  lines <- async({
    lines <- NULL
    repeat {
      await(pipe)
      lines <- c(lines, processx::conn_read_lines(pipe, 1))
      if (!processx::conn_is_incomplete(pipe)) break
    }
    lines
  })
  later::run_now(0.05)
  expect_identical(promise_status(lines), "pending")
  file.create(gate)
  expect_identical(settled(lines), c("one", "two"))
})

test_that("futures of the future package can be awaited", {
  skip_if_not_installed("future")
  former <- future::plan(future::multisession, workers = 2)
  withr::defer(future::plan(former))
  good <- future::future(6 * 7)
  bad <- future::future(stop("no luck"))
  expect_identical(settled(async(await(good))), 42)
  expect_identical(
    settled(async(tryCatch(await(bad), error = conditionMessage))), "no luck"
  )
})

test_that("mirai and aios can be awaited", {
  skip_if_not_installed("mirai")
  skip_if_not_installed("nanonext")
  mirai::daemons(1, dispatcher = FALSE)
  withr::defer(mirai::daemons(0))
  task <- async({
    values <- await(mirai::mirai(x + 1, x = 1))
    failed <- tryCatch(
      await(mirai::mirai(stop("oh"))), error = conditionMessage
    )
    list(values, failed)
  })
  result <- settled(task)
  expect_identical(result[[1]], 2)
  expect_match(result[[2]], "oh")
  one <- nanonext::socket("pair", listen = "inproc://elsewhere-test")
  two <- nanonext::socket("pair", dial = "inproc://elsewhere-test")
  withr::defer({
    close(one)
    close(two)
  })
  got <- async(await(nanonext::recv_aio(one, mode = "character")))
  # Without `block`, what is sent before the two are connected is lost.
  expect_identical(nanonext::send(two, "hello", mode = "raw", block = TRUE), 0L)
  expect_identical(settled(got), "hello")
})

# A request of curl's as a promise, woken by its descriptors: the recipe of the
# vignette.
fetch_text <- function(address) {
  pool <- curl::new_pool()
  promises::promise(function(resolve, reject) {
    curl::curl_fetch_multi(
      address, function(response) resolve(rawToChar(response$content)),
      function(message) reject(simpleError(message)), pool = pool
    )
    go_on <- function(ready = NULL) {
      status <- curl::multi_run(timeout = 0, poll = TRUE, pool = pool)
      if (status$pending == 0) return()
      wanted <- curl::multi_fdset(pool = pool)
      seconds <- if (wanted$timeout < 0) 1 else wanted$timeout / 1000
      later::later_fd(
        go_on, wanted$reads, wanted$writes, wanted$exceptions, seconds
      )
    }
    go_on()
  })
}

test_that("a web server may answer with a task, and a client await it", {
  skip_if_not_installed("httpuv")
  skip_if_not_installed("curl")
  port <- getExportedValue("httpuv", "randomPort")()
  server <- getExportedValue("httpuv", "startServer")(
    "127.0.0.1", port,
    list(call = function(request) async({
      if (request$PATH_INFO == "/bad") stop("no")
      await(delay(0.01))
      list(status = 200L, headers = list(), body = "late but here")
    }))
  )
  withr::defer(server$stop())
  address <- sprintf("http://127.0.0.1:%d", port)
  expect_identical(settled(fetch_text(address)), "late but here")
  expect_match(settled(fetch_text(paste0(address, "/bad"))), "ERROR: no")
})

test_that("httr2's promises can be awaited", {
  skip_if_not_installed("httr2", "1.0.0")
  skip_if_not_installed("httpuv")
  port <- getExportedValue("httpuv", "randomPort")()
  server <- getExportedValue("httpuv", "startServer")(
    "127.0.0.1", port,
    list(call = function(request) {
      list(status = 200L, headers = list(), body = request$PATH_INFO)
    })
  )
  withr::defer(server$stop())
  perform <- getExportedValue("httr2", "req_perform_promise")
  body <- getExportedValue("httr2", "resp_body_string")
  request <- getExportedValue("httr2", "request")
  pages <- async_map(c("/a", "/b"), async(function(path) {
    body(await(perform(request(sprintf("http://127.0.0.1:%d%s", port, path)))))
  }))
  expect_identical(settled(pages), list("/a", "/b"))
})

test_that("sockets of R are awaited until they can be read", {
  # R has no way to ask for a free port.
  for (port in sample(20000:60000, 50)) {
    server <- tryCatch(serverSocket(port), error = function(e) NULL)
    if (!is.null(server)) break
  }
  withr::defer(close(server))
  call_in <- function() {
    socketConnection(port = port, open = "r+", blocking = FALSE)
  }
  served <- async({
    lines <- NULL
    for (i in 1:2) {
      caller <- socketAccept(await(server), open = "r+", blocking = FALSE)
      lines <- c(lines, readLines(await(caller)))
      writeLines("answer", caller)
      close(caller)
    }
    lines
  })
  later::run_now(0.05)
  expect_identical(promise_status(served), "pending")
  talk <- async(function(word) {
    connection <- call_in()
    on.exit(close(connection))
    await(delay(0))
    writeLines(word, connection)
    readLines(await(connection))
  })
  first <- talk("one")
  expect_identical(settled(first), "answer")
  expect_identical(settled(talk("two")), "answer")
  expect_identical(settled(served), c("one", "two"))
})

test_that("a socket beside others of its port is woken for itself alone", {
  for (port in sample(20000:60000, 50)) {
    server <- tryCatch(serverSocket(port), error = function(e) NULL)
    if (!is.null(server)) break
  }
  withr::defer(close(server))
  pairs <- lapply(1:3, function(i) {
    near <- socketConnection(port = port, open = "r+", blocking = FALSE)
    list(near = near, far = socketAccept(server, open = "r+"))
  })
  withr::defer(for (pair in pairs) for (end in pair) close(end))
  got <- async(readLines(await(pairs[[2]]$near), 1))
  writeLines("not for you", pairs[[1]]$far)
  later::run_now(0.2)
  expect_identical(promise_status(got), "pending")
  writeLines("for you", pairs[[2]]$far)
  expect_identical(settled(got), "for you")
  # It is ready at once while R holds more.
  writeLines(c("a", "b"), pairs[[3]]$far)
  more <- async({
    first <- readLines(await(pairs[[3]]$near), 1)
    c(first, readLines(await(pairs[[3]]$near), 1))
  })
  expect_identical(settled(more), c("a", "b"))
})

test_that("a connection that cannot be watched is refused, with a way out", {
  pipe <- pipe("echo x")
  withr::defer(close(pipe))
  expect_error(
    settled(async(await(pipe))), "processx", class = "elsewhere_cannot_await"
  )
  expect_error(
    settled(async(await(stdin()))), class = "elsewhere_cannot_await"
  )
  text <- textConnection("line")
  withr::defer(close(text))
  expect_identical(settled(async(readLines(await(text)))), "line")
})
