# How the elements of a map are cut into chunks: a list of index vectors, in
# order, that together are 1 to count.

# Each chunk is a share of what is left, so that the last ones are small and
# all workers finish together. `bytes` is what every chunk carries besides its
# elements: where that is much, there are as many chunks as workers.
guided_chunks <- function(count, workers, bytes = 0, progress = FALSE,
                          bytes_max = 2^23) {
  if (workers <= 1L) {
    return(even_chunks(count, if (progress) min(count, 50L) else 1L))
  }
  if (bytes > bytes_max) return(even_chunks(count, workers))
  sizes <- integer()
  left <- count
  smallest <- max(1L, count %/% (workers * 32L))
  while (left > 0L) {
    size <- min(left, max(smallest, left %/% (3L * workers)))
    sizes <- c(sizes, size)
    left <- left - size
  }
  cut_at(sizes)
}

even_chunks <- function(count, number) {
  number <- max(1L, min(count, as.integer(number)))
  base <- count %/% number
  extra <- count %% number
  cut_at(rep(c(base + 1L, base), c(extra, number - extra)))
}

cut_at <- function(sizes) {
  end <- cumsum(sizes)
  Map(function(from, to) from:to, end - sizes + 1L, end)
}
