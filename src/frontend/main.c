/* The program that a worker is: R, with this package as its front end. It is R's own
 * main program but for three things. It says where R is installed, which R's own shell
 * script does; it takes interrupts whatever SIGINT was at its start, where R from 4.4
 * on keeps it ignored for a process that was started with `&` or by nohup; and it has
 * the table of front_end.h for the worker's profile to find.
 *
 *   R [arguments of R ...]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Rembedded.h>

#include <Rinterface.h>

/* Set by src/Makevars. */
#ifndef ELSEWHERE_R_HOME
#error "ELSEWHERE_R_HOME is where R is installed"
#endif

/* As commandArgs() has it in any R. */
static char program[4096];

int main(int count, char** arguments) {
  if (getenv("R_HOME") == NULL) setenv("R_HOME", ELSEWHERE_R_HOME, 1);
  const int length = snprintf(program, sizeof program, "%s/bin/exec/R", getenv("R_HOME"));
  if (length > 0 && (size_t)length < sizeof program) arguments[0] = program;
  signal(SIGINT, SIG_DFL);
  R_running_as_main_program = 1;
  Rf_initialize_R(count, arguments);
  Rf_mainloop(); /* does not return */
  return 0;
}
