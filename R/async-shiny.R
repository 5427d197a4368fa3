# Tasks that are made while the code of a Shiny session runs belong to that
# session: they are cancelled when its user leaves. Nothing of this is there
# before Shiny is loaded.

# The session whose code runs, or NULL.
shiny_session <- function() {
  if (neighbours$has_shiny) shiny::getDefaultReactiveDomain()
}

neighbours <- new.env(parent = emptyenv())
neighbours$has_shiny <- FALSE

watch_shiny <- function() {
  neighbours$has_shiny <- TRUE
  .Call(ew_async_watch_sessions, shiny_session)
}

# Per session, by its token, the tasks that run.
session_tasks <- new.env(parent = emptyenv())

# Called by the evaluator for a new task; its answer is kept with the task.
shiny_join <- function(session, coroutine) {
  # Anything may be the reactive domain: only what can end has tasks.
  if (!is.function(session$onSessionEnded)) return(NULL)
  token <- session$token
  if (is.null(token) || isTRUE(session$isClosed())) return(NULL)
  tasks <- session_tasks[[token]]
  if (is.null(tasks)) {
    tasks <- session_tasks[[token]] <- new.env(parent = emptyenv())
    tasks$.last <- 0
    session$onSessionEnded(function() shiny_ended(token))
  }
  tasks$.last <- tasks$.last + 1
  key <- format(tasks$.last, digits = 15)
  tasks[[key]] <- coroutine
  list(token = token, key = key)
}

shiny_leave <- function(entry) {
  tasks <- session_tasks[[entry$token]]
  if (!is.null(tasks)) rm(list = entry$key, envir = tasks)
}

# FALSE if one that waits for the task is not of its session.
shiny_note_waiter <- function(entry, session) {
  identical(session$token, entry$token)
}

shiny_ended <- function(token) {
  tasks <- session_tasks[[token]]
  if (is.null(tasks)) return()
  coroutines <- mget(ls(tasks), envir = tasks)
  for (coroutine in coroutines) {
    cancel_coroutine(coroutine, shiny_ended_condition(), interrupt = TRUE)
  }
  rm(list = token, envir = session_tasks)
}

# Shiny is not to report it: nobody is there any more to read that.
shiny_ended_condition <- function() {
  condition <- cancelled_condition("its Shiny session has ended")
  class(condition) <- append(class(condition), "shiny.silent.error", 1L)
  condition
}
