# Objects that mean nothing in another process: external pointers that are
# alive, connections, and whatever holds one.

# NULL if `x` can travel. Otherwise list(path, class): where in `x` the first
# such object is, written as R code on `name`, and its class. The elements of a
# list without a name are variables. `closures` says
# what counts of the environment of a function, which holds whatever was around
# when it was made: the "whole", what the function "used" (names), or "none" of
# it. That of a formula counts only with the whole. `globals` are the variables
# that will be found in the workspace.
find_reference <- function(x, name = "x", closures = "whole", globals = NULL) {
  visited <- new.env(parent = emptyenv())
  visited$environments <- list()
  visited$globals <- globals
  search_reference(x, name, closures, visited)
}

search_reference <- function(x, name, closures, visited) {
  if (can_travel(x)) return(NULL)
  # A connection is the thing to name, not the pointer it carries.
  if (inherits(x, "connection") || is_reference(x)) {
    return(list(path = name, class = class(x)[[1L]]))
  }
  if (is.environment(x)) {
    if (any(vapply(visited$environments, identical, NA, x))) return(NULL)
    visited$environments <- c(visited$environments, list(x))
  }
  if (is.function(x)) {
    if (any(vapply(visited$functions, identical, NA, x))) return(NULL)
    visited$functions <- c(visited$functions, list(x))
  }
  for (part in parts_of(x, name, closures, visited$globals)) {
    found <- search_reference(part$value, part$path, closures, visited)
    if (!is.null(found)) return(found)
  }
  NULL
}

is_reference <- function(x) typeof(x) %in% c("externalptr", "weakref")

can_travel <- function(x) .Call(ew_can_travel, x)

# The index of a fastmap is built anew where it arrives.
variables_of <- function(env) {
  names <- ls(env, all.names = TRUE, sorted = FALSE)
  is_fastmap <- identical(environmentName(parent.env(env)), "fastmap")
  if (is_fastmap) setdiff(names, "key_idx_map") else names
}

new_part <- function(value, path) list(value = value, path = path)

parts_of <- function(x, name, closures, globals = NULL) {
  part <- new_part
  elements <- if (is.environment(x)) {
    lapply(variables_of(x), function(variable) {
      value <- tryCatch(get(variable, x), error = function(e) NULL)
      part(value, paste0(name, "$", variable))
    })
  } else if (is.function(x) && !is.primitive(x)) {
    c(
      switch(closures,
        whole = list(part(environment(x), paste0("environment(", name, ")"))),
        used = used_parts(x, name, globals)
      ),
      list(part(body(x), paste0("body(", name, ")")))
    )
  } else if (is.list(x) || is.expression(x)) {
    plain <- unclass(x)
    lapply(seq_along(plain), function(i) {
      label <- names(plain)[i]
      path <- if (is.null(label) || !nzchar(label)) {
        sprintf("%s[[%d]]", name, i)
      } else if (!nzchar(name)) {
        label
      } else {
        paste0(name, "$", label)
      }
      part(plain[[i]], path)
    })
  }
  extra <- attributes(x)
  extra <- extra[setdiff(names(extra), c(
    "names", "srcref", if (closures != "whole") ".Environment"
  ))]
  c(elements, lapply(names(extra), function(label) {
    path <- if (isS4(x)) {
      paste0(name, "@", label)
    } else {
      sprintf("attr(%s, \"%s\")", name, label)
    }
    part(extra[[label]], path)
  }))
}

# The variables that a function names and has from around it: from environments
# that travel with it, or from `globals`.
used_parts <- function(f, name, globals) {
  words <- unique(c(all.names(body(f)), unlist(lapply(formals(f), all.names))))
  words <- setdiff(words, names(formals(f)))
  env <- environment(f)
  parts <- list()
  while (travels_along(env)) {
    here <- intersect(words, variables_of(env))
    words <- setdiff(words, here)
    parts <- c(parts, lapply(here, function(word) {
      value <- tryCatch(get(word, env), error = function(e) NULL)
      new_part(value, sprintf("environment(%s)$%s", name, word))
    }))
    env <- parent.env(env)
  }
  here <- if (is.null(env) || !isNamespace(env)) {
    intersect(words, names(globals))
  }
  c(parts, lapply(here, function(word) new_part(globals[[word]], word)))
}

travels_along <- function(env) {
  !identical(env, globalenv()) && !identical(env, emptyenv()) &&
    !identical(env, baseenv()) && !isNamespace(env) &&
    !startsWith(environmentName(env), "package:")
}

abort_cannot_travel <- function(reference, home = NULL, call = NULL) {
  abort(
    paste0(
      "`", reference$path, "` (", reference$class, ") cannot travel to ",
      "another R process: what it refers to lives in this one. Create it in ",
      "the code that runs there, or send what it was made from."
    ),
    "elsewhere_cannot_travel",
    path = reference$path, reference_class = reference$class,
    home = home, call = call
  )
}
