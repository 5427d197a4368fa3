# Values that are too large to send, and which part of them is.

# The largest of a named list, in words.
largest_globals <- function(globals, count = 3L) {
  size <- vapply(globals, object_bytes, 0)
  largest <- utils::head(order(size, decreasing = TRUE), count)
  words <- vapply(largest, function(i) {
    name <- names(globals)[[i]]
    part <- largest_part(globals[[i]], name, size[[i]])
    sprintf(
      "`%s` (%s of class %s%s)", name, format_bytes(size[[i]]),
      class(globals[[i]])[[1L]],
      if (identical(part$path, name)) "" else sprintf(
        "; %s of it in `%s`", format_bytes(part$size), part$path
      )
    )
  }, "")
  intro <- if (length(largest) == 1L) "It is" else "The largest are"
  paste0(intro, " ", paste(words, collapse = ", "), ".")
}

# Goes down from `value` as long as one part makes up most of it. An environment
# is entered only once, because functions in it lead back to it.
largest_part <- function(value, path, size = object_bytes(value)) {
  entered <- list()
  repeat {
    env <- environment_of(value)
    if (!is.null(env)) entered <- c(entered, env)
    parts <- size_parts_of(value, path)
    is_new <- !vapply(parts$values, leads_to, NA, entered)
    values <- parts$values[is_new]
    sizes <- vapply(values, object_bytes, 0)
    at <- which.max(sizes)
    if (length(at) == 0L || sizes[[at]] < size / 2) break
    value <- values[[at]]
    path <- parts$paths[is_new][[at]]
    size <- sizes[[at]]
  }
  list(path = path, size = size)
}

environment_of <- function(value) {
  if (is.environment(value)) return(value)
  if (is.function(value)) environment(value)
}

leads_to <- function(value, environments) {
  env <- environment_of(value)
  !is.null(env) && any(vapply(environments, identical, NA, env))
}

# The values directly in `value`, and what one would type to get them.
size_parts_of <- function(value, path) {
  if (is.function(value) && !is.primitive(value)) {
    return(environment_parts(
      environment(value), sprintf("environment(%s)", path)
    ))
  }
  if (is.environment(value)) return(environment_parts(value, path))
  values <- list()
  paths <- character()
  if (is.list(value)) {
    values <- unclass(value)
    attributes(values) <- NULL
    names <- names(value)
    paths <- if (is.null(names)) {
      sprintf("%s[[%d]]", path, seq_along(values))
    } else {
      named_paths(path, names)
    }
  }
  extra <- attributes(value)
  extra <- extra[setdiff(names(extra), c("names", "class", "dim", "row.names"))]
  list(
    values = c(values, unname(extra)),
    paths = c(paths, sprintf("attr(%s, \"%s\")", path, names(extra)))
  )
}

environment_parts <- function(env, path) {
  if (!is_local_environment(env)) return(list())
  values <- .Call(ew_frame_values, env)
  paths <- named_paths(path, names(values))
  has_parent <- is_local_environment(parent.env(env))
  list(
    values = c(unname(values), if (has_parent) parent.env(env)),
    paths = c(paths, if (has_parent) sprintf("parent.env(%s)", path))
  )
}

is_local_environment <- function(env) {
  !identical(env, globalenv()) && !identical(env, emptyenv()) &&
    !isNamespace(env) && !startsWith(environmentName(env), "package:") &&
    !identical(env, baseenv())
}

named_paths <- function(path, names) {
  plain <- names == make.names(names)
  ifelse(plain, paste0(path, "$", names), sprintf("%s[[\"%s\"]]", path, names))
}
