# A slow model in a Shiny app that stays responsive for all users.
#
# `survival::flchain` has 7 874 people of a study of free light chains in blood,
# and what became of them. A user chooses what a Cox model is to take into
# account, and asks how certain its hazard ratios are: the model is refitted to
# as many resamples as wanted, on a pool of background R workers. Meanwhile the
# sliders react at once, in this browser and in every other. Closing the window
# stops its computations.
#
# Run by: shiny::runApp(system.file("examples/shiny-flchain", package =
# "elsewhere"))

library(shiny)
library(elsewhere)

# Unlimited queue: future() never blocks the app, however many users compute.
plan(multisession, workers = 2, queue = Inf)
onStop(function() plan(sequential))

choices <- c(
  "age" = "age", "sex" = "sex",
  "amount of light chains" = "both", "kappa over lambda" = "more"
)

# The model has a separate environment: a function is sent to a worker with its
# whole environment, which should be the data here, not the user interface.
model <- local(envir = new.env(parent = globalenv()), {
  people <- subset(survival::flchain, futime > 0)
  people$both <- log2(people$kappa + people$lambda)
  people$more <- log2(people$kappa / people$lambda)
  people <- people[c("futime", "death", "age", "sex", "both", "more")]

  formula_of <- function(terms) {
    stats::reformulate(terms, quote(survival::Surv(futime, death)))
  }

  # As many people, drawn with replacement, and the model's hazard ratios for
  # them: one row for each of `times` resamples.
  refit <- function(terms, times) {
    rows <- lapply(seq_len(times), function(i) {
      drawn <- people[sample.int(nrow(people), replace = TRUE), ]
      fit <- survival::coxph(formula_of(terms), drawn, model = FALSE, y = FALSE)
      exp(stats::coef(fit))
    })
    do.call(rbind, rows)
  }

  # The whole data once: what the sliders ask.
  fitted <- survival::coxph(
    survival::Surv(futime, death) ~ age + sex + both, people
  )

  environment()
})
refit <- model$refit

survival_at <- function(age, sex, years) {
  person <- data.frame(
    age = age, sex = sex, both = stats::median(model$people$both)
  )
  curve <- survival::survfit(model$fitted, newdata = person)
  summary(curve, times = years * 365.25)$surv
}

chunk_size <- 10L
chunks_at_a_time <- 2L

# What the app computes now, for whomever: every session shows it.
fits_under_way <- reactiveVal(0L)
count_fit <- function(change) {
  fits_under_way(isolate(fits_under_way()) + change)
}

# The task: it reads like a loop, waits like a callback, and cleans up behind
# itself also when it is cancelled. `tell` hears how many refits are done.
bootstrap <- async(function(terms, refits, tell) {
  count_fit(1L)
  on.exit(count_fit(-1L))
  done <- 0L
  sizes <- diff(unique(c(seq(0L, refits, by = chunk_size), refits)))
  chunks <- await(async_map(sizes, async(function(size) {
    chunk <- await(future(refit(terms, size), seed = TRUE))
    done <<- done + size
    tell(done)
    chunk
  }), concurrency = chunks_at_a_time))
  do.call(rbind, chunks)
})

draw <- function(ratios) {
  old <- par(mar = c(4, 8, 1, 1), las = 1)
  on.exit(par(old))
  boxplot(
    as.data.frame(ratios),
    horizontal = TRUE, log = "x", col = "grey90", outline = FALSE,
    xlab = "hazard ratio"
  )
  abline(v = 1, lty = 2)
}

ui <- fluidPage(
  titlePanel("Light chains and survival"),
  sidebarLayout(
    sidebarPanel(
      h4("Slow: how sure is the model?"),
      checkboxGroupInput("terms", NULL, choices, choices[1:3]),
      numericInput(
        "refits", "Resamples", 100, min = 10, max = 100000, step = 10
      ),
      actionButton("fit", "Fit", class = "btn-primary"),
      actionButton("stop", "Stop"),
      p(),
      textOutput("progress"),
      hr(),
      textOutput("load")
    ),
    mainPanel(
      h4("Quick: chance to live on"),
      fluidRow(
        column(4, sliderInput("age", "Age", 50, 100, 70)),
        column(4, sliderInput("years", "Years", 1, 13, 10)),
        column(4, radioButtons("sex", NULL, c("woman" = "F", "man" = "M")))
      ),
      textOutput("chance"),
      plotOutput("ratios", height = "260px")
    )
  )
)

server <- function(input, output, session) {
  done <- reactiveVal(0L)
  job <- NULL

  fit <- ExtendedTask$new(function(terms, refits) {
    job <<- bootstrap(terms, refits, tell = done)
    job
  })

  observeEvent(input$fit, {
    req(input$terms, fit$status() != "running")
    done(0L)
    fit$invoke(input$terms, as.integer(input$refits))
  })

  observeEvent(input$stop, cancel(job))

  output$progress <- renderText(switch(fit$status(),
    initial = "Nothing fitted yet.",
    running = sprintf("%d of %d refits", done(), isolate(input$refits)),
    success = sprintf("Done: %d refits.", nrow(fit$result())),
    error = sprintf("Stopped after %d refits.", done())
  ))

  output$ratios <- renderPlot({
    req(fit$status() == "success")
    draw(fit$result())
  })

  output$load <- renderText(
    sprintf("Fits under way, for all users: %d", fits_under_way())
  )

  output$chance <- renderText(sprintf(
    "A %s of %d: %.0f %% live on for %d years.",
    if (input$sex == "F") "woman" else "man", input$age,
    100 * survival_at(input$age, input$sex, input$years), input$years
  ))
}

shinyApp(ui, server)
