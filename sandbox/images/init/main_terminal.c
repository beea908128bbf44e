/* The holder of the main terminal: one shell after another, on the same terminal and in the same numbers. */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "holder.h"
#include "slipway.h"

#define SHORT_LIFE_SECONDS 1.0 /* a shell that lived less is followed by a pause */

/* PID 1 ends everything at its time; a `kill -1` of the learner's is not for what keeps their terminal. */
static void on_end(int number, siginfo_t *from, void *context)
{
    (void)number, (void)context;
    if (from->si_pid <= 1)
        _exit(0);
}

static void pass_time(double seconds)
{
    double end = boot_seconds() + seconds;
    while (boot_seconds() < end)
        if (!holder_round(20))
            pause_milliseconds(20); /* nobody has the terminal open: it would be the same again at once */
}

static void start_next_shell(const char *command)
{
    while (!shell_start(command))
        pass_time(SHORT_LIFE_SECONDS); /* the pids limit is reached: try again */
    mark_ready(shell.pid);
}

static void mourn_shell(void)
{
    holder_take_last_output();
    mark_exit(shell.exit_code);
    say("shell ended with exit code %d, starting a new one", shell.exit_code);
    if (boot_seconds() - shell.started_at < SHORT_LIFE_SECONDS)
        pass_time(SHORT_LIFE_SECONDS);
}

_Noreturn void hold_main(const char *command, int from_init, uint64_t first_byte)
{
    struct sigaction end = {.sa_sigaction = on_end, .sa_flags = SA_SIGINFO};
    int doors[DOORS];
    sigaction(SIGTERM, &end, NULL);
    mkdir(TERMINALS_DIR, 0700);
    if (!shell_open() || !doors_open(MAIN_TERMINAL, doors))
        exit(1); /* PID 1 starts another one */
    holder_begin(doors, from_init, first_byte);
    terminal_copy(holder_show);
    for (;;) {
        start_next_shell(command);
        holder_serve_shell();
        mourn_shell();
    }
}
