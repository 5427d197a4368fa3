#' Apply a function to each element, using futures
#'
#' Calls `.f` for each element of `.x`, where [plan()] says, many elements in
#' one future. The results are in the order of `.x`.
#'
#' @details
#' Elements are handed out in chunks: large ones first, smaller ones towards the
#' end, so that all workers finish at about the same time. If the data that `.f`
#' needs is large, there are fewer chunks, because each chunk carries a copy.
#' With `.seed`, every element has its own stream of random numbers, so results
#' are bit-identical under every plan, number of workers and chunking.
#'
#' @param .x A vector or list. An environment is converted to a list.
#' @param .f A function of an element and of `...`; a formula, in which `.x` or
#'   `.` is the element; or a name or position to extract from each element.
#' @param ... Further arguments of `.f`.
#' @param .progress `TRUE` shows a progress bar. Default: `FALSE`.
#' @param .seed `FALSE` (default), `TRUE`, an integer or seven integers, as
#'   `seed` in [future()]; or a list with one seed for each element.
#' @param .globals,.packages,.stdout,.conditions,.label,.timeout As in
#'   [future()]; `.timeout` is in seconds, for one chunk.
#' @param .chunk_size Number of elements per future. Default: chosen as
#'   described in Details.
#' @param .retries How often a chunk is evaluated again when its worker dies.
#'   Default: 0.
#' @param .ordered `FALSE` returns the results, and relays output, in the order
#'   in which they arrive. Default: `TRUE`.
#' @param .each A function of a result and its position. It is called in this
#'   process as soon as the result arrives. Default: none.
#' @param .checkpoint The path of a folder, which is created if needed. Finished
#'   results are stored there. If the map is interrupted, the same call with the
#'   same folder continues where it stopped, with the same random numbers.
#'   Output and conditions are not stored. Delete the folder when you no longer
#'   need it. Default: none.
#' @return `future_map()`: a list as long as `.x`, with its names.
#'   `future_map_dbl()` and the other variants: a vector of that type.
#' @section Errors:
#' The first error of `.f`, unchanged; the other chunks are cancelled. Or
#' * `FutureInterruptError`: a worker died, and `.retries` was used up.
#' * `elsewhere_bad_argument`: an argument is invalid.
#' * `elsewhere_bad_checkpoint`: `.checkpoint` is the folder of another map, or
#'   cannot be written.
#' * `elsewhere_bad_result`: a result of `future_map_dbl()` or another variant
#'   is not one value of that type.
#' @examples
#' plan(sequential)
#' future_map(1:3, function(i) i^2)
#' future_map_dbl(1:3, ~ rnorm(1, .x), .seed = 42)
#' @export
future_map <- function(.x, .f, ..., .progress = FALSE, .seed = FALSE,
                       .globals = TRUE, .packages = NULL, .stdout = TRUE,
                       .conditions = "condition", .label = NULL,
                       .timeout = Inf, .chunk_size = NULL, .retries = 0L,
                       .ordered = TRUE, .each = NULL, .checkpoint = NULL) {
  check_flag(.progress, ".progress")
  check_flag(.ordered, ".ordered")
  if (!is.null(.each)) check_function(.each, ".each")
  check_chunk_size(.chunk_size)
  run_map(
    as_mappable(.x), as_mapped_function(.f), list(...),
    progress = .progress, seed = .seed, globals = .globals,
    packages = .packages, stdout = .stdout, conditions = .conditions,
    label = .label, timeout = .timeout, retries = .retries,
    chunks = function(count, backend, bytes) {
      if (is.null(.chunk_size)) {
        guided_chunks(
          count, map_workers(backend), bytes,
          .progress || !is.null(.checkpoint) || !is.null(.each)
        )
      } else {
        even_chunks(count, ceiling(count / .chunk_size))
      }
    },
    envir = parent.frame(), ordered = .ordered, each = .each,
    checkpoint = .checkpoint
  )
}

check_chunk_size <- function(size) {
  if (is.null(size)) return()
  if (!is.numeric(size) || length(size) != 1L || is.na(size) || size < 1) {
    abort_argument(".chunk_size", "one number of elements, 1 or more", size)
  }
}

#' @rdname future_map
#' @export
future_map_dbl <- function(.x, .f, ...) typed_map(.x, .f, ..., .type = 0)
#' @rdname future_map
#' @export
future_map_int <- function(.x, .f, ...) typed_map(.x, .f, ..., .type = 0L)
#' @rdname future_map
#' @export
future_map_chr <- function(.x, .f, ...) typed_map(.x, .f, ..., .type = "")
#' @rdname future_map
#' @export
future_map_lgl <- function(.x, .f, ...) typed_map(.x, .f, ..., .type = NA)

