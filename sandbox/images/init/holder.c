/* The holder of an extra terminal: keeps a PTY with its shell, and recent output, while consoles come and go.
 *
 * A process of its own for each terminal, not PID 1: what the learner types and prints never takes time or memory
 * from the process that ends the machine at its deadline. It waits for nobody: a console that does not read makes
 * the shell wait only while it is the fastest of those attached, and one that is gone holds up nothing. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "holder.h"
#include "slipway.h"

#define VIEWERS 4                 /* consoles at once: one, two while one follows another */
#define AHEAD_BYTES (64 * 1024)   /* what the shell may print that no console has read */
#define READ_BYTES (16 * 1024)
#define HANGUP_SECONDS 1.0        /* a shell that is told to end has so long */
#define FAREWELL_SECONDS 2.0      /* consoles have so long to read the last output */

static struct viewer *viewers[VIEWERS];
static struct ring ring;
static int terminal = -1, pending_count;
static char pending[FRAME_LIMIT_BYTES]; /* typed, and not yet taken by the terminal */
static pid_t shell = -1;
static int exit_code = -1;
static double kill_at;
static bool printed; /* the latest round had output of the shell's */
static struct winsize size = {.ws_row = 24, .ws_col = 80};

static pid_t start_shell(const char *command)
{
    terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0)
        return -1;
    ioctl(terminal, TIOCSWINSZ, &size);
    const char *name = ptsname(terminal);
    pid_t pid = name ? fork() : -1;
    if (pid != 0)
        return pid;
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

static void greet(struct viewer *viewer, uint64_t after)
{
    char payload[24];
    bool known = after >= ring.start && after <= ring.end;
    viewer->position = known ? after : ring.start;
    viewer->attached = true;
    put_number(payload, (uint64_t)shell, 4);
    put_number(payload + 4, viewer->position, 8);
    put_number(payload + 12, ring.end, 8);
    put_number(payload + 20, size.ws_col, 2);
    put_number(payload + 22, size.ws_row, 2);
    viewer_say(viewer, 'H', payload, sizeof payload);
}

static void end_shell(void)
{
    if (shell <= 0 || kill_at > 0)
        return;
    kill_at = boot_seconds() + HANGUP_SECONDS;
    kill(shell, SIGHUP);
    kill(shell, SIGCONT);
}

/* Whether the frame was dealt with; one that waits for the terminal stays. */
static bool obey(struct viewer *viewer, char type, const char *payload, size_t count)
{
    if (type == 'A' && count == 8)
        greet(viewer, take_number(payload, 8));
    else if (type == 'I') {
        if (pending_count > 0)
            return false;
        memcpy(pending, payload, count);
        pending_count = (int)count;
    } else if (type == 'R' && count == 4) {
        size.ws_col = (unsigned short)take_number(payload, 2);
        size.ws_row = (unsigned short)take_number(payload + 2, 2);
        ioctl(terminal, TIOCSWINSZ, &size);
    } else if (type == 'X')
        end_shell();
    else
        viewer->leaving = true;
    return true;
}

static void type_pending(void)
{
    if (pending_count == 0)
        return;
    ssize_t count = write(terminal, pending, (size_t)pending_count);
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        count = pending_count; /* nobody reads there any more */
    if (count > 0) {
        pending_count -= (int)count;
        memmove(pending, pending + count, (size_t)pending_count);
    }
}

static void take_frames(struct viewer *viewer)
{
    const char *payload;
    size_t count;
    char type;
    while (!viewer->leaving && (type = viewer_frame(viewer, &payload, &count)) != 0) {
        if (!obey(viewer, type, payload, count))
            return;
        viewer_frame_done(viewer);
        type_pending();
    }
}

