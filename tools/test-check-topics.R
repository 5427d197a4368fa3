# The check of R's topics finds each kind of wrong call that is planted in a
# copy of R/, and nothing in R/ itself.
source("tools/check-topics.R")

# A copy of R/ with `lines` at the end of one of its files.
plant <- function(file, lines) {
  folder <- tempfile("topics")
  dir.create(folder)
  file.copy(list.files("R", full.names = TRUE), folder)
  cat(lines, file = file.path(folder, file), sep = "\n", append = TRUE)
  folder
}

stopifnot(length(check_topics("R")) == 0L)

# A file, what is planted there, and what the complaint must say.
wrong <- list(
  list("words-conditions.R", "f <- function(x) session_call(x)", "words may not"),
  list("session.R", "f <- function(x) lapply(x, new_future)", "call future "),
  list("session.R", "f <- function() list(a = new_future)", "call future "),
  list("session-call.R", "then <- promise_resolve_native", "call async"),
  list("worker-main.R", "check_flag <- function() 1", "`check_flag` is defined"),
  list("cellar.R", "wine <- function() 1", "cellar.R: it has no topic")
)
for (case in wrong) {
  found <- check_topics(plant(case[[1L]], case[[2L]]))
  if (length(found) != 1L || !grepl(case[[3L]], found)) {
    stop(sprintf("`%s` in %s: %s", case[[2L]], case[[1L]], toString(found)))
  }
}

# A name of one's own is no call of the function that has it elsewhere.
own <- plant("words-conditions.R", "f <- function(new_future) new_future(1)")
stopifnot(length(check_topics(own)) == 0L)

stopifnot(length(check_topics(tempfile("nothing"))) == 1L)
cat("every planted call was found\n")
