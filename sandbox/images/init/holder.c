/* The holder of a terminal: keeps a PTY with its shell, and recent output, while consoles come and go.
 *
 * A process of its own for each terminal, not PID 1: what the learner types and prints never takes time or memory
 * from the process that ends the machine at its deadline. It waits for nobody: a console that does not read makes
 * the shell wait only while it is the fastest of those attached, and one that is gone holds up nothing.
 *
 * The holder of an extra terminal ends with its shell. That of the main terminal starts the next one, on the same
 * terminal and in the same numbers; what PID 1 has to say to the learner it gets from a pipe. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "holder.h"
#include "slipway.h"

#define VIEWERS 4                 /* consoles at once: one, two while one follows another */
#define AHEAD_BYTES (64 * 1024)   /* what the shell may print that no console has read */
#define READ_BYTES (16 * 1024)
#define TURN_BYTES (32 * 1024)    /* what is taken from the shell before consoles get their turn */
#define FAREWELL_SECONDS 2.0      /* consoles have so long to read the last output */

static struct viewer *viewers[VIEWERS];
static int doors[DOORS], notes = -1;
static struct ring ring;
static int pending_count;
static char pending[FRAME_LIMIT_BYTES]; /* typed, and not yet taken by the terminal */
static bool printed; /* the latest round had output of the shell's */

static void greet(struct viewer *viewer, uint64_t after)
{
    char payload[24 + MODES_BYTES];
    bool known = after >= ring.start && after <= ring.end;
    viewer->position = known ? after : ring.start;
    viewer->attached = true;
    put_number(payload, shell.pid > 0 ? (uint64_t)shell.pid : 0, 4);
    put_number(payload + 4, viewer->position, 8);
    put_number(payload + 12, ring.end, 8);
    put_number(payload + 20, shell.size.ws_col, 2);
    put_number(payload + 22, shell.size.ws_row, 2);
    viewer_say(viewer, 'H', payload, 24 + modes_write(&ring.modes, payload + 24));
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
        shell_resize((unsigned short)take_number(payload, 2), (unsigned short)take_number(payload + 2, 2));
    } else if (type == 'X')
        shell_hang_up();
    else
        viewer->leaving = true;
    return true;
}

static void type_pending(void)
{
    if (pending_count == 0)
        return;
    ssize_t count = write(shell.terminal, pending, (size_t)pending_count);
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

/* A terminal gives no more than 4 KiB at once: several are taken before consoles are woken. False at the end of its
 * output. */
static bool take_output(void)
{
    char bytes[READ_BYTES];
    ssize_t count = 0;
    size_t taken = 0;
    while (taken < TURN_BYTES && (count = read(shell.terminal, bytes, sizeof bytes)) > 0) {
        ring_append(&ring, bytes, (size_t)count);
        taken += (size_t)count;
    }
    printed = taken > 0;
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

static void let_in(int door)
{
    int connection = accept4(doors[door], NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0)
        return;
    struct viewer *viewer = door == DOOR_EXEC ? viewer_open(connection) : viewer_of_socket(connection);
    for (int index = 0; viewer && index < VIEWERS; index++)
        if (!viewers[index]) {
            viewers[index] = viewer;
            return;
        }
    if (viewer)
        viewer_close(viewer);
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

void holder_show(const char *bytes, size_t count)
{
    ring_append(&ring, bytes, count);
}

static void take_notes(void)
{
    char bytes[4096];
    ssize_t count = read(notes, bytes, sizeof bytes);
    if (count > 0)
        holder_show(bytes, (size_t)count);
}

/* One round: waits at most `milliseconds` (-1: as long as it takes) for anything, then does what can be done. False: no more output. */
bool holder_round(int milliseconds)
{
    enum { TERMINAL = 2 * VIEWERS, NOTES, FIRST_DOOR, SLOTS = FIRST_DOOR + DOORS };
    struct pollfd slots[SLOTS];
    for (int index = 0; index < VIEWERS; index++) {
        struct viewer *viewer = viewers[index];
        bool room = viewer && viewer->in_count < sizeof viewer->in;
        slots[2 * index] = (struct pollfd){room ? viewer->input : -1, POLLIN, 0};
        short wanted = viewer && viewer_has_output(viewer, &ring) ? POLLOUT : 0;
        slots[2 * index + 1] = (struct pollfd){viewer ? viewer->output : -1, wanted, 0};
    }
    short wanted = (short)((may_print() ? POLLIN : 0) | (pending_count > 0 ? POLLOUT : 0));
    slots[TERMINAL] = (struct pollfd){wanted ? shell.terminal : -1, wanted, 0};
    slots[NOTES] = (struct pollfd){notes, POLLIN, 0};
    for (int door = 0; door < DOORS; door++)
        slots[FIRST_DOOR + door] = (struct pollfd){doors[door], POLLIN, 0};
    if (shell_wait(slots, SLOTS, milliseconds) < 0)
        return true;
    bool more = true;
    if (slots[TERMINAL].revents & (POLLIN | POLLHUP | POLLERR))
        more = may_print() ? take_output() : true;
    if (slots[NOTES].revents)
        take_notes();
    type_pending();
    for (int door = 0; door < DOORS; door++)
        if (slots[FIRST_DOOR + door].revents)
            let_in(door);
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

/* What was printed last may still be in the terminal; a child in the background may hold it open. */
void holder_take_last_output(void)
{
    double end = boot_seconds() + FAREWELL_SECONDS;
    bool more;
    do {
        printed = false;
        more = holder_round(0);
        if (!may_print())
            pause_milliseconds(5);
    } while (boot_seconds() < end && more && (printed || !all_sent()));
}

static void say_farewell(void)
{
    char code[4];
    double end = boot_seconds() + FAREWELL_SECONDS;
    holder_take_last_output();
    for (int door = 0; door < DOORS; door++)
        doors[door] = -1;
    while (boot_seconds() < end && !all_sent())
        holder_round(20);
    put_number(code, (uint64_t)shell.exit_code, 4);
    for (int index = 0; index < VIEWERS; index++)
        if (viewers[index] && viewers[index]->attached)
            viewer_say(viewers[index], 'E', code, sizeof code);
    while (boot_seconds() < end && !all_sent())
        holder_round(20);
}

void holder_begin(const int opened[DOORS], int from_init, uint64_t first_byte)
{
    memcpy(doors, opened, sizeof doors);
    notes = from_init;
    ring.start = ring.end = first_byte;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    shell_watch();
}

void holder_serve_shell(void)
{
    while (shell.exit_code < 0) {
        if (!holder_round(-1))
            pause_milliseconds(20); /* the shell lives and has closed its terminal; somebody may open it again */
        shell_look();
    }
}

_Noreturn void hold(const int opened[DOORS], const char *name, const char *command)
{
    holder_begin(opened, -1, 0);
    if (!shell_open() || !shell_start(command))
        shell.exit_code = 126;
    holder_serve_shell();
    doors_take_away(name); /* from here on whoever comes gets a new terminal */
    say_farewell();
    exit(0);
}
