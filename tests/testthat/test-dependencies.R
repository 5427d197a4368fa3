# What elsewhere takes from other packages beyond their documented functions: a
# test a reliance, with whatever versions are installed. One that fails after an
# update names what has to be done otherwise.

class_without <- function(...) {
  fields <- processx::process$private_fields
  list(private_fields = fields[setdiff(names(fields), c(...))])
}

test_that("processx keeps the handle and the connection to poll in its class", {
  expect_null(check_processx())
  session <- local_session()
  private <- session$.__enclos_env__$private
  expect_type(processx_handle(private), "externalptr")
  expect_identical(private$poll_pipe, session$get_poll_connection())
  for (field in c("status", "poll_pipe")) {
    expect_error(
      check_processx(class_without(field)), field,
      class = "elsewhere_dependency"
    )
  }
})

test_that("processx keeps command, arguments and start of a process", {
  expect_true(processx_can_hold_forks())
  for (field in c("command", "args", "starttime")) {
    expect_false(processx_can_hold_forks(class_without(field)))
  }
})

test_that("the ps package finds a forked session by what processx keeps", {
  session <- local_session()
  expect_identical(ps::ps_pid(session$as_ps_handle()), session$get_pid())
  expect_true(ps::ps_is_running(session$as_ps_handle()))
  expect_match(session$get_name(), "R")
  expect_true(session$get_status() %in% c("sleeping", "running", "idle"))
})

test_that("a start is told where processx keeps one time, and where two", {
  one <- list2env(list(starttime = 100))
  processx_starts_later(one, 5)
  expect_identical(as.list(one), list(starttime = 105))
  two <- list2env(list(starttime = 100, starttime_raw = 98))
  processx_starts_later(two, 1)
  expect_identical(two$starttime, 100)
  expect_identical(two$starttime_raw, 99)
  processx_starts_later(two, 5)
  expect_identical(two$starttime, 104)
})

test_that("promises tells which domain is current", {
  expect_true(tells_domain())
  expect_false(tells_domain(new.env(parent = emptyenv())))
  domain <- promises::new_promise_domain(wrapOnFulfilled = identity)
  expect_identical(
    promises::with_promise_domain(domain, current_domain(), replace = TRUE),
    domain
  )
})

test_that("a promise that is settled shows its value, or is waited for", {
  settled_already <- promises::promise_resolve(42)
  expect_true(is_own_promise(fulfilled_as_native(settled_already)))
  expect_identical(wait_for(async(await(settled_already)), 10), 42)
  # One that keeps its value elsewhere is taken as any other.
  strange <- structure(list(), class = "promise", promise_impl = new.env())
  expect_identical(fulfilled_as_native(strange), strange)
})

test_that("later's loops are known by a number", {
  global <- later::global_loop()
  expect_identical(global$id, 0L)
  expect_identical(current_loop_id(), later::current_loop()$id)
  own <- later::create_loop()
  expect_true(is_loop_id(own$id))
  ran <- FALSE
  later::later(function() ran <<- TRUE, loop = loop_handle(own$id))
  later::run_now(loop = own)
  expect_true(ran)
  number <- own$id
  later::destroy_loop(own)
  expect_false(is_loop_id(number))
})

test_that("later has the function for threads that its header declares", {
  headers <- list.files(
    system.file("include", package = "later"), full.names = TRUE
  )
  expect_match(unlist(lapply(headers, readLines)), "execLaterNative2",
    fixed = TRUE, all = FALSE
  )
  # A result comes from the I/O thread, to the loop that waits for it.
  local_plan(multisession, workers = 1)
  later::with_temp_loop({
    expect_identical(wait_for(async(await(future(9))), 60), 9)
  })
  # That loop is gone; the others are told nevertheless.
  expect_identical(wait_for(async(await(future(10))), 60), 10)
})

test_that("the nodes of parallel answer over sockets", {
  cluster <- parallel::makePSOCKcluster(1L)
  withr::defer(parallel::stopCluster(cluster))
  expect_true(has_socket_nodes(cluster))
})

test_that("R6 keeps what is private where as.promise() finds it", {
  session <- local_session()
  expect_true(exists(
    "link", session$.__enclos_env__$private, inherits = FALSE
  ))
})

test_that("loading says in one sentence what is missing", {
  says <- function() "elsewhere needs something. This is how to get it."
  expect_warning(
    check_at_load(list(says)),
    "This is how to get it", class = "elsewhere_load_warning"
  )
  expect_no_warning(check_at_load())
})

test_that("loading names a processx, promises or library that has changed", {
  local_mocked_bindings(
    processx_has = function(...) FALSE,
    tells_domain = function(...) FALSE,
    stand_in_file = function() tempfile("no-stand-in")
  )
  said <- vapply(load_checks, function(check) check(), "")
  expect_match(said[["sessions"]], "processx [0-9.]+.*newer elsewhere")
  expect_match(said[["forks"]], "each session starts R")
  expect_match(said[["stand_in"]], "noexec")
  expect_match(said[["domain"]], "promises [0-9.]+")
})
