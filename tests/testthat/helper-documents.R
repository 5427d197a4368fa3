# The code of a document: README.md and the vignettes.

# A file at the root of a clone; it is not in the installed package.
document_file <- function(...) {
  file <- test_path("..", "..", ...)
  skip_if_not(file.exists(file), paste(basename(file), "is not here"))
  file
}

# The R blocks of a document, in order: `lines`, and `options`, as written
# behind the `r` of ```{r}.
document_blocks <- function(file) {
  lines <- readLines(file)
  is_fence <- grepl("^```", lines)
  number <- cumsum(is_fence)
  inside <- number %% 2L == 1L & !is_fence
  head <- lines[is_fence]
  blocks <- lapply(unique(number[inside]), function(block) {
    list(head = head[[block]], lines = lines[inside & number == block])
  })
  is_r <- vapply(blocks, function(block) {
    grepl("^```(r$|\\{r[ ,}])", block$head)
  }, NA)
  lapply(blocks[is_r], function(block) {
    block$options <- sub("^```(r|\\{r[ ,]*(.*)\\})$", "\\2", block$head)
    block
  })
}

# The code of a block as a script would have it: its lines, under knitr's
# condition `eval` if there is one.
block_script <- function(block) {
  # knitr's own settings, which a machine without it does without.
  block$lines <- grep("^knitr::", block$lines, invert = TRUE, value = TRUE)
  options <- eval(parse(text = sprintf("alist(%s)", block$options)))
  if (isTRUE(options$error)) {
    # knitr goes on behind an error.
    parts <- attr(parse(text = block$lines, keep.source = TRUE), "srcref")
    parts <- vapply(parts, function(part) paste(part, collapse = "\n"), "")
    block$lines <- sprintf("try({\n%s\n})", parts)
  }
  if (is.null(options$eval)) return(block$lines)
  condition <- paste(deparse(options$eval), collapse = " ")
  c(sprintf("if (%s) {", condition), block$lines, "}")
}
