/* bridge SOCKET: joins the machine's main TTY with the guest's serial console, which the supervisor keeps.
 *
 * Keys and sizes go to the socket as frames (`agent/agent.h`), output comes back as it is. The TTY is raw: Ctrl-C is
 * for the guest. When the supervisor is away it is connected again; the learner's terminal never goes dead. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define HEADER_BYTES 9
#define INPUT 'I'
#define SIZE 'W'
#define AGAIN_NANOSECONDS 200000000L

static bool write_all(int target, const void *bytes, size_t count)
{
    const char *at = bytes;
    while (count > 0) {
        ssize_t written = write(target, at, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        count -= (size_t)written;
    }
    return true;
}

static bool send_frame(int connection, char type, const void *payload, uint32_t length)
{
    unsigned char header[HEADER_BYTES] = {(unsigned char)type};
    for (int index = 0; index < 4; index++)
        header[5 + index] = (unsigned char)(length >> 8 * index);
    return write_all(connection, header, sizeof header) && write_all(connection, payload, length);
}

static bool send_size(int connection)
{
    struct winsize window;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0)
        return true;
    uint16_t size[2] = {window.ws_row, window.ws_col};
    return send_frame(connection, SIZE, size, sizeof size);
}

static void raw_terminal(void)
{
    struct termios settings;
    if (tcgetattr(STDIN_FILENO, &settings) != 0)
        return;
    cfmakeraw(&settings);
    tcsetattr(STDIN_FILENO, TCSANOW, &settings);
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection >= 0 && connect(connection, (struct sockaddr *)&address, sizeof address) == 0)
        return connection;
    if (connection >= 0)
        close(connection);
    return -1;
}

/* One step in each direction; false when the supervisor has left. Ends with the TTY. */
static bool step(int connection, struct pollfd *slots)
{
    static char bytes[65536];
    struct signalfd_siginfo signals[4];
    if (slots[2].revents && read(slots[2].fd, signals, sizeof signals) > 0 && !send_size(connection))
        return false;
    if (slots[0].revents) {
        ssize_t count = read(STDIN_FILENO, bytes, 4096);
        if (count <= 0)
            _exit(0);
        if (!send_frame(connection, INPUT, bytes, (uint32_t)count))
            return false;
    }
    if (slots[1].revents) {
        ssize_t count = read(connection, bytes, sizeof bytes);
        if (count <= 0)
            return false;
        if (!write_all(STDOUT_FILENO, bytes, (size_t)count))
            _exit(0);
    }
    return true;
}

static void join(int connection, int resized)
{
    bool there = send_size(connection);
    while (there) {
        struct pollfd slots[3] = {{STDIN_FILENO, POLLIN, 0}, {connection, POLLIN, 0}, {resized, POLLIN, 0}};
        if (poll(slots, 3, -1) > 0)
            there = step(connection, slots);
    }
}

int main(int argc, char **argv)
{
    sigset_t watched;
    if (argc != 2) {
        fprintf(stderr, "usage: bridge SOCKET\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&watched);
    sigaddset(&watched, SIGWINCH);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    int resized = signalfd(-1, &watched, SFD_CLOEXEC);
    raw_terminal();
    for (;;) {
        int connection = connect_to(argv[1]);
        if (connection >= 0) {
            join(connection, resized);
            close(connection);
        }
        struct timespec pause = {0, AGAIN_NANOSECONDS};
        nanosleep(&pause, NULL);
    }
}