typed_map <- function(.x, .f, ..., .type) {
  values <- future_map(.x, .f, ...)
  fits <- vapply(values, function(value) {
    length(value) == 1L && (typeof(value) == typeof(.type) ||
      is.double(.type) && is.integer(value) || identical(value, NA))
  }, NA)
  if (!all(fits)) {
    wrong <- which(!fits)[[1L]]
    abort(
      sprintf(
        "Result %d must be one value of type %s, not %s.", wrong,
        typeof(.type), describe_value(values[[wrong]])
      ),
      "elsewhere_bad_result", index = wrong
    )
  }
  vapply(values, function(value) `storage.mode<-`(value, typeof(.type)), .type)
}

as_mappable <- function(x) {
  if (is.environment(x)) return(as.list(x, sorted = TRUE))
  if (is.vector(x) || is.list(x) || is.factor(x)) return(x)
  if (is.null(x)) return(list())
  if (is.language(x) && !is.expression(x) || is.function(x)) {
    abort_argument(".x", "a vector or list", x)
  }
  # Vectors with a class, such as dates, keep it element by element.
  if (is.atomic(x)) x else as.list(x)
}

as_mapped_function <- function(f) {
  if (is.function(f)) return(f)
  if (inherits(f, "formula") && length(f) == 2L) {
    # Only `...` and the names that stand for the first argument.
    first <- as.name("..1")
    return(as.function(
      c(alist(... = ), list(.x = first, . = first), f[[2L]]),
      envir = attr(f, ".Environment")
    ))
  }
  if ((is.character(f) || is.numeric(f)) && length(f) == 1L && !is.na(f)) {
    return(eval(bquote(function(x, ...) x[[.(f)]]), baseenv()))
  }
  abort_argument(
    ".f", "a function, a one-sided formula, a name or a position", f
  )
}

# How many chunks can be worked on at once.
map_workers <- function(backend) {
  as.integer(backend$workers)
}

# Runs the map: one future a chunk, started a little ahead of the workers.
run_map <- function(x, f, args, progress, seed, globals, packages, stdout,
                    conditions, label, timeout, retries, chunks, envir,
                    ordered = TRUE, each = NULL, checkpoint = NULL) {
  count <- length(x)
  result <- vector("list", count)
  names(result) <- names(x)
  seeds <- element_seeds(count, seed)
  if (count == 0L) return(result)
  saved <- map_checkpoint(checkpoint, x, f, args, seed, seeds)
  seeds <- saved$seeds
  result[saved$done] <- saved$values
  todo <- setdiff(seq_len(count), saved$done)
  order <- saved$done
  if (!is.null(each)) for (i in saved$done) each(result[[i]], i)
  if (!length(todo)) return(if (ordered) result else result[order])
  backend <- current_backend()
  needs <- map_needs(f, args, globals, packages, envir)
  check_future_arguments(FALSE, stdout, conditions, label, timeout, retries)
  # One worker takes all that each chunk carries in any case.
  bytes <- if (map_workers(backend) > 1L) {
    object_bytes(list(needs$globals, f, args))
  } else {
    0
  }
  pieces <- lapply(
    chunks(length(todo), backend, bytes), function(piece) todo[piece]
  )
  bar <- map_bar(progress, count)
  bar$settle(length(saved$done))
  futures <- lapply(pieces, function(piece) {
    future <- make_future(
      backend, NULL, needs, TRUE, if (!is.null(seeds)) seeds[[piece[[1L]]]],
      identical(seed, FALSE), stdout = stdout, conditions = conditions,
      label = label, timeout = timeout, retries = retries
    )
    future$map <- list(
      x = x[piece], f = f, args = args, seeds = seeds[piece],
      progress = progress
    )
    future$elements <- piece
    future$on_progress <- bar$advance
    future
  })
  on.exit({
    cancel(futures)
    bar$close()
  })
  values <- collect_all(
    futures, ahead = 2L * map_workers(backend),
    inorder = ordered,
    on_settled = function(i) {
      piece <- pieces[[i]]
      bar$settle(length(piece))
      outcome <- .subset2(futures[[i]], "outcome")
      if (!is.null(outcome_error(outcome))) return()
      order <<- c(order, piece)
      saved$keep(piece, outcome$value)
      if (is.null(each)) return()
      for (k in seq_along(piece)) each(outcome$value[[k]], piece[[k]])
    }
  )
  result[unlist(pieces)] <- unlist(values, recursive = FALSE)
  if (ordered) result else result[order]
}

# What f and its arguments need, apart from themselves.
map_needs <- function(f, args, globals, packages, envir) {
  here <- list2env(list(.f = f, .args = args), envir = NULL, parent = envir)
  needs <- future_globals(quote(.f(.args)), here, globals, packages)
  needs$globals[c(".f", ".args")] <- NULL
  needs
}
