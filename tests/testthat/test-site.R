# The site's index (_pkgdown.yml) names each reference page once.

index_entries <- function(file) {
  lines <- grep("^  - ", readLines(file), value = TRUE)
  gsub("^  - \"?|\"?$", "", lines)
}

# For each page that is not internal, the names it can be asked for by.
reference_aliases <- function(folder) {
  files <- list.files(folder, "\\.Rd$", full.names = TRUE)
  pages <- lapply(files, readLines)
  names(pages) <- sub("\\.Rd$", "", basename(files))
  is_internal <- vapply(pages, function(lines) {
    "\\keyword{internal}" %in% lines
  }, NA)
  lapply(pages[!is_internal], function(lines) {
    aliases <- grep("^\\\\alias\\{", lines, value = TRUE)
    gsub("^\\\\alias\\{|\\}$", "", aliases)
  })
}

test_that("the site's index has every reference page, once", {
  entries <- index_entries(document_file("_pkgdown.yml"))
  pages <- reference_aliases(document_file("man"))
  expect_identical(entries[duplicated(entries)], character())
  # A name here is a page to be added to _pkgdown.yml, or to be taken from it.
  has_entry <- vapply(pages, function(aliases) any(aliases %in% entries), NA)
  expect_identical(names(pages)[!has_entry], character())
  expect_identical(setdiff(entries, unlist(pages)), character())
})

test_that("every export has a reference page", {
  pages <- list.files(document_file("man"), "\\.Rd$", full.names = TRUE)
  aliases <- unlist(lapply(pages, function(page) {
    lines <- grep("^\\\\alias\\{", readLines(page), value = TRUE)
    gsub("\\\\%", "%", gsub("^\\\\alias\\{|\\}$", "", lines))
  }))
  expect_identical(
    setdiff(getNamespaceExports("elsewhere"), aliases), character()
  )
})
