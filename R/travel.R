# Objects that mean nothing in another process: external pointers that are
# alive, connections, and whatever holds one.

# NULL if `x` can travel. Otherwise list(path, class): where in `x` the first
# such object is, written as R code on `name`, and its class. With
# `incidental = FALSE` the environments of functions and formulas are not looked
# into: they hold whatever was around when these were made.
find_reference <- function(x, name = "x", incidental = TRUE) {
  visited <- new.env(parent = emptyenv())
  visited$environments <- list()
  search_reference(x, name, incidental, visited)
}

search_reference <- function(x, name, incidental, visited) {
  if (can_travel(x)) return(NULL)
  # A connection is the thing to name, not the pointer it carries.
  if (inherits(x, "connection") || is_reference(x)) {
    return(list(path = name, class = class(x)[[1L]]))
  }
  if (is.environment(x)) {
    if (any(vapply(visited$environments, identical, NA, x))) return(NULL)
    visited$environments <- c(visited$environments, list(x))
  }
  for (part in parts_of(x, name, incidental)) {
    found <- search_reference(part$value, part$path, incidental, visited)
    if (!is.null(found)) return(found)
  }
  NULL
}

is_reference <- function(x) typeof(x) %in% c("externalptr", "weakref")

can_travel <- function(x) .Call(ew_can_travel, x)

parts_of <- function(x, name, incidental) {
  part <- function(value, path) list(value = value, path = path)
  elements <- if (is.environment(x)) {
    lapply(ls(x, all.names = TRUE, sorted = FALSE), function(variable) {
      value <- tryCatch(get(variable, x), error = function(e) NULL)
      part(value, paste0(name, "$", variable))
    })
  } else if (is.function(x) && !is.primitive(x)) {
    c(
      if (incidental) {
        list(part(environment(x), paste0("environment(", name, ")")))
      },
      list(part(body(x), paste0("body(", name, ")")))
    )
  } else if (is.list(x) || is.expression(x)) {
    plain <- unclass(x)
    lapply(seq_along(plain), function(i) {
      label <- names(plain)[i]
      path <- if (is.null(label) || !nzchar(label)) {
        sprintf("%s[[%d]]", name, i)
      } else {
        paste0(name, "$", label)
      }
      part(plain[[i]], path)
    })
  }
  extra <- attributes(x)
  extra <- extra[setdiff(names(extra), c(
    "names", "srcref", if (!incidental) ".Environment"
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
