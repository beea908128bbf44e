/* slipway-init: PID 1 of every Slipway machine.
 *
 *   slipway-init [--service COMMAND] --login COMMAND       its shell on the container's own TTY
 *   slipway-init [--service COMMAND] --terminal COMMAND    its shell in a terminal of its own, with a holder
 *   slipway-init connect PORT [HOST]
 *   slipway-init await-engine SOCKET SECONDS
 *   slipway-init forward PORT SOCKET [ADDRESS]
 *   slipway-init terminal NAME COMMAND
 *   slipway-init end-terminal NAME
 *
 * Why a program of our own and not a shell script or tini:
 * - it reaps: orphans of a learner's experiments become children of PID 1 and would fill the pids limit;
 * - it keeps a shell on the main terminal: one that ends is followed by a new one, so the terminal never goes dead;
 * - it says when the shell is about to start, with its pid (the platform proves "same shell" by it);
 * - it ends the machine at the deadline even if the platform that made it is gone;
 * - it is static and small: the same file runs in every image.
 *
 * The learner runs with the same uid. What keeps PID 1 out of reach: the kernel drops SIGKILL and SIGSTOP sent
 * to PID 1 from inside its own pid namespace; every other signal is blocked and read with its sender, and only
 * one that comes from outside (sender pid 0) counts; PR_SET_DUMPABLE 0 refuses ptrace; nothing it does waits for
 * something of the learner's, such as a TTY whose output they stopped. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "slipway.h"

#define TICK_MILLISECONDS 5000         /* how late a deadline may be noticed after the host has slept */
#define STARTING_TICK_MILLISECONDS 10  /* while the learner waits for the service */
#define SHORT_LIFE_SECONDS 1.0         /* a shell that lived less is followed by a pause */
#define DEFAULT_STOP_SECONDS 0.8

static const char *login_command, *terminal_command, *service_command;
static enum service_state service;
static pid_t login_pid = -1;
static double login_started_at, next_login_at;
static double deadline_at, stop_seconds = DEFAULT_STOP_SECONDS;

/* A positive number of seconds from the environment, taken out of it so that children do not see it. */
static double take_seconds(const char *name)
{
    const char *text = getenv(name);
    double seconds = text ? strtod(text, NULL) : 0;
    unsetenv(name);
    return seconds > 0 ? seconds : 0;
}

/* Ends every process: politely, then not. Whatever this uid may not signal (processes of the learner's own
 * user namespace) is killed by the kernel when PID 1 exits. */
static void end_everything(void)
{
    double end = boot_seconds() + stop_seconds;
    kill(-1, SIGTERM);
    kill(-1, SIGHUP); /* an interactive shell ignores SIGTERM */
    kill(-1, SIGCONT);
    while (boot_seconds() < end) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0 && errno == ECHILD)
            return;
        if (pid <= 0)
            pause_milliseconds(10);
    }
    kill(-1, SIGKILL);
}

static void report_login_end(int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    double now = boot_seconds();
    login_pid = -1;
    next_login_at = now - login_started_at < SHORT_LIFE_SECONDS ? now + SHORT_LIFE_SECONDS : now;
    if (terminal_command)
        return; /* the holder says of its shells what there is to say; that it was ended itself is nothing to see */
    if (isatty(STDIN_FILENO))
        tcsetpgrp(STDIN_FILENO, getpgrp());
    terminal_restore();
    mark_exit(code);
    say("shell ended with exit code %d, starting a new one", code);
}

static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (WIFSTOPPED(status)) {
            if (pid == login_pid && terminal_command)
                kill(pid, SIGCONT); /* `kill -STOP -1` must not leave the learner without a terminal */
        } else if (pid == login_pid)
            report_login_end(status);
        else
            service_reap(pid);
    }
}

static void tend_login(void)
{
    bool allowed = service == SERVICE_NONE || service == SERVICE_READY;
    if (login_pid > 0 || !allowed || boot_seconds() < next_login_at)
        return;
    login_started_at = boot_seconds();
    login_pid = terminal_command ? start_main_terminal(terminal_command) : start_login(login_command);
    if (login_pid < 0)
        next_login_at = login_started_at + SHORT_LIFE_SECONDS; /* the pids limit is reached: try again */
}

