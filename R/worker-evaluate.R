# Runs one task's expression and says what came of it. The same functions run in
# this process under plan(sequential) and, shipped in the Setup packet, in the
# workers, where no package of ours is loaded: they use base R and each other
# only. `emit(condition)` sends a condition to the owner at once; in this
# process it has nothing to do, because the condition is on its way already.

# The functions that a worker needs to run tasks.
evaluator_functions <- function() {
  worker_functions(
    prepare = evaluate_prepare,
    evaluate = evaluate,
    evaluate_expression = evaluate_expression,
    refuses_result = refuses_result,
    evaluate_caught = evaluate_caught,
    without_call = without_call, end_signal = end_signal,
    muffle = muffle,
    attach_packages = attach_packages,
    evaluation_environment = evaluation_environment,
    own_environment = own_environment,
    map_elements = map_elements,
    map_progress = map_progress,
    future_calls = future_calls,
    capture_start = capture_start,
    capture_stop = capture_stop,
    process_state = process_state,
    process_restore = process_restore,
    message_sink = message_sink,
    restore_options = restore_options,
    restore_search = restore_search,
    restore_locale = restore_locale,
    run_setup_steps = run_setup_steps,
    evaluate_step = evaluate_step,
    connections_misuse = connections_misuse,
    devices_misuse = devices_misuse,
    restore_variables = restore_variables,
    restore_seed = restore_seed, has_drawn = has_drawn,
    restore_changed = restore_changed,
    variables_from = variables_from,
    is_worker = function() TRUE
  )
}

# Where the evaluator runs decides what it may clean.
is_worker <- function() FALSE
emit <- function(condition) NULL
capture_begin <- function(live = FALSE) .Call(ew_capture_begin)
capture_end <- function() .Call(ew_capture_end)

# `payload` is a list: expr, and where they differ from the default: globals
# (named list), packages, seed (seven integers), check_rng, stdout, conditions,
# immediate, live (output is sent as it comes), options, keep (the workspace
# stays), in_workspace (the expression assigns there), check_workspace,
# allow_references (a value may hold external pointers, which arrive dead). Or
# step, alone: see evaluate_step().
evaluate <- function(payload) {
  if (!is.null(payload$step)) return(evaluate_step(payload$step))
  started <- .Call(ew_now)
  failure <- attach_packages(payload$packages, payload$namespaces)
  if (!is.null(failure)) {
    return(list(package = failure, started = started))
  }
  before <- process_state(payload)
  on.exit(process_restore(before, payload))
  result <- evaluate_expression(payload)
  on.exit()
  result$misuse <- process_restore(before, payload)
  # It closes connections that nobody holds, which is not the expression's
  # doing.
  if (isTRUE(payload$gc)) gc()
  # Read by the worker when it sends the result; see R/worker-main.R.
  if (is_worker()) {
    home <- parent.env(environment())
    home$refuses_references <- refuses_result(result, payload)
    home$leaves_nothing <- !identical(payload$conditions, FALSE)
  }
  result$times <- c(started, .Call(ew_now))
  result
}

# A value that arrives dead is refused. What a condition holds is not looked at:
# an error should arrive, whatever it drags along.
refuses_result <- function(result, payload) {
  if (isTRUE(payload$allow_references) || isTRUE(result$failed)) return(FALSE)
  if (is.null(result$conditions)) return(TRUE)
  .Call(ew_can_travel, result$conditions) ||
    !.Call(ew_can_travel, result$value)
}

# The environment and the capture around the expression.
evaluate_expression <- function(payload) {
  stdout <- payload$stdout
  environment <- evaluation_environment(payload)
  expression <- payload$expr
  if (!is.null(payload$map)) {
    # One chunk of a map: its data lie beside the expression, so that no call
    # holds them.
    environment$.map_data <- payload$map
    environment$.map_elements <- map_elements
    expression <- quote(.map_elements(.map_data))
  }
  if (length(payload$options)) base::options(payload$options)
  if (!is.null(payload$seed)) {
    assign(".Random.seed", payload$seed, envir = globalenv())
  }
  capture <- capture_start(
    is.null(stdout) || stdout, isTRUE(payload$split), isTRUE(payload$live)
  )
  on.exit(capture_stop(capture))
  outcome <- evaluate_caught(expression, environment, payload)
  on.exit()
  text <- capture_stop(capture)
  result <- list(value = outcome$value, visible = outcome$visible)
  if (length(text) && nzchar(text)) result$stdout <- text
  if (length(outcome$conditions)) result$conditions <- outcome$conditions
  if (!is.null(outcome$error)) result$failed <- TRUE
  if (!is.null(outcome$interrupted)) result$interrupted <- TRUE
  result
}

# Attaches in order; the answer is NULL, or why the first that failed did. A
# namespace is loaded if it can be: what needs it will say so.
attach_packages <- function(packages, namespaces = NULL) {
  for (namespace in namespaces) {
    if (!isNamespaceLoaded(namespace)) {
      requireNamespace(namespace, quietly = TRUE)
    }
  }
  for (package in packages) {
    if (paste0("package:", package) %in% search()) next
    failure <- tryCatch(
      {
        suppressWarnings(suppressPackageStartupMessages(
          library(package, character.only = TRUE)
        ))
        NULL
      },
      error = function(e) conditionMessage(e)
    )
    if (!is.null(failure)) return(list(name = package, message = failure))
  }
  NULL
}

