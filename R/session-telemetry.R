# OpenTelemetry spans of sessions, with callr's names, so that what is built on
# them goes on working. Whether they are on is asked once, when a session
# starts.

# Found by otel, which names a tracer by the package that calls it.
otel_tracer_name <- "org.r-lib.callr"

is_traced <- function() {
  exporters <- Sys.getenv(c("OTEL_R_TRACES_EXPORTER", "OTEL_TRACES_EXPORTER"))
  is_possible <- isNamespaceLoaded("otel") || any(nzchar(exporters))
  if (!is_possible || !requireNamespace("otel", quietly = TRUE)) return(FALSE)
  # To ask for the tracer takes ten times as long.
  provider <- otel::get_default_tracer_provider()
  !inherits(provider, "otel_tracer_provider_noop") && otel::is_tracing_enabled()
}

# The options of a session, or of a process that runs one function, with a span
# for its whole life begun; the process hears of it by its environment.
with_life_span <- function(private, options, name) {
  if (!is_traced()) return(options)
  attributes <- otel::as_attributes(options)
  private$span <- otel::start_span(name, attributes = attributes)
  otel::local_active_span(private$span)
  with_trace_context(options)
}

with_trace_context <- function(options) {
  context <- otel::pack_http_context()
  options$env[toupper(names(context))] <- context
  options
}

# A span below that of the session's life, which ends with the function `frame`;
# NULL without tracing.
local_span <- function(private, name, frame = parent.frame()) {
  if (is.null(private$span)) return(NULL)
  otel::local_active_span(private$span, activation_scope = frame)
  otel::start_local_active_span(name, activation_scope = frame)
}

# The attributes of a span "r_session$read".
note_read <- function(span, code) {
  if (is.null(span)) return(invisible())
  span$set_attribute("message", !is.null(code))
  if (!is.null(code)) span$set_attribute("status_code", as.integer(code))
}

# `error` is the condition that the life has ended with.
end_life_span <- function(private, status = NULL, event = NULL, error = NULL) {
  if (is.null(private$span)) return(invisible())
  if (!is.null(event)) private$span$add_event(event)
  if (!is.null(error)) private$span$record_exception(error)
  private$span$end(status_code = status)
  private$span <- NULL
}
