/* Starting the programs that slipway-init looks after. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "holder.h"
#include "slipway.h"

#define LOG_LIMIT_BYTES (256 * 1024)
#define NUMBERS_OF_A_HOLDER ((uint64_t)1 << 40)

void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run(const char *command)
{
    char line[4096];
    /* `exec` keeps the process id: the one in the ready marker is the one the shell prints for `$$`. */
    snprintf(line, sizeof line, "exec %s", command);
    execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(127);
}

pid_t start_login(const char *command)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    setpgid(0, 0);
    if (isatty(STDIN_FILENO)) {
        /* Its own foreground process group, so that Ctrl-C reaches the shell's jobs and never PID 1.
         * SIGTTOU is still blocked here, which is what lets a background group take the TTY. */
        tcsetpgrp(STDIN_FILENO, getpid());
        terminal_restore();
    }
    reset_signals();
    mark_ready(getpid());
    run(command);
    return -1;
}

static int notes = -1; /* what PID 1 says, for the holder of the main terminal to show */

static void pass_note(const char *bytes, size_t count)
{
    if (write(notes, bytes, count) < 0)
        return; /* the holder is stopped or gone: nothing of PID 1's waits for it */
}

pid_t start_main_terminal(const char *command)
{
    /* Numbers of output bytes go on above all that a holder before may have given out. */
    static uint64_t first_byte;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        setsid(); /* away from the container's TTY */
        reset_signals();
        close(ends[1]);
        hold_main(command, ends[0], first_byte);
    }
    close(ends[0]);
    if (notes >= 0)
        close(notes);
    notes = ends[1];
    terminal_copy(pass_note);
    first_byte += pid > 0 ? NUMBERS_OF_A_HOLDER : 0;
    return pid;
}

/* Copies the service's output into a file of bounded size. A process of its own: PID 1 must never block on a
 * pipe, and /run may be a small tmpfs that a chatty service would fill. At the limit the file starts again. */
static void keep_log(int input)
{
    char buffer[4096];
    ssize_t count;
    size_t size = 0;
    int output = open(LOG_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    struct stat before;
    if (output >= 0 && fstat(output, &before) == 0)
        size = (size_t)before.st_size;
    while ((count = read(input, buffer, sizeof buffer)) > 0) {
        if (output < 0)
            continue; /* still drain the pipe, or the service would stop in write() */
        if (size + (size_t)count > LOG_LIMIT_BYTES && ftruncate(output, 0) == 0)
            size = 0;
        ssize_t written = write(output, buffer, (size_t)count);
        size += written > 0 ? (size_t)written : 0;
    }
    _exit(0);
}

static int start_logger(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    if (fork() == 0) {
        reset_signals();
        setsid();
        close(ends[1]);
        keep_log(ends[0]);
    }
    close(ends[0]);
    return ends[1];
}

pid_t start_service(const char *command)
{
    int log = start_logger();
    pid_t pid = fork();
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        setsid(); /* away from the TTY: the learner's Ctrl-C and Ctrl-Z are not for the service */
        dup2(nothing, STDIN_FILENO);
        dup2(log >= 0 ? log : nothing, STDOUT_FILENO);
        dup2(log >= 0 ? log : nothing, STDERR_FILENO);
        reset_signals();
        run(command);
    }
    if (log >= 0)
        close(log);
    return pid;
}
