# The main job on real data: how sure are we of a Cox model?
#
# `survival::flchain` has 7 874 people of a study of free light chains in blood,
# and what became of them. We refit the model to 1 000 resamples of them, three
# times: with future_map() on a pool of background R workers; as futures that an
# async() task awaits while another one keeps ticking; and in a plain loop. The
# numbers must be the same each time. A persistent session holds the model
# fitted to everybody, and answers predictions while the workers compute.
#
# Run by `make demo`, or: Rscript flchain.R [output folder]
# RESAMPLES=50 in the environment takes so many.

library(elsewhere)

refits <- as.integer(Sys.getenv("RESAMPLES", "1000"))
workers <- 2L
seed <- 20260101L
tick_seconds <- 0.02

arguments <- commandArgs(trailingOnly = TRUE)
output <- if (length(arguments)) arguments[[1L]] else "demo-output"
dir.create(output, showWarnings = FALSE)

seconds_since <- function(started) {
  as.double(Sys.time() - started, units = "secs")
}
say <- function(...) writeLines(sprintf(...))

# --- the model ----------------------------------------------------------------

# Those who were followed for at least a day; of the two free light chains, how
# much there is of both, and how much more of kappa than of lambda.
people <- subset(survival::flchain, futime > 0)
people$both <- log2(people$kappa + people$lambda)
people$more <- log2(people$kappa / people$lambda)
people <- people[c("futime", "death", "age", "sex", "both", "more")]
model <- survival::Surv(futime, death) ~ age + sex + both + more

# One resample: as many people, drawn with replacement, and the model's
# coefficients for them.
refit <- function(i) {
  drawn <- people[sample.int(nrow(people), replace = TRUE), ]
  stats::coef(survival::coxph(model, drawn, model = FALSE, y = FALSE))
}

# One seed a resample, so that the numbers depend on no plan and no order.
seeds <- local({
  RNGkind("L'Ecuyer-CMRG")
  set.seed(seed)
  Reduce(
    function(state, i) parallel::nextRNGStream(state),
    seq_len(refits - 1L), .Random.seed,
    accumulate = TRUE
  )
})

say("%d people, %d deaths; %d refits of a Cox model on %d workers",
  nrow(people), sum(people$death), refits, workers
)

# --- a map on a pool ----------------------------------------------------------

plan(multisession, workers = workers, queue = Inf)

say("\n1. future_map() on the pool")
started <- Sys.time()
from_map <- future_map(seq_len(refits), refit, .seed = seeds, .progress = TRUE)
map_seconds <- seconds_since(started)
say("   %.1f s", map_seconds)

# --- futures awaited, while the session stays awake ---------------------------

say("\n2. the same as %d futures, awaited; meanwhile the session ticks", refits)

# A session of our own, in the background, that keeps the model.
keeper <- r_session$new()
invisible(keeper$run(
  function(people, model) {
    fit <- survival::coxph(model, people, model = TRUE)
    assign("fit", fit, globalenv())
    NULL
  },
  list(people, model)
))
# The hazard of a man of this age, relative to everybody's average.
risk_of_a_man <- function(age) {
  man <- data.frame(age = age, sex = "M", both = 1.5, more = 0)
  stats::predict(fit, man, type = "risk", reference = "sample")
}
invisible(keeper$run(risk_of_a_man, list(age = 80)))

is_over <- FALSE
gaps <- numeric()
answer_seconds <- numeric()
ticker <- async({
  last <- Sys.time()
  while (!is_over) {
    await(delay(tick_seconds))
    gaps <<- c(gaps, seconds_since(last))
    last <- Sys.time()
    # Every tenth tick, somebody asks for a prediction.
    if (length(gaps) %% 10L == 0L) {
      asked <- Sys.time()
      keeper$run(risk_of_a_man, list(age = 80))
      answer_seconds <<- c(answer_seconds, seconds_since(asked))
    }
  }
})

