# The Mandelbrot set in tiles: each tile is a future, drawn when it is there.
library("listenv")
if (!"package:future" %in% search()) library("elsewhere")

rows <- getOption("future.demo.mandelbrot.nrow", 3L)
resolution <- getOption("future.demo.mandelbrot.resolution", 400L)
# Seconds that every tile takes at least, to see them come; or FALSE.
delay <- getOption("future.demo.mandelbrot.delay", interactive())

tiles <- mandelbrot_tiles(
  xmid = 0.283063, ymid = -0.00995, side = 3.2, nrow = rows,
  resolution = resolution
)

counts <- listenv()
dim(counts) <- dim(tiles)
for (i in seq_along(tiles)) {
  region <- tiles[[i]]
  counts[[i]] %<-% {
    if (isTRUE(delay)) Sys.sleep(1)
    mandelbrot(region)
  } %label% sprintf("tile %d", i)
}

if (interactive()) dev.new() else pdf(nullfile())
split.screen(dim(tiles))
for (i in seq_along(counts)) {
  screen(i)
  plot(counts[[i]])
}
close.screen(all.screens = TRUE)
