// Everything R can call, one block a file of this folder. init.cpp makes the
// table from it.
#pragma once

#include <Rinternals.h>

extern "C" {
// border.cpp
SEXP ew_border_init(SEXP raise);
SEXP ew_to_bytes(SEXP value, SEXP refuse_references);
SEXP ew_from_bytes(SEXP bytes);

// globals.cpp
SEXP ew_find_globals(SEXP code, SEXP envir, SEXP wanted);
SEXP ew_explain_globals(SEXP code, SEXP envir);
SEXP ew_object_bytes(SEXP value);
SEXP ew_globals_counts();

// pool.cpp
SEXP ew_engine_init(SEXP notified);
SEXP ew_engine_stop();
SEXP ew_pool_start(SEXP workers, SEXP setup, SEXP options);
SEXP ew_pool_stop(SEXP pool);
SEXP ew_pool_status(SEXP pool);
SEXP ew_pool_free(SEXP pool);
SEXP ew_pool_submit(SEXP pool, SEXP payload, SEXP retries, SEXP timeout, SEXP priority,
                    SEXP refuse_references);
SEXP ew_task_state(SEXP task);
SEXP ew_task_settled(SEXP task);
SEXP ew_task_wait(SEXP tasks, SEXP timeout, SEXP any, SEXP events);
SEXP ew_task_outcome(SEXP task);
SEXP ew_task_events(SEXP task);
SEXP ew_task_cancel(SEXP task, SEXP grace);
SEXP ew_task_notify(SEXP task);
SEXP ew_take_notified();
// worker.cpp
SEXP ew_worker_boot(SEXP functions);
SEXP ew_worker_step();
SEXP ew_worker_decode();
SEXP ew_worker_pack(SEXP value);
SEXP ew_worker_emit(SEXP condition);
SEXP ew_worker_capture_begin();
SEXP ew_worker_capture_end();
SEXP ew_worker_redirect_output(SEXP output, SEXP error);
}