/* False at the end of the terminal's output. */
static bool take_output(void)
{
    char bytes[READ_BYTES];
    ssize_t count = read(terminal, bytes, sizeof bytes);
    printed = count > 0;
    if (printed)
        ring_append(&ring, bytes, (size_t)count);
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Whether the shell may print on: always when nobody is attached, the ring keeps the last of it. */
static bool may_print(void)
{
    bool anybody = false;
    for (int index = 0; index < VIEWERS; index++) {
        if (!viewers[index] || !viewers[index]->attached)
            continue;
        anybody = true;
        if (ring.end - viewers[index]->position < AHEAD_BYTES)
            return true;
    }
    return !anybody;
}

static void take_relay(int listener)
{
    int relay = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct viewer *viewer = relay >= 0 ? viewer_open(relay) : NULL;
    for (int index = 0; viewer && index < VIEWERS; index++)
        if (!viewers[index]) {
            viewers[index] = viewer;
            return;
        }
    if (viewer)
        viewer_close(viewer);
}

static void look_after_shell(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == shell) {
            exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            shell = -1;
        }
    if (shell > 0 && kill_at > 0 && boot_seconds() >= kill_at)
        kill(shell, SIGKILL);
}

static void tend_viewers(const struct pollfd *slots)
{
    for (int index = 0; index < VIEWERS; index++) {
        struct viewer *viewer = viewers[index];
        if (!viewer)
            continue;
        if (slots[2 * index].revents)
            viewer_read(viewer);
        if (slots[2 * index + 1].revents & (POLLERR | POLLHUP))
            viewer->leaving = true;
        take_frames(viewer);
        viewer_pump(viewer, &ring);
        if (viewer->leaving) {
            viewer_close(viewer);
            viewers[index] = NULL;
        }
    }
}

/* One round: waits at most `milliseconds` for anything, then does what can be done. False: no more output. */
static bool round_of(int listener, int milliseconds)
{
    struct pollfd slots[2 * VIEWERS + 2];
    for (int index = 0; index < VIEWERS; index++) {
        struct viewer *viewer = viewers[index];
        bool room = viewer && viewer->in_count < sizeof viewer->in;
        slots[2 * index] = (struct pollfd){room ? viewer->input : -1, POLLIN, 0};
        short wanted = viewer && viewer_has_output(viewer, &ring) ? POLLOUT : 0;
        slots[2 * index + 1] = (struct pollfd){viewer ? viewer->output : -1, wanted, 0};
    }
    short wanted = (short)((may_print() ? POLLIN : 0) | (pending_count > 0 ? POLLOUT : 0));
    slots[2 * VIEWERS] = (struct pollfd){wanted ? terminal : -1, wanted, 0};
    slots[2 * VIEWERS + 1] = (struct pollfd){listener, POLLIN, 0};
    if (poll(slots, 2 * VIEWERS + 2, milliseconds) < 0)
        return true;
    bool more = true;
    if (slots[2 * VIEWERS].revents & (POLLIN | POLLHUP | POLLERR))
        more = may_print() ? take_output() : true;
    type_pending();
    if (slots[2 * VIEWERS + 1].revents)
        take_relay(listener);
    tend_viewers(slots);
    return more;
}

static bool all_sent(void)
{
    for (int index = 0; index < VIEWERS; index++)
        if (viewers[index] && viewer_has_output(viewers[index], &ring))
            return false;
    return true;
}

static void say_farewell(int listener)
{
    char code[4];
    double end = boot_seconds() + FAREWELL_SECONDS;
    /* What was printed last may still be in the terminal; a child in the background may hold it open. */
    bool more;
    do {
        printed = false;
        more = round_of(listener, 0);
        if (!may_print())
            pause_milliseconds(5);
    } while (boot_seconds() < end && more && (printed || !all_sent()));
    while (boot_seconds() < end && !all_sent())
        round_of(-1, 20);
    put_number(code, (uint64_t)exit_code, 4);
    for (int index = 0; index < VIEWERS; index++)
        if (viewers[index] && viewers[index]->attached)
            viewer_say(viewers[index], 'E', code, sizeof code);
    while (boot_seconds() < end && !all_sent())
        round_of(-1, 20);
}

static void on_child(int number)
{
    (void)number; /* only so that poll() returns */
}

_Noreturn void hold(int listener, const char *path, const char *command)
{
    struct sigaction child = {.sa_handler = on_child};
    sigaction(SIGCHLD, &child, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    shell = start_shell(command);
    if (shell < 0)
        exit_code = 126;
    while (exit_code < 0) {
        if (!round_of(listener, 500))
            pause_milliseconds(20); /* the shell lives and has closed its terminal; somebody may open it again */
        look_after_shell();
    }
    unlink(path); /* from here on whoever comes gets a new terminal */
    say_farewell(listener);
    exit(0);
}
