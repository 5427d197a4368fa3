# The example app in a browser: two windows of one app. Needs Chromium (or
# Chrome) and the packages shiny and chromote; `tools/dev setup shiny` installs
# them.

local_browser <- function(env = parent.frame()) {
  skip_if_not_installed("shiny", "1.8.1")
  skip_if_not_installed("chromote")
  skip_if_not_installed("survival")
  path <- suppressMessages(chromote::find_chrome())
  skip_if(is.null(path), "Chromium is not installed")
  arguments <- unique(c(chromote::default_chrome_args(), "--no-sandbox"))
  browser <- chromote::Chromote$new(
    browser = chromote::Chrome$new(path = path, args = arguments)
  )
  withr::defer(suppressMessages(browser$close()), envir = env)
  browser
}

# The example app, served by a session; its address.
local_app <- function(name, env = parent.frame()) {
  session <- r_session$new(r_session_options(libpath = .libPaths()))
  withr::defer(session$close(), envir = env)
  # httpuv comes with Shiny.
  port <- getExportedValue("httpuv", "randomPort")()
  session$call(
    function(folder, port) {
      shiny::runApp(folder, port = port, launch.browser = FALSE)
    },
    list(system.file("examples", name, package = "elsewhere"), port)
  )
  is_served <- function() {
    !inherits(try(suppressWarnings(
      close(socketConnection("127.0.0.1", port, open = "r+", timeout = 1))
    ), silent = TRUE), "try-error")
  }
  if (!soon_true(is_served, 60)) {
    stop("the app did not start: ", session$read_error())
  }
  sprintf("http://127.0.0.1:%d", port)
}

open_window <- function(browser, address) {
  window <- chromote::ChromoteSession$new(parent = browser)
  window$go_to(address)
  expect_text(window, "chance", "live on")
  window
}

javascript <- function(window, code) {
  window$Runtime$evaluate(code)$result$value
}

text_of <- function(window, id) {
  javascript(window, sprintf("document.getElementById('%s').innerText", id))
}

expect_text <- function(window, id, pattern, timeout = 60) {
  soon_true(function() isTRUE(grepl(pattern, text_of(window, id))), timeout)
  expect_match(text_of(window, id), pattern)
}

set_input <- function(window, name, value) {
  javascript(window, sprintf("Shiny.setInputValue('%s', %s)", name, value))
}

click <- function(window, id) {
  javascript(window, sprintf("document.getElementById('%s').click()", id))
}

test_that("one user's slow fit leaves the app quick for another", {
  browser <- local_browser()
  address <- local_app("shiny-flchain")
  one <- open_window(browser, address)
  set_input(one, "refits", 100000)
  click(one, "fit")
  expect_text(one, "progress", "^[1-9][0-9]* of 100000 refits")

  # Somebody else comes, and gets answers.
  two <- open_window(browser, address)
  expect_text(two, "load", "all users: 1")
  for (age in c(60, 80, 90)) {
    set_input(two, "age", age)
    expect_text(two, "chance", paste("woman of", age))
  }
  expect_text(two, "progress", "Nothing fitted yet")
  # So does the one who waits, and the fit goes on.
  set_input(one, "age", 55)
  expect_text(one, "chance", "woman of 55")
  before <- text_of(one, "progress")
  soon_true(function() text_of(one, "progress") != before, 60)
  expect_match(text_of(one, "progress"), "^[1-9][0-9]* of 100000 refits")
  expect_false(text_of(one, "progress") == before)

  # Both compute; the second is done first.
  set_input(two, "refits", 20)
  click(two, "fit")
  expect_text(two, "progress", "Done: 20 refits")
  expect_text(one, "progress", "of 100000 refits")
  drawn <- function() javascript(
    two, "document.querySelector('#ratios img') !== null"
  )
  expect_true(soon_true(drawn, 60))

  # Who closes the window stops the fit.
  expect_text(two, "load", "all users: 1")
  one$close()
  expect_text(two, "load", "all users: 0")

  # So does the button, and after it another fit may start.
  set_input(two, "refits", 100000)
  click(two, "fit")
  expect_text(two, "progress", "of 100000 refits")
  click(two, "stop")
  expect_text(two, "progress", "^Stopped after")
  expect_text(two, "load", "all users: 0")
  set_input(two, "refits", 10)
  click(two, "fit")
  expect_text(two, "progress", "Done: 10 refits")

  picture <- Sys.getenv("ELSEWHERE_SCREENSHOT")
  if (nzchar(picture)) {
    two$Page$bringToFront()
    two$screenshot(picture, selector = "body", show = FALSE)
  }
})
