// The table of everything R can call.
#include <R_ext/Rdynload.h>

#include "bridge/entry/entries.h"

// One entry a line, whoever formats it.
// clang-format off
#define ENTRY(name, arguments) {#name, reinterpret_cast<DL_FUNC>(&name), arguments}

static const R_CallMethodDef kEntries[] = {
    ENTRY(ew_border_init, 1),
    ENTRY(ew_to_bytes, 2),
    ENTRY(ew_from_bytes, 1),
    ENTRY(ew_worker_closure_in, 2),
    ENTRY(ew_fork_start, 3),
    ENTRY(ew_fork_reply, 2),
    ENTRY(ew_fork_emit, 1),
    ENTRY(ew_fork_is, 1),
    ENTRY(ew_fork_watch, 1),
    ENTRY(ew_fork_forget, 1),
    ENTRY(ew_fork_leaving, 0),
    ENTRY(ew_find_globals, 3),
    ENTRY(ew_explain_globals, 2),
    ENTRY(ew_object_bytes, 1),
    ENTRY(ew_can_travel, 1),
    ENTRY(ew_frame_values, 1),
    ENTRY(ew_globals_counts, 0),
    ENTRY(ew_engine_init, 1),
    ENTRY(ew_engine_stop, 0),
    ENTRY(ew_pool_start, 3),
    ENTRY(ew_pool_stop, 1),
    ENTRY(ew_pool_status, 1),
    ENTRY(ew_pool_free, 1),
    ENTRY(ew_pool_wait_for_room, 3),
    ENTRY(ew_pool_submit, 6),
    ENTRY(ew_task_state, 1),
    ENTRY(ew_task_settled, 1),
    ENTRY(ew_task_wait, 4),
    ENTRY(ew_task_outcome, 1),
    ENTRY(ew_task_events, 1),
    ENTRY(ew_task_cancel, 2),
    ENTRY(ew_task_notify, 2),
    ENTRY(ew_take_notified, 0),
    ENTRY(ew_worker_boot, 1),
    ENTRY(ew_worker_emit, 1),
    ENTRY(ew_worker_capture_begin, 0),
    ENTRY(ew_worker_capture_end, 0),
    ENTRY(ew_worker_redirect_output, 2),
    ENTRY(ew_eval_init, 1),
    ENTRY(ew_eval_drive, 2),
    ENTRY(ew_eval_left, 2),
    ENTRY(ew_eval_dispatch, 5),
    ENTRY(ew_eval_guard_left, 3),
    ENTRY(ew_eval_compile, 4),
    ENTRY(ew_eval_new, 5),
    ENTRY(ew_eval_state, 1),
    ENTRY(ew_gen_resume, 3),
    ENTRY(ew_async_start, 2),
    ENTRY(ew_async_start_in_closure, 2),
    ENTRY(ew_async_run, 1),
    ENTRY(ew_async_fail, 3),
    ENTRY(ew_async_left, 1),
    ENTRY(ew_async_wake, 4),
    ENTRY(ew_stream_bind, 2),
    ENTRY(ew_async_queue, 1),
    ENTRY(ew_async_raise, 2),
    ENTRY(ew_promise_set_owner, 2),
    ENTRY(ew_promise_new, 1),
    ENTRY(ew_promise_resolve, 3),
    ENTRY(ew_promise_reject, 2),
    ENTRY(ew_promise_when_settled, 2),
    ENTRY(ew_promise_state, 1),
    ENTRY(ew_promise_drain, 1),
    ENTRY(ew_promise_schedule, 1),
    ENTRY(ew_async_watch_sessions, 1),
    ENTRY(ew_capture_begin, 0),
    ENTRY(ew_capture_end, 0),
    ENTRY(ew_environment_variables, 0),
    ENTRY(ew_new_future, 7),
    ENTRY(ew_future_payload, 1),
    ENTRY(ew_future_submit, 4),
    ENTRY(ew_futures_settled, 3),
    ENTRY(ew_process_state, 0),
    ENTRY(ew_process_changes, 1),
    ENTRY(ew_state_list, 1),
    ENTRY(ew_now, 0),
    ENTRY(ew_options_now, 0),
    ENTRY(ew_are_options_now, 1),
    ENTRY(ew_clear_workspace, 0),
    ENTRY(ew_random_next_stream, 1),
    ENTRY(ew_random_substreams, 2),
    ENTRY(ew_session_open, 2),
    ENTRY(ew_session_guard_process, 2),
    ENTRY(ew_session_set_up, 2),
    ENTRY(ew_session_start, 3),
    ENTRY(ew_session_sync, 1),
    ENTRY(ew_session_take, 1),
    ENTRY(ew_session_wait, 2),
    ENTRY(ew_session_printed, 2),
    ENTRY(ew_session_is_waiting, 1),
    ENTRY(ew_session_is_read, 1),
    ENTRY(ew_session_descriptor, 1),
    ENTRY(ew_session_close, 1),
    {nullptr, nullptr, 0},
};

// Called by .External2.
static const R_ExternalMethodDef kExternals[] = {ENTRY(ew_gen_ask, 1), {nullptr, nullptr, 0}};

#undef ENTRY
// clang-format on

extern "C" __attribute__((visibility("default"))) void R_init_elsewhere(DllInfo* dll) {
  R_registerRoutines(dll, nullptr, kEntries, nullptr, kExternals);
  R_useDynamicSymbols(dll, FALSE);
  R_forceSymbols(dll, FALSE);
}
