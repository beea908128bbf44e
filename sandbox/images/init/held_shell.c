/* The terminal that a holder keeps, and the shell on it. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "holder.h"
#include "slipway.h"

#define HANGUP_SECONDS 1.0 /* a shell that is told to end has so long */
#define LOOK_MILLISECONDS 500

struct held_shell shell = {.terminal = -1, .pid = -1, .exit_code = -1, .size = {.ws_row = 24, .ws_col = 80}};
static struct termios first_settings;
static double kill_at;
static sigset_t while_waiting; /* the signals that are blocked then */

static void on_child(int number)
{
    (void)number; /* only so that ppoll() returns */
}

/* The end of a child is let through only in shell_wait(): one that came just before would be slept over,
 * and looking twice a second was most of what an idle machine cost. */
void shell_watch(void)
{
    struct sigaction child = {.sa_handler = on_child};
    sigset_t ends;
    sigaction(SIGCHLD, &child, NULL);
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ends, &while_waiting);
    sigdelset(&while_waiting, SIGCHLD);
}

int shell_wait(struct pollfd *slots, size_t count, int milliseconds)
{
    if (shell.pid > 0 && kill_at > 0 && (milliseconds < 0 || milliseconds > LOOK_MILLISECONDS))
        milliseconds = LOOK_MILLISECONDS;
    struct timespec patience = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    return ppoll(slots, count, milliseconds < 0 ? NULL : &patience, &while_waiting);
}

bool shell_open(void)
{
    shell.terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (shell.terminal < 0 || grantpt(shell.terminal) != 0 || unlockpt(shell.terminal) != 0)
        return false;
    tcgetattr(shell.terminal, &first_settings);
    return ioctl(shell.terminal, TIOCSWINSZ, &shell.size) == 0;
}

static _Noreturn void become_shell(const char *name, const char *command)
{
    setsid();
    int slave = open(name, O_RDWR);
    ioctl(slave, TIOCSCTTY, 0);
    for (int descriptor = 0; descriptor < 3; descriptor++)
        dup2(slave, descriptor);
    if (slave > 2)
        close(slave);
    reset_signals();
    execl(command, command, (char *)NULL);
    _exit(127);
}

bool shell_start(const char *command)
{
    const char *name = ptsname(shell.terminal);
    tcsetattr(shell.terminal, TCSANOW, &first_settings); /* a program before may have left it raw */
    kill_at = 0;
    shell.exit_code = -1;
    shell.started_at = boot_seconds();
    shell.pid = name ? fork() : -1;
    if (shell.pid == 0)
        become_shell(name, command);
    return shell.pid > 0;
}

void shell_resize(unsigned short columns, unsigned short rows)
{
    shell.size.ws_col = columns;
    shell.size.ws_row = rows;
    ioctl(shell.terminal, TIOCSWINSZ, &shell.size);
}

void shell_hang_up(void)
{
    if (shell.pid <= 0 || kill_at > 0)
        return;
    kill_at = boot_seconds() + HANGUP_SECONDS;
    kill(shell.pid, SIGHUP);
    kill(shell.pid, SIGCONT);
}

void shell_look(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == shell.pid) {
            shell.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            shell.pid = -1;
        }
    if (shell.pid > 0 && kill_at > 0 && boot_seconds() >= kill_at)
        kill(shell.pid, SIGKILL);
}
