# R/ has no folders, so a file belongs to a topic by the first word of its name,
# and this is the list of topics, in layers: a topic calls those of the layers
# before its own and no other. Reads which functions the functions of each file
# name, and fails on a call that goes up or beside, on a file without a topic, and
# on a name that two files define: the last of them would have it.
#
#   Rscript tools/check-topics.R R

layers <- list(
  "words", "worker", c("pool", "globals", "async", "session"), "backend",
  "plan", "future", c("map", "front"), "package"
)
layer_of <- stats::setNames(
  rep(seq_along(layers), lengths(layers)), unlist(layers)
)

topic_of <- function(file) {
  topic <- sub("[-.].*", "", basename(file))
  if (topic %in% names(layer_of)) topic else NA_character_
}

# What a file defines at its top level, and the functions it names.
contents_of <- function(file) {
  code <- as.list(parse(file, keep.source = FALSE))
  is_definition <- vapply(code, function(one) {
    is.call(one) && identical(one[[1L]], as.name("<-")) && is.name(one[[2L]])
  }, NA)
  names <- lapply(code, function(one) {
    closure <- eval(call("function", NULL, one))
    unlist(codetools::findGlobals(closure, merge = FALSE))
  })
  list(
    defines = vapply(code[is_definition], function(one) {
      as.character(one[[2L]])
    }, ""),
    names = unique(unlist(names))
  )
}

# One row for each topic that a file has something from, but its own.
arrows_of <- function(folder) {
  files <- list.files(folder, "[.]R$", full.names = TRUE)
  contents <- lapply(files, contents_of)
  from <- vapply(files, topic_of, "", USE.NAMES = FALSE)
  counts <- vapply(contents, function(one) length(one$defines), 1L)
  home <- stats::setNames(
    rep(from, counts), unlist(lapply(contents, `[[`, "defines"))
  )
  rows <- Map(function(file, topic, one) {
    found <- home[intersect(one$names, names(home))]
    found <- found[!found %in% topic]
    if (length(found) == 0L) return(NULL)
    data.frame(
      file = basename(file), from = topic, to = unname(found),
      name = names(found)
    )
  }, files, from, contents)
  defined <- unlist(lapply(contents, function(one) unique(one$defines)))
  list(
    files = files, from = from, rows = do.call(rbind, rows),
    twice = unique(defined[duplicated(defined)])
  )
}

check_topics <- function(folder) {
  found <- arrows_of(folder)
  if (length(found$files) == 0L) {
    return(sprintf("there is no R code in %s", folder))
  }
  lost <- basename(found$files[is.na(found$from)])
  rows <- found$rows
  is_wrong <- !is.na(rows$from) & !is.na(rows$to) &
    layer_of[rows$to] >= layer_of[rows$from]
  wrong <- rows[is_wrong, ]
  c(
    sprintf("%s: it has no topic; tools/check-topics.R lists them", lost),
    sprintf(
      "%s: %s may not call %s (`%s`)",
      wrong$file, wrong$from, wrong$to, wrong$name
    ),
    sprintf("`%s` is defined in more than one file", found$twice)
  )
}

if (sys.nframe() == 0L) {
  source("tools/run-check.R")
  run_check(check_topics, "check-topics.R R", "every call is allowed")
}
