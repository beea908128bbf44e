/* What the files of slipway-init share. Each file has one subject; this header names the few calls between them. */
#ifndef SLIPWAY_H
#define SLIPWAY_H

#include <stdbool.h>
#include <sys/types.h>

#define RUN_DIR "/run/slipway"
#define READY_FILE RUN_DIR "/service.ready"
#define FAILED_FILE RUN_DIR "/service.failed"
#define STAGE_FILE RUN_DIR "/service.stage"
#define LOGIN_FILE RUN_DIR "/login"
#define LOG_FILE RUN_DIR "/service.log"
#define TERMINALS_DIR RUN_DIR "/terminals"
#define MAIN_TERMINAL "main"

/* clock.c */
double boot_seconds(void);             /* CLOCK_BOOTTIME: goes on while the host sleeps */
void pause_milliseconds(int milliseconds);

/* terminal.c: everything that is written to the container's TTY, and to the main terminal where a holder keeps it */
void terminal_remember(void);          /* keep the TTY's settings as they are now */
void terminal_restore(void);           /* put them back after a shell that left the TTY raw */
void terminal_copy(void (*copy)(const char *bytes, size_t count)); /* who gets all of it as well */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mark_ready(pid_t pid);
void mark_stage(const char *name);
void mark_failed(const char *reason);
void mark_exit(int code);              /* the login shell ended; another one follows */

/* children.c: starting programs */
void reset_signals(void);              /* default dispositions, nothing blocked: what a program expects */
pid_t start_login(const char *command);
pid_t start_main_terminal(const char *command);
pid_t start_service(const char *command);

/* service.c: the optional background service */
enum service_state { SERVICE_NONE, SERVICE_STARTING, SERVICE_READY, SERVICE_FAILED };
enum service_state service_begin(const char *command);
enum service_state service_poll(void); /* reads the service's files, emits stage markers */
bool service_reap(pid_t pid);          /* true when pid was the service */
void service_restart_if_due(void);
double service_next_at(void);          /* when it will be started again; 0 while nothing is due */

/* sockets.c: the subcommands that talk to sockets */
int connect_main(int argc, char **argv);
int await_engine_main(int argc, char **argv);
int forward_main(int argc, char **argv);

/* relay.c: the two subcommands for terminals beside the main one, which holder.c keeps */
int terminal_main(int argc, char **argv);
int end_terminal_main(int argc, char **argv);

#endif
