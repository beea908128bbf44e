/* `slipway-init terminal NAME COMMAND`: attach to a terminal of this machine, an extra one made now if there is none.
 * `slipway-init end-terminal NAME`: end its shell.
 *
 * Run by the platform with exec; standard input and output carry the frames of holder.h. The holder takes both
 * over, and this process only waits, because an exec lasts as long as its process. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holder.h"
#include "slipway.h"

#define END_SECONDS 3
#define MAIN_SECONDS 2.0 /* PID 1 starts the main terminal's holder, at once when it is gone */

static void become_holder(const int doors[DOORS], const char *name, const char *command)
{
    static const char *const own[] = {"SLIPWAY_DEADLINE_SECONDS", "SLIPWAY_STOP_SECONDS", "SLIPWAY_SERVICE_SECONDS",
                                      "SLIPWAY_CGROUP_TRIES"};
    for (size_t index = 0; index < sizeof own / sizeof *own; index++)
        unsetenv(own[index]);
    setsid();
    if (fork() != 0)
        _exit(0); /* so that PID 1 is the parent, which reaps */
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int descriptor = 0; descriptor < 3; descriptor++)
        dup2(nothing, descriptor);
    hold(doors, name, command);
}

static pid_t start_holder(const char *name, const char *command, int lock)
{
    int doors[DOORS];
    if (!doors_open(name, doors))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(lock);
        become_holder(doors, name, command);
    }
    for (int door = 0; door < DOORS; door++)
        if (doors[door] >= 0)
            close(doors[door]);
    return pid;
}

/* The lock decides between two that come at once: the second finds what the first one made. */
static int reach_or_make(const char *name, const char *command)
{
    mkdir(TERMINALS_DIR, 0700);
    int lock = open(TERMINALS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX) != 0)
        return -1;
    int connection = doors_reach(name);
    if (connection < 0) {
        pid_t pid = start_holder(name, command, lock);
        if (pid > 0) {
            waitpid(pid, NULL, 0);
            connection = doors_reach(name);
        }
    }
    close(lock);
    return connection;
}

static int reach_main(void)
{
    double end = boot_seconds() + MAIN_SECONDS;
    int connection;
    while ((connection = doors_reach(MAIN_TERMINAL)) < 0 && boot_seconds() < end)
        pause_milliseconds(20);
    return connection;
}

static bool hand_over(int connection, int input, int output)
{
    char byte = 0, space[CMSG_SPACE(2 * sizeof(int))] = {0};
    int descriptors[2] = {input, output};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof descriptors);
    memcpy(CMSG_DATA(head), descriptors, sizeof descriptors);
    return sendmsg(connection, &message, 0) == 1;
}

static void wait_for_end(int connection)
{
    char byte;
    ssize_t count;
    do
        count = read(connection, &byte, 1);
    while (count > 0 || (count < 0 && errno == EINTR));
}

int terminal_main(int argc, char **argv)
{
    if (argc != 4 || !doors_valid(argv[2])) {
        fprintf(stderr, "usage: slipway-init terminal NAME COMMAND\n");
        return 2;
    }
    bool is_main = strcmp(argv[2], MAIN_TERMINAL) == 0;
    int connection = is_main ? reach_main() : reach_or_make(argv[2], argv[3]);
    if (connection < 0 || !hand_over(connection, STDIN_FILENO, STDOUT_FILENO)) {
        fprintf(stderr, "slipway-init: no terminal: %s\n", strerror(errno));
        return 1;
    }
    /* The holder has them now; its end of the output must be the last one. */
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    wait_for_end(connection);
    return 0;
}

int end_terminal_main(int argc, char **argv)
{
    if (argc != 3 || !doors_valid(argv[2])) {
        fprintf(stderr, "usage: slipway-init end-terminal NAME\n");
        return 2;
    }
    struct timeval limit = {END_SECONDS, 0};
    static const char frame[FRAME_HEAD_BYTES] = {'X'};
    int connection = doors_reach(argv[2]), ends[2], nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (connection < 0)
        return 0; /* it has ended already */
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (pipe2(ends, O_CLOEXEC) != 0 || write(ends[1], frame, sizeof frame) != sizeof frame ||
        !hand_over(connection, ends[0], nothing))
        return 1;
    close(ends[0]);
    char byte;
    return read(connection, &byte, 1) == 0 ? 0 : 1;
}
