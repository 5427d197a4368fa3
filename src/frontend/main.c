/* The program that a worker is: R, with this package as its front end. It does what R's
 * own shell script and main program do for a process that was started by one of them,
 * and two things more. It takes interrupts whatever SIGINT was at its start, where R
 * from 4.4 on keeps it ignored for a process that was started with `&` or by nohup; and
 * it has the table of front_end.h for the worker's profile to find.
 *
 *   R [arguments of R ...]
 *
 * In an environment that R's script has not prepared, or for another R than that which
 * it was built for, it runs that script.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <Rembedded.h>

#include <Rinterface.h>

/* Set by src/Makevars. */
#ifndef ELSEWHERE_R_HOME
#error "ELSEWHERE_R_HOME is where R is installed"
#endif

static int is_prepared(void) {
  static const char* const names[] = {"R_SHARE_DIR", "R_INCLUDE_DIR", "R_DOC_DIR"};
  const char* home = getenv("R_HOME");
  if (home == NULL || strcmp(home, ELSEWHERE_R_HOME) != 0) return 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (getenv(names[i]) == NULL) return 0;
  }
  return 1;
}

/* As a shell does for what it starts, where the variable is there and wrong. */
static void correct_directory(void) {
  const char* said = getenv("PWD");
  char here[PATH_MAX];
  struct stat named, own;
  if (said == NULL || getcwd(here, sizeof here) == NULL || stat(".", &own) != 0) return;
  const int is_right =
      stat(said, &named) == 0 && named.st_dev == own.st_dev && named.st_ino == own.st_ino;
  if (!is_right) setenv("PWD", here, 1);
}

static const char* home_of_r(void) {
  const char* home = getenv("R_HOME");
  return home == NULL ? ELSEWHERE_R_HOME : home;
}

int main(int count, char** arguments) {
  static char program[PATH_MAX]; /* as commandArgs() has it in any R */
  if (!is_prepared()) {
    snprintf(program, sizeof program, "%s/bin/R", home_of_r());
    arguments[0] = program;
    execv(program, arguments);
    perror(program);
    return 127;
  }
  correct_directory();
  snprintf(program, sizeof program, "%s/bin/exec%s/R", ELSEWHERE_R_HOME,
           getenv("R_ARCH") == NULL ? "" : getenv("R_ARCH"));
  arguments[0] = program;
  signal(SIGINT, SIG_DFL);
  R_running_as_main_program = 1;
  Rf_initialize_R(count, arguments);
  Rf_mainloop(); /* does not return */
  return 0;
}