started <- Sys.time()
bootstrap <- async({
  bar <- cli::cli_progress_bar(total = refits, .auto_close = FALSE)
  fits <- list()
  for (i in seq_len(refits)) {
    fits[[i]] <- future(refit(i), seed = seeds[[i]])
    # Now and then, others get their turn.
    if (i %% 20L == 0L) await(delay(0))
  }
  estimates <- list()
  for (i in seq_len(refits)) {
    estimates[[i]] <- await(fits[[i]])
    cli::cli_progress_update(set = i, id = bar)
  }
  cli::cli_progress_done(id = bar)
  is_over <<- TRUE
  estimates
})
from_futures <- wait_for(bootstrap)
await_seconds <- seconds_since(started)
say("   %.1f s", await_seconds)
say("   %d ticks of %.0f ms; the longest gap between two was %.0f ms",
  length(gaps), tick_seconds * 1000, max(gaps) * 1000
)
say("   %d predictions by the session meanwhile, in %.1f ms (median)",
  length(answer_seconds), stats::median(answer_seconds) * 1000
)
say("   a man of 80 has %.1f times the average hazard",
  keeper$run(risk_of_a_man, list(age = 80))
)
keeper$close()

# --- a plain loop -------------------------------------------------------------

say("\n3. the same in a plain loop")
started <- Sys.time()
from_loop <- vector("list", refits)
for (i in seq_len(refits)) {
  assign(".Random.seed", seeds[[i]], globalenv())
  from_loop[[i]] <- refit(i)
}
loop_seconds <- seconds_since(started)
say("   %.1f s: the map took %.2f, the awaited futures %.2f of it",
  loop_seconds, map_seconds / loop_seconds, await_seconds / loop_seconds
)

if (!identical(from_map, from_loop) || !identical(from_futures, from_loop)) {
  stop("the three ways do not give the same numbers")
}
say("   The three give the same numbers, to the last bit.")

# --- what we learn ------------------------------------------------------------

estimates <- do.call(rbind, from_map)
intervals <- t(apply(exp(estimates), 2L, stats::quantile, c(0.5, 0.025, 0.975)))
labels <- c(
  age = "a year older", sexM = "a man", both = "both doubled",
  more = "kappa doubled"
)
say("\nHazard ratio, with the 95 %% interval of %d resamples", refits)
say("   %-16s %.3f  (%.3f to %.3f)", labels[rownames(intervals)],
  intervals[, 1L], intervals[, 2L], intervals[, 3L]
)

draw <- function() {
  old <- graphics::par(mar = c(4, 8, 2.5, 1), las = 1)
  on.exit(graphics::par(old))
  rows <- rev(seq_len(nrow(intervals)))
  graphics::plot(
    NULL, xlim = range(exp(estimates), 1), ylim = c(0.5, max(rows) + 0.5),
    log = "x", yaxt = "n", xlab = "hazard ratio", ylab = "",
    main = sprintf("%d refits of a Cox model, survival::flchain", refits)
  )
  graphics::abline(v = 1, col = "grey60", lty = 3)
  graphics::axis(2, rows, labels[rownames(intervals)], tick = FALSE)
  for (k in seq_along(rows)) {
    graphics::points(
      exp(estimates[, k]), rows[[k]] + stats::runif(refits, -0.2, 0.2),
      pch = 16, cex = 0.3, col = grDevices::adjustcolor("#2b6cb0", 0.35)
    )
    graphics::segments(
      intervals[k, 2L], rows[[k]], intervals[k, 3L], rows[[k]], lwd = 3
    )
    graphics::points(
      intervals[k, 1L], rows[[k]],
      pch = 21, bg = "white", cex = 1.4
    )
  }
}

# R can be built without PNG; it always has PDF.
picture <- file.path(
  output, if (capabilities("png")) "flchain.png" else "flchain.pdf"
)
if (capabilities("png")) {
  grDevices::png(picture, width = 1200, height = 700, res = 150)
} else {
  grDevices::pdf(picture, width = 8, height = 4.7)
}
draw()
invisible(grDevices::dev.off())
say("\nThe picture: %s", normalizePath(picture))
