/* Small clients and a server, so that the machine images need no extra program for them.
 *
 *   connect PORT [HOST]             stdin/stdout <-> TCP, for port previews over an exec stream
 *   await-engine SOCKET SECONDS     waits until an engine answers GET /_ping on a Unix socket
 *   forward PORT SOCKET [ADDRESS]   TCP <-> Unix socket, in the background, for the operator's egress proxy */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "slipway.h"

#define PING_INTERVAL_MILLISECONDS 20
/* How long an answer may last after the input's end. A client that closed its half gets its answer; of one that
 * left altogether the same is seen, and an app that streams or never answers would keep the tunnel for ever. */
#define LINGER_SECONDS 5

/* One direction of a tunnel. Bytes that were read and not yet written stay here, so that a slow reader on
 * one side never blocks the other direction. */
struct direction {
    int from, to;
    char bytes[65536];
    size_t start, end;
    bool finished;
};

/* HOST is an address, never a name: a static program can't use the resolver of every system it runs on. */
static int open_tcp(const char *host, const char *port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4.sin_port};
    bool is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
    if (v4.sin_port == 0 || (!is_v4 && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)) {
        errno = EINVAL;
        return -1;
    }
    const struct sockaddr *address = is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
    int connection = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection >= 0 && connect(connection, address, is_v4 ? sizeof v4 : sizeof v6) != 0) {
        int reason = errno;
        close(connection);
        errno = reason;
        connection = -1;
    }
    return connection;
}

/* End of input on one side is passed on as end of output on the other, and no more than that: an HTTP client
 * may close its half and still wait for the answer. */
static void finish(struct direction *way)
{
    way->finished = true;
    if (shutdown(way->to, SHUT_WR) != 0)
        close(way->to);
}

static void step(struct direction *way, short read_events, short write_events)
{
    if (way->finished)
        return;
    if (way->start == way->end && read_events) {
        ssize_t count = read(way->from, way->bytes, sizeof way->bytes);
        if (count <= 0) {
            if (count == 0 || (errno != EINTR && errno != EAGAIN))
                finish(way);
            return;
        }
        way->start = 0;
        way->end = (size_t)count;
    } else if (way->start < way->end && write_events) {
        ssize_t count = write(way->to, way->bytes + way->start, way->end - way->start);
        if (count < 0 && errno != EINTR && errno != EAGAIN)
            finish(way);
        else if (count > 0)
            way->start += (size_t)count;
    }
}

static struct pollfd wanted(const struct direction *way)
{
    bool writing = way->start < way->end;
    return (struct pollfd){way->finished ? -1 : writing ? way->to : way->from, writing ? POLLOUT : POLLIN, 0};
}

static void tunnel(int connection)
{
    static struct direction up, down;
    up.from = STDIN_FILENO;
    up.to = down.from = connection;
    down.to = STDOUT_FILENO;
    double deadline = 0;
    /* Room for a byte is not room for a buffer: a write that waited would hold up the other direction. */
    fcntl(connection, F_SETFL, O_NONBLOCK);
    fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    /* The answer's end ends the tunnel: nobody is left to send to. */
    while (!down.finished && (deadline == 0 || boot_seconds() < deadline)) {
        /* The third notices the input's end while an app that does not read keeps the first from it. */
        struct pollfd slots[3] = {wanted(&up), wanted(&down), {deadline == 0 ? STDIN_FILENO : -1, 0, 0}};
        if (poll(slots, 3, deadline == 0 ? -1 : LINGER_SECONDS * 1000) < 0 && errno != EINTR)
            return;
        if (slots[2].revents)
            deadline = boot_seconds() + LINGER_SECONDS;
        step(&up, slots[0].revents, slots[0].revents);
        step(&down, slots[1].revents, slots[1].revents);
    }
}

int connect_main(int argc, char **argv)
{
    const char *host = argc > 3 ? argv[3] : "127.0.0.1";
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: slipway-init connect PORT [HOST]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int connection = open_tcp(host, argv[2]);
    if (connection < 0) {
        fprintf(stderr, "slipway-init: %s port %s: %s\n", host, argv[2], strerror(errno));
        return 1;
    }
    tunnel(connection);
    return 0;
}

static int open_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection >= 0 && connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
        close(connection);
        connection = -1;
    }
    return connection;
}

/* A listening socket, or -1. A port that is taken is served by an earlier `forward`: that is no error. */
static int listen_tcp(const char *host, const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
        bind(server, (struct sockaddr *)&address, sizeof address) != 0 || listen(server, 64) != 0) {
        close(server);
        return -1;
    }
    return server;
}

/* In a child for each connection: one that ends or fails takes no other with it. */
static void forward_one(int client, const char *path)
{
    int connection = open_unix(path);
    if (connection < 0)
        _exit(1);
    dup2(client, STDIN_FILENO);
    dup2(client, STDOUT_FILENO);
    close(client);
    tunnel(connection);
    _exit(0);
}

int forward_main(int argc, char **argv)
{
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: slipway-init forward PORT SOCKET [ADDRESS]\n");
        return 2;
    }
    int server = listen_tcp(argc > 4 ? argv[4] : "127.0.0.1", argv[2]);
    if (server < 0)
        return errno == EADDRINUSE ? 0 : 1;
    /* Behind whoever started it, and out of the session of its terminal. */
    if (fork() != 0)
        return 0;
    setsid();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN); /* the kernel reaps */
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int number = 0; number < 3; number++)
        dup2(nothing, number);
    for (;;) {
        int client = accept4(server, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0) {
            pause_milliseconds(100); /* out of descriptors or of processes: somebody has to end first */
            continue;
        }
        if (fork() == 0)
            forward_one(client, argv[3]);
        close(client);
    }
}

static bool engine_answers(const char *path)
{
    static const char request[] = "GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n";
    struct timeval limit = {2, 0};
    char answer[64] = "";
    int connection = open_unix(path);
    if (connection < 0)
        return false;
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    bool answered = write(connection, request, sizeof request - 1) == (ssize_t)(sizeof request - 1) &&
                    read(connection, answer, sizeof answer - 1) > 0 && strstr(answer, " 200 ") != NULL;
    close(connection);
    return answered;
}

int await_engine_main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: slipway-init await-engine SOCKET SECONDS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    double end = boot_seconds() + strtod(argv[3], NULL);
    while (!engine_answers(argv[2])) {
        if (boot_seconds() > end) {
            fprintf(stderr, "slipway-init: no engine answered on %s within %s s\n", argv[2], argv[3]);
            return 1;
        }
        pause_milliseconds(PING_INTERVAL_MILLISECONDS);
    }
    return 0;
}
