# What the pages of the clone, and the manual, promise about themselves. The
# pages are in the clone alone.

clone <- function(...) test_path("..", "..", ...)

skip_outside_a_clone <- function() {
  skip_if_not(file.exists(clone("docs", "ARCHITECTURE.md")), "not in a clone")
}

pages <- function() {
  c(
    clone(c("README.md", "CONTRIBUTING.md")),
    list.files(clone("docs"), "\\.md$", recursive = TRUE, full.names = TRUE)
  )
}

matches <- function(pattern, lines) {
  unlist(regmatches(lines, gregexpr(pattern, lines, perl = TRUE)))
}

# `src/engine/loop/loop.h` and the short forms that leave out src/.
named_paths <- function(page) {
  lines <- readLines(page, encoding = "UTF-8")
  root <- "(src|R|tests|tools|bench|docs|inst|man|engine|bridge)"
  paths <- matches(paste0("(?<=`)", root, "/[A-Za-z0-9_./-]*(?=`)"), lines)
  sub("^(engine|bridge)/", "src/\\1/", paths)
}

linked_files <- function(page) {
  lines <- readLines(page, encoding = "UTF-8")
  links <- matches("(?<=\\]\\()[^)#]+", lines)
  file.path(dirname(page), grep("^[a-z]+:", links, value = TRUE, invert = TRUE))
}

test_that("every path that a page names exists", {
  skip_outside_a_clone()
  for (page in pages()) {
    paths <- named_paths(page)
    # docs/decisions/0011 stands for the page with that number.
    is_there <- vapply(paths, function(path) {
      file.exists(clone(path)) ||
        length(Sys.glob(clone(paste0(path, "-*")))) > 0L
    }, NA)
    expect_identical(unname(paths[!is_there]), character(), info = page)
  }
})

test_that("every link between pages leads to a file", {
  skip_outside_a_clone()
  for (page in pages()) {
    files <- linked_files(page)
    expect_identical(files[!file.exists(files)], character(), info = page)
  }
})

test_that("no file names a folder of the machine it was written on", {
  skip_outside_a_clone()
  skip_if(Sys.which("git") == "", "git is not here")
  found <- suppressWarnings(system2(
    "git", c(
      "-C", shQuote(normalizePath(clone())), "grep", "-nIE",
      shQuote("(^|[^[:alnum:]_.*-])/(work|root|home|Users)/[a-z]")
    ),
    stdout = TRUE, stderr = FALSE
  ))
  expect_identical(c(found), character())
})

# --- the manual ---------------------------------------------------------------

manual <- function() {
  names <- setdiff(
    list.files(clone("man"), "\\.Rd$"),
    c("elsewhere-package.Rd", "reexports.Rd")
  )
  pages <- lapply(clone("man", names), tools::parse_Rd)
  stats::setNames(pages, names)
}

tags_of <- function(page) {
  vapply(page, function(part) attr(part, "Rd_tag"), "")
}

aliases_of <- function(page) {
  trimws(vapply(
    page[tags_of(page) == "\\alias"],
    function(part) paste(unlist(part), collapse = ""), ""
  ))
}

has_errors_section <- function(page) {
  sections <- page[tags_of(page) == "\\section"]
  title <- function(part) trimws(unlist(part[[1L]]))[[1L]]
  "Errors" %in% vapply(sections, title, "")
}

test_that("every page of the manual says what comes back, and has an example", {
  skip_outside_a_clone()
  pages <- manual()
  has <- function(tag) {
    vapply(pages, function(page) any(tag %in% tags_of(page)), NA)
  }
  # An R6 class has methods with values of their own.
  without <- setdiff(names(pages)[!has("\\value")], "r_session.Rd")
  expect_identical(without, character())
  expect_identical(names(pages)[!has("\\examples")], character())
})

test_that("every export that raises a condition documents its classes", {
  skip_outside_a_clone()
  raises <- function(name) {
    value <- getExportedValue("elsewhere", name)
    if (!is.function(value) || is.primitive(value)) return(FALSE)
    own <- identical(environment(value), asNamespace("elsewhere"))
    own && any(grepl("^(abort|check)_?", all.names(body(value))))
  }
  pages <- manual()
  documented <- unlist(lapply(Filter(has_errors_section, pages), aliases_of))
  raising <- Filter(raises, getNamespaceExports("elsewhere"))
  expect_identical(sort(setdiff(raising, documented)), character())
})
