/* What a worker does as R's front end: it answers when R asks its console for a line,
 * and ends R. R gives packages no way to do either; it gives one to programs that
 * embed R ("Linking GUIs and other front-ends to R", Writing R Extensions, 8). Ours is
 * main.c. It offers this table to the package's shared object, which finds it by name:
 *
 *   dlsym(RTLD_DEFAULT, ELSEWHERE_FRONT_END)
 *
 * A fork of the user's process, and a worker where R is no shared library that a program
 * could be linked to, run R's own program. They load the same table as a module of its
 * own (docs/decisions/0051).
 *
 * C, like the entry points of R that it holds. Only R's main thread calls any of it,
 * and only in a process that is ours: nothing of it is called in the user's own.
 */
#ifndef ELSEWHERE_FRONTEND_FRONT_END_H
#define ELSEWHERE_FRONTEND_FRONT_END_H

#ifdef __cplusplus
extern "C" {
#endif

#define ELSEWHERE_FRONT_END "elsewhere_front_end"

typedef struct {
  /* 1 when there is a line in `buffer`, 0 at the end of the console. May leave by
   * drop_expression(). */
  int (*read_line)(const char* prompt, unsigned char* buffer, int bytes, int is_for_history);
  /* Asked before R cleans up. 1: nothing is to be saved or printed, so end at once, in
   * the way below; 0: R does all that it does. */
  int (*ends_plainly)(int asks_default);
  /* The last step but exit(): `directory` is R's temporary one. */
  void (*remove_directory)(const char* directory);
} elsewhere_console;

typedef struct {
  /* From now on R reads from `console`, which must live as long as the process. */
  void (*take_console)(const elsewhere_console* console);
  /* Back to R's top level, which has read half an expression. Does not return. */
  void (*drop_expression)(void);
  /* R's environment files, in the order of a start. */
  void (*read_environment_files)(void);
  /* proc.time() counts from here. */
  void (*start_clock)(void);
  /* Where R keeps the path of its temporary directory, which it removes at its end.
   * NULL before there is one. A path no longer than the one there may be written. */
  char* (*temporary_directory)(void);
  /* In a fork of the user's process: R ends by `end` alone, so that neither the exit
   * code of its owner runs nor the owner's temporary directory goes, and leaves windows
   * that the owner has open alone. */
  void (*become_fork)(void (*end)(int status));
} elsewhere_front_end_table;

extern const elsewhere_front_end_table elsewhere_front_end;

#ifdef __cplusplus
}
#endif

#endif
