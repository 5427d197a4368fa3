// Everything R can call, one block a file of this folder. init.cpp makes the
// table from it.
#pragma once

#include <Rinternals.h>

extern "C" {
// border.cpp
SEXP ew_border_init(SEXP raise);
SEXP ew_to_bytes(SEXP value, SEXP refuse_references);
SEXP ew_result_bytes(SEXP result, SEXP refuse_references);
SEXP ew_find_reference(SEXP value, SEXP name, SEXP closures, SEXP globals, SEXP looked_into_max);

// globals.cpp
SEXP ew_find_globals(SEXP code, SEXP envir, SEXP wanted);
SEXP ew_explain_globals(SEXP code, SEXP envir);
SEXP ew_object_bytes(SEXP value);
SEXP ew_can_travel(SEXP value);
SEXP ew_frame_values(SEXP env);
SEXP ew_globals_counts();

// fork.cpp
SEXP ew_fork_start(SEXP function, SEXP retries, SEXP timeout);
SEXP ew_weak_reference(SEXP task);
SEXP ew_weak_value(SEXP reference);
SEXP ew_fork_reply(SEXP value, SEXP refuse_references);
SEXP ew_fork_emit(SEXP condition);
SEXP ew_fork_is(SEXP task);
SEXP ew_fork_watch(SEXP task);
SEXP ew_fork_forget(SEXP descriptor);
SEXP ew_process_watch(SEXP pid);
SEXP ew_socket_find(SEXP port, SEXP end);
SEXP ew_fork_leaving();

SEXP ew_node_take_interrupts();
SEXP ew_node_link(SEXP descriptor, SEXP name, SEXP reported_pid, SEXP pid, SEXP tail_bytes,
                  SEXP sync_call);
SEXP ew_node_state(SEXP link);
SEXP ew_node_why_lost(SEXP link);
SEXP ew_node_lose(SEXP link, SEXP why);
SEXP ew_node_next(SEXP link);
SEXP ew_node_begin(SEXP link, SEXP timeout);
SEXP ew_nodes_wait(SEXP links, SEXP timeout);
SEXP ew_sockets_no_delay(SEXP port);
SEXP ew_node_header(SEXP kind, SEXP task, SEXP body_bytes);

// pool.cpp
SEXP ew_engine_init(SEXP notified);
SEXP ew_engine_stop();
SEXP ew_pool_start(SEXP workers, SEXP setup, SEXP options);
SEXP ew_pool_stop(SEXP pool);
SEXP ew_pool_status(SEXP pool);
SEXP ew_pool_events(SEXP pool);
SEXP ew_pool_free(SEXP pool);
SEXP ew_pool_wait_for_start(SEXP pool, SEXP timeout);
SEXP ew_pool_everywhere(SEXP pool, SEXP payload, SEXP after);
SEXP ew_pool_set_setup(SEXP pool, SEXP setup, SEXP remote_setup);
SEXP ew_pool_wait_for_room(SEXP pool, SEXP queued_max, SEXP timeout);
SEXP ew_pool_submit(SEXP pool, SEXP payload, SEXP retries, SEXP timeout, SEXP priority,
                    SEXP refuse_references);
SEXP ew_task_state(SEXP task);
SEXP ew_task_pid(SEXP task);
SEXP ew_threads_limit(SEXP count);
SEXP ew_task_settled(SEXP task);
SEXP ew_task_wait(SEXP tasks, SEXP timeout, SEXP enough, SEXP events);
SEXP ew_task_outcome(SEXP task);
SEXP ew_task_events(SEXP task);
SEXP ew_task_cancel(SEXP task, SEXP grace);
SEXP ew_task_notify(SEXP task, SEXP loop);
SEXP ew_take_notified();
// eval.cpp
SEXP ew_eval_init(SEXP space);
SEXP ew_eval_drive(SEXP coroutine, SEXP layer);
SEXP ew_eval_run_shown(SEXP coroutine, SEXP layer, SEXP frame, SEXP has_handler);
SEXP ew_eval_take_sequence();
SEXP ew_eval_compile_loops_after(SEXP rounds);
SEXP ew_eval_left(SEXP coroutine, SEXP layer);
SEXP ew_eval_dispatch(SEXP coroutine, SEXP layer, SEXP condition, SEXP frame, SEXP position);
SEXP ew_eval_debug(SEXP coroutine, SEXP is_debugged, SEXP trace);
SEXP ew_async_waiting();
SEXP ew_promise_mark_handled(SEXP promise);
SEXP ew_eval_restart(SEXP coroutine, SEXP block, SEXP index, SEXP arguments);
SEXP ew_eval_guard_left(SEXP coroutine, SEXP layer);
SEXP ew_eval_run_due(SEXP coroutine, SEXP layer, SEXP guard, SEXP is_first);
SEXP ew_eval_compile(SEXP expr, SEXP env, SEXP kind, SEXP strict_pipes);
SEXP ew_eval_pauses(SEXP expr);
SEXP ew_eval_new(SEXP program, SEXP env, SEXP kind, SEXP trace, SEXP call, SEXP frame);
SEXP ew_eval_frame(SEXP env);
SEXP ew_eval_words(SEXP role);
SEXP ew_eval_frame_words(SEXP expr, SEXP env);
SEXP ew_eval_state(SEXP coroutine);
SEXP ew_gen_ask(SEXP call, SEXP function, SEXP arguments, SEXP frame);
SEXP ew_gen_resume(SEXP coroutine, SEXP inject, SEXP value);
SEXP ew_async_start(SEXP coroutine, SEXP kind);
SEXP ew_async_start_in_closure(SEXP coroutine, SEXP kind);
SEXP ew_async_run(SEXP coroutine);
SEXP ew_async_fail(SEXP coroutine, SEXP condition, SEXP frame);
SEXP ew_async_left(SEXP coroutine);
SEXP ew_async_wake(SEXP coroutine, SEXP wait, SEXP is_rejected, SEXP value);
SEXP ew_stream_bind(SEXP coroutine, SEXP channel);
SEXP ew_stream_start(SEXP coroutine);
SEXP ew_async_queue(SEXP coroutine);
SEXP ew_async_raise(SEXP coroutine, SEXP condition);
SEXP ew_promise_set_owner(SEXP promise, SEXP owner);
SEXP ew_promise_new(SEXP kind);
SEXP ew_promise_resolve(SEXP promise, SEXP value, SEXP is_visible);
SEXP ew_promise_follow(SEXP promise, SEXP is_fulfilled, SEXP value, SEXP is_visible);
SEXP ew_promise_reject(SEXP promise, SEXP reason);
SEXP ew_promise_when_settled(SEXP promise, SEXP reaction);
SEXP ew_promise_state(SEXP promise);
SEXP ew_promise_drain(SEXP loop);
SEXP ew_promise_schedule(SEXP loop);
SEXP ew_async_watch_sessions(SEXP current);

// worker.cpp
SEXP ew_worker_boot(SEXP functions);
SEXP ew_worker_arrive();
SEXP ew_become_program(SEXP program, SEXP arguments, SEXP environment);
SEXP ew_worker_step();
SEXP ew_worker_decode();
SEXP ew_worker_pack(SEXP value);
SEXP ew_worker_emit(SEXP condition);
SEXP ew_worker_capture_begin(SEXP live);
SEXP ew_worker_capture_end();
SEXP ew_worker_redirect_output(SEXP output, SEXP error);
SEXP ew_worker_closure_in(SEXP function, SEXP environment);
// future.cpp
SEXP ew_new_future(SEXP expr, SEXP needs, SEXP settings, SEXP number, SEXP owner, SEXP classes,
                   SEXP parent);
SEXP ew_future_payload(SEXP future);
SEXP ew_future_submit(SEXP future, SEXP pool, SEXP payload, SEXP refuse_references);
SEXP ew_future_launch(SEXP future, SEXP owner, SEXP way);
SEXP ew_futures_settled(SEXP futures, SEXP which, SEXP owner);
SEXP ew_futures_look(SEXP futures, SEXP owner, SEXP way, SEXP patience);

// process_state.cpp
SEXP ew_capture_begin();
SEXP ew_capture_end();
SEXP ew_environment_variables();
SEXP ew_process_state();
SEXP ew_process_changes(SEXP state);
SEXP ew_state_list(SEXP elements);
SEXP ew_now();
SEXP ew_options_now();
SEXP ew_are_options_now(SEXP options);
SEXP ew_clear_workspace();
// random.cpp
SEXP ew_random_next_stream(SEXP seed);
SEXP ew_random_substreams(SEXP seed, SEXP count);

// session.cpp
SEXP ew_session_open(SEXP keeps_output, SEXP keeps_error);
SEXP ew_session_guard_process(SEXP session, SEXP process, SEXP pid);
SEXP ew_session_wait_gone(SEXP session);
SEXP ew_session_set_up(SEXP session, SEXP setup);
SEXP ew_session_start(SEXP session, SEXP payload, SEXP refuse_references);
SEXP ew_session_wait_sent(SEXP session);
SEXP ew_session_sync(SEXP session);
SEXP ew_session_take(SEXP session);
SEXP ew_session_wait(SEXP session, SEXP timeout);
SEXP ew_session_printed(SEXP session, SEXP stream);
SEXP ew_session_is_waiting(SEXP session);
SEXP ew_session_is_read(SEXP session);
SEXP ew_session_descriptor(SEXP session);
SEXP ew_session_close(SEXP session);

// session_run.cpp
SEXP ew_session_run(SEXP session, SEXP func, SEXP args, SEXP package, SEXP timeout);
SEXP ew_without_source(SEXP func);

// session_start.cpp
SEXP ew_session_fork(SEXP session, SEXP key, SEXP program, SEXP arguments, SEXP environment,
                     SEXP functions, SEXP channel, SEXP directory, SEXP own_environment);
SEXP ew_session_process(SEXP session, SEXP request, SEXP stand_in, SEXP patience);
SEXP ew_session_signal(SEXP session, SEXP signal, SEXP whole_group);
SEXP ew_session_directory(SEXP parents);
SEXP ew_session_nurseries();
SEXP ew_session_nurseries_stop();
}