static void tend_service(void)
{
    service_restart_if_due();
    /* Once ready it stays so for the login: a restart of the service must not keep the learner out. */
    if (service == SERVICE_STARTING)
        service = service_poll();
    if (service == SERVICE_FAILED) {
        pause_milliseconds(1000); /* lets the marker reach whoever is attached before the stream closes */
        end_everything();
        exit(1);
    }
}

static bool asked_to_end(int wait_milliseconds)
{
    struct timespec limit = {wait_milliseconds / 1000, (long)(wait_milliseconds % 1000) * 1000000L};
    siginfo_t signal_info;
    sigset_t all;
    sigfillset(&all);
    int number = sigtimedwait(&all, &signal_info, &limit);
    return number == SIGTERM && signal_info.si_pid == 0;
}

/* Until the next thing is due. Signals wake it earlier, a child's end among them, so that an idle machine costs
 * its host next to nothing; the longest wait is only for a clock that went on while the host slept. */
static int wait_milliseconds(void)
{
    double now = boot_seconds(), wait = TICK_MILLISECONDS / 1000.0;
    double due[] = {deadline_at, service_next_at(), login_pid < 0 ? next_login_at : 0};
    if (service == SERVICE_STARTING)
        return STARTING_TICK_MILLISECONDS;
    if (login_pid < 0 && next_login_at <= now)
        return 0;
    for (size_t index = 0; index < sizeof due / sizeof *due; index++)
        if (due[index] > 0 && due[index] - now < wait)
            wait = due[index] - now;
    return wait > 0 ? (int)(wait * 1000) + 1 : 0;
}

static void supervise(void)
{
    for (;;) {
        if (asked_to_end(wait_milliseconds()))
            break;
        reap();
        if (deadline_at > 0 && boot_seconds() >= deadline_at) {
            say("the time of this machine is over");
            break;
        }
        tend_service();
        tend_login();
    }
    end_everything();
    exit(0);
}

static bool parse(int argc, char **argv)
{
    for (int index = 1; index + 1 < argc; index += 2) {
        if (strcmp(argv[index], "--login") == 0)
            login_command = argv[index + 1];
        else if (strcmp(argv[index], "--terminal") == 0)
            terminal_command = argv[index + 1];
        else if (strcmp(argv[index], "--service") == 0)
            service_command = argv[index + 1];
        else
            return false;
    }
    return argc % 2 == 1 && (login_command || terminal_command);
}

int main(int argc, char **argv)
{
    sigset_t all;
    if (argc > 1 && strcmp(argv[1], "connect") == 0)
        return connect_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], "await-engine") == 0)
        return await_engine_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], "forward") == 0)
        return forward_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], "terminal") == 0)
        return terminal_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], "end-terminal") == 0)
        return end_terminal_main(argc, argv);
    if (!parse(argc, argv)) {
        fprintf(stderr, "usage: slipway-init [--service COMMAND] --login|--terminal COMMAND\n");
        return 2;
    }
    prctl(PR_SET_DUMPABLE, 0);
    /* A learner with a cgroup of their own may move this process into one without memory (cgroup v1 asks only for
     * the same uid). What is in memory already needs no more of it: the deadline still comes. */
    mlockall(MCL_CURRENT | MCL_FUTURE);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    double lifetime_seconds = take_seconds("SLIPWAY_DEADLINE_SECONDS");
    double asked_stop_seconds = take_seconds("SLIPWAY_STOP_SECONDS");
    deadline_at = lifetime_seconds > 0 ? boot_seconds() + lifetime_seconds : 0;
    stop_seconds = asked_stop_seconds > 0 ? asked_stop_seconds : stop_seconds;
    mkdir(RUN_DIR, 0755);
    terminal_remember();
    service = service_begin(service_command);
    supervise();
}
