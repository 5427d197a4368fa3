#' Count the iterations of the Mandelbrot map
#'
#' An example of work that is easily split into pieces: see
#' `demo("mandelbrot", package = "elsewhere")`.
#'
#' @param Z A complex matrix, as returned by `mandelbrot_tiles()`. With numbers
#'   instead, `mandelbrot(xmid, ymid, side, resolution)` computes a whole
#'   region.
#' @param maxIter The largest number of iterations. Default: 200.
#' @param tau The modulus at which a point counts as escaped. Default: 2.
#' @param x An object of class `Mandelbrot`.
#' @param ... Not used; for `plot()`, further arguments of [image()].
#' @return `mandelbrot()`: an integer matrix of class `Mandelbrot`: the number
#'   of iterations until each point escaped. `mandelbrot_tiles()`: a matrix of
#'   mode list, each element a complex matrix.
#' @section Errors:
#' * `elsewhere_bad_argument`: `Z` is not a complex matrix.
#' @examples
#' tiles <- mandelbrot_tiles(nrow = 2, resolution = 20)
#' counts <- future_map(tiles, mandelbrot)
#' range(unlist(counts))
#' @export
mandelbrot <- function(...) UseMethod("mandelbrot")

#' @export
mandelbrot.numeric <- function(xmid = -0.75, ymid = 0, side = 3,
                               resolution = 400L, maxIter = 200L, tau = 2,
                               ...) {
  whole <- mandelbrot_tiles(
    xmid, ymid, side, nrow = 1L, resolution = resolution
  )
  mandelbrot(whole[[1L]], maxIter = maxIter, tau = tau)
}

#' @rdname mandelbrot
#' @usage mandelbrot(...)
#' \method{mandelbrot}{default}(Z, maxIter = 200L, tau = 2, ...)
#' @export
mandelbrot.default <- function(Z, maxIter = 200L, tau = 2, ...) {
  if (!is.complex(Z)) abort_argument("Z", "a complex matrix", Z)
  count <- array(maxIter, dim = dim(Z))
  inside <- seq_along(Z)
  z <- Z
  for (iteration in seq_len(maxIter)) {
    escaped <- Mod(z) > tau
    if (any(escaped)) {
      count[inside[escaped]] <- iteration - 1L
      inside <- inside[!escaped]
      z <- z[!escaped]
    }
    if (!length(inside)) break
    z <- z^2 + Z[inside]
  }
  storage.mode(count) <- "integer"
  structure(count, class = c("elsewhere_mandelbrot", "Mandelbrot"))
}

#' @rdname mandelbrot
#' @param xmid,ymid The centre of the region.
#' @param side The length of its side.
#' @param nrow,ncol The number of tiles, down and across.
#' @param resolution The number of points along the side of the whole region.
#' @export
mandelbrot_tiles <- function(xmid = -0.75, ymid = 0, side = 3, nrow = 2L,
                             ncol = nrow, resolution = 400L) {
  step <- (seq_len(resolution) - 0.5) / resolution - 0.5
  x <- xmid + side * step
  y <- ymid - side * step
  pieces <- function(values, number) {
    if (number == 1L) return(list(values))
    split(values, cut(seq_along(values), number, labels = FALSE))
  }
  across <- pieces(x, ncol)
  down <- pieces(y, nrow)
  tiles <- list()
  for (column in across) {
    for (row in down) {
      tiles[[length(tiles) + 1L]] <- outer(row, column, function(im, re) {
        complex(real = re, imaginary = im)
      })
    }
  }
  dim(tiles) <- c(nrow, ncol)
  tiles
}

#' @exportS3Method grDevices::as.raster
as.raster.elsewhere_mandelbrot <- function(x, ...) {
  counts <- unclass(x)
  grDevices::as.raster(1 - counts / max(counts), ...)
}

#' @rdname mandelbrot
#' @exportS3Method base::plot
plot.elsewhere_mandelbrot <- function(x, ...) {
  counts <- unclass(x)
  graphics::par(mar = c(0, 0, 0, 0))
  graphics::image(
    t(counts[rev(seq_len(nrow(counts))), , drop = FALSE]),
    col = grDevices::hcl.colors(64), axes = FALSE, ...
  )
  invisible(x)
}
