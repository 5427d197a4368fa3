# Objects that mean nothing in another process: external pointers that are
# alive, connections, and whatever holds one.

# NULL if `x` can travel. Otherwise list(path, class): where in `x` the first
# such object is, written as R code on `name`, and its class.
find_reference <- function(x, name = "x") {
  if (can_travel(x)) return(NULL)
  visited <- list()
  repeat {
    if (is.environment(x)) visited <- c(visited, list(x))
    step <- find_untravelled(x, name, visited)
    if (is.null(step)) return(list(path = name, class = class(x)[[1L]]))
    # A connection is the thing to name, not the pointer it carries.
    if (inherits(x, "connection")) {
      return(list(path = name, class = class(x)[[1L]]))
    }
    x <- step$value
    name <- step$path
  }
}

can_travel <- function(x) {
  tryCatch({
    .Call(ew_to_bytes, x, TRUE)
    TRUE
  }, elsewhere_cannot_travel = function(e) FALSE)
}

# The first part of `x` that cannot travel; NULL if it is `x` itself.
find_untravelled <- function(x, name, visited) {
  for (part in parts_of(x, name)) {
    is_new <- !is.environment(part$value) ||
      !any(vapply(visited, identical, NA, part$value))
    if (is_new && !can_travel(part$value)) return(part)
  }
  NULL
}

parts_of <- function(x, name) {
  part <- function(value, path) list(value = value, path = path)
  elements <- if (is.environment(x)) {
    lapply(ls(x, all.names = TRUE, sorted = FALSE), function(variable) {
      value <- tryCatch(get(variable, x), error = function(e) NULL)
      part(value, paste0(name, "$", variable))
    })
  } else if (is.function(x) && !is.primitive(x)) {
    list(
      part(environment(x), paste0("environment(", name, ")")),
      part(body(x), paste0("body(", name, ")"))
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
  extra <- extra[setdiff(names(extra), "names")]
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