# A function of the workspace finds its globals among those that were taken, as
# in a worker, where they are the workspace. One that is being debugged stays.
in_place_of_workspace <- function(value, place) {
  is_one <- typeof(value) == "closure" &&
    identical(environment(value), globalenv()) && !isdebugged(value)
  if (is_one) .Call(ew_worker_closure_in, value, place) else value
}

# Globals lie in the worker's workspace, where functions of the workspace look
# for them; in the user's own process they lie in an environment before it. The
# expression has an environment of its own, so what it assigns stays inside.
# `shadowed` are values that functions of the workspace know by a name that
# means something else to the expression.
evaluation_environment <- function(payload) {
  globals <- payload$globals
  outer <- globalenv()
  if (!length(globals)) return(own_environment(outer, payload))
  dots <- globals[["..."]]
  globals[["..."]] <- NULL
  # Only an argument can be asked whether it is missing().
  names <- if (any(all.names(payload$expr) == "missing")) {
    intersect(names(globals), all.vars(payload$expr))
  }
  arguments <- globals[names]
  is_given <- !vapply(arguments, identical, NA, quote(expr = ))
  globals[names] <- NULL
  if (!is_worker()) {
    outer <- new.env(parent = outer)
    list2env(lapply(globals, in_place_of_workspace, outer), envir = outer)
  } else {
    shadowed <- payload$shadowed
    if (length(shadowed)) {
      list2env(shadowed, envir = outer)
      outer <- list2env(
        globals[names(shadowed)], envir = new.env(parent = outer)
      )
      globals <- globals[setdiff(names(globals), names(shadowed))]
    }
    list2env(globals, envir = globalenv())
    if (any(startsWith(names(globals), ".__"))) {
      methods::cacheMetaData(globalenv(), TRUE)
    }
  }
  if (is.null(dots) && !length(arguments)) {
    return(own_environment(outer, payload))
  }
  # A frame is the only place for `...` and for arguments that are missing.
  formals <- rep(alist(a = ), length(arguments))
  names(formals) <- names(arguments)
  frame <- as.function(c(
    if (!is.null(dots)) alist(... = ), formals, quote(environment())
  ), envir = baseenv())
  here <- do.call(
    frame, c(as.list(unclass(dots)), arguments[is_given]), quote = TRUE
  )
  parent.env(here) <- outer
  here
}

# With `persistent = TRUE` what an expression assigns stays, as in a session.
own_environment <- function(outer, payload) {
  if (isTRUE(payload$in_workspace)) return(outer)
  new.env(parent = outer)
}

# What a worker does once, before its first task. `setup` is the owner's first
# packet.
evaluate_prepare <- function(setup) {
  home <- environment(sys.function())
  library <- getLoadedDLLs()[["elsewhere"]]
  for (entry in c(
    "ew_environment_variables", "ew_process_state", "ew_process_changes",
    "ew_state_list", "ew_clear_workspace", "ew_now", "ew_can_travel"
  )) {
    assign(entry, getNativeSymbolInfo(entry, library), envir = home)
  }
  # sink.number() without its match.arg(), which costs as much as all the rest
  # that is looked at after a task.
  ask <- body(sink.number)[[3L]]
  if (is.call(ask) && identical(ask[[1L]], quote(.Internal))) {
    home$message_sink <- as.function(list(type = "message", ask), baseenv())
  }
  home$suspends_interrupts <- TRUE
  home$refuses_references <- TRUE
  home$leaves_nothing <- FALSE
  home$nested <- setup$nested
  if (length(setup$library_paths)) .libPaths(setup$library_paths)
  if (length(setup$options)) options(setup$options)
  if (length(setup$working_directory)) setwd(setup$working_directory)
  run_setup_steps(setup$steps)
  NULL
}

# What the user wants done in each worker before its first task. What it assigns
# lies in an attached environment, where it survives the tasks, which clear the
# workspace, and where their code finds it.
run_setup_steps <- function(steps) {
  if (!length(steps)) return()
  place <- if ("elsewhere:setup" %in% search()) {
    as.environment("elsewhere:setup")
  } else {
    attach(NULL, pos = 2L, name = "elsewhere:setup")
  }
  for (step in steps) {
    failure <- attach_packages(step$packages, step$namespaces)
    if (!is.null(failure)) stop(failure$message)
    list2env(as.list(step$globals), envir = place)
    eval(step$expr, place)
  }
  # The tasks are not what has drawn random numbers.
  rm(list = intersect(".Random.seed", names(globalenv())), envir = globalenv())
}

# A step for a worker that has begun to evaluate tasks: nothing is put back
# afterwards. The answer is NULL, or list(message, printed) if it failed.
evaluate_step <- function(step) {
  printed <- character()
  note <- function(condition) {
    printed <<- c(printed, conditionMessage(condition))
    muffle(condition)
  }
  capture <- capture_start(TRUE, FALSE, FALSE)
  on.exit(capture_stop(capture))
  failed <- tryCatch(
    withCallingHandlers(
      {
        allowInterrupts(run_setup_steps(list(step)))
        NULL
      },
      message = note, warning = note
    ),
    error = conditionMessage,
    interrupt = function(condition) "it was interrupted"
  )
  on.exit()
  printed <- c(capture_stop(capture), printed)
  home <- parent.env(environment())
  home$leaves_nothing <- TRUE
  if (is.null(failed)) return(list())
  list(message = failed, printed = paste(printed, collapse = "\n"))
}
