#include "frontend/front_end.h"

#include <stdlib.h>

#include <Rinternals.h>

#include <R_ext/GraphicsEngine.h>
#include <Rembedded.h>

#define R_INTERFACE_PTRS
#include <Rinterface.h>

/* R's headers for front ends leave it out; parallel sets it in its forks. */
extern int R_isForkedChild;

static const elsewhere_console* console_of_worker = NULL;
static void (*clean_up_of_r)(SA_TYPE, int, int) = NULL;

/* R's steps in R's order, for an end in which there is nothing to save or print. */
static void clean_up(SA_TYPE action, int status, int runs_last) {
  if (R_TempDir == NULL || !console_of_worker->ends_plainly(action == SA_DEFAULT)) {
    clean_up_of_r(action, status, runs_last);
    return;
  }
  if (runs_last != 0) R_dot_Last();
  R_RunExitFinalizers();
  Rf_KillAllDevices();
  console_of_worker->remove_directory(R_TempDir);
  exit(status);
}

static void take_console(const elsewhere_console* console) {
  console_of_worker = console;
  ptr_R_ReadConsole = console->read_line;
  clean_up_of_r = ptr_R_CleanUp;
  ptr_R_CleanUp = clean_up;
}

static void drop_expression(void) { Rf_jump_to_toplevel(); }

static void read_environment_files(void) {
  process_system_Renviron();
  process_site_Renviron();
  process_user_Renviron();
}

static char* temporary_directory(void) { return R_TempDir; }

static void (*end_of_fork)(int) = NULL;

static void clean_up_fork(SA_TYPE action, int status, int runs_last) {
  (void)action;
  (void)runs_last;
  end_of_fork(status);
}

static void become_fork(void (*end)(int status)) {
  R_isForkedChild = 1;
  end_of_fork = end;
  ptr_R_CleanUp = clean_up_fork;
}

const elsewhere_front_end_table elsewhere_front_end __attribute__((visibility("default"))) = {
    take_console,   drop_expression,     read_environment_files,
    R_setStartTime, temporary_directory, become_fork,
};
