/* slipway-agent: runs in every guest, started by its init.
 *
 *   slipway-agent            serves the control port: run programs, set clock, name and size
 *   slipway-agent console    the serial console's login */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent.h"

static void obey(uint8_t type, uint32_t channel, uint8_t *payload, size_t length)
{
    switch (type) {
    case GO: guest_go(payload, length); break;
    case RUN: program_start(channel, payload, length); break;
    case INPUT: program_input(channel, payload, length); break;
    case KILL: program_kill(channel); break;
    case SIZE: guest_set_size(payload, length); break;
    case CLOCK: guest_set_clock(payload, length); break;
    default: break; /* a newer platform's: nothing that this agent can do */
    }
}

static void serve_port(void)
{
    uint8_t type, *payload;
    uint32_t channel;
    size_t length;
    if (!port_read())
        return;
    while (port_next(&type, &channel, &payload, &length))
        obey(type, channel, payload, length);
}

static void empty(int descriptor)
{
    char bytes[4096];
    while (read(descriptor, bytes, sizeof bytes) > 0)
        ;
}

static void serve(int port, int children, int watch)
{
    struct pollfd slots[4 + PROGRAM_SLOTS];
    for (;;) {
        slots[0] = (struct pollfd){port, POLLIN, 0};
        slots[1] = (struct pollfd){children, POLLIN, 0};
        slots[2] = (struct pollfd){watch, POLLIN, 0};
        slots[3] = (struct pollfd){guest_session(), POLLIN, 0};
        size_t count = programs_poll(slots + 4);
        if (poll(slots, 4 + count, -1) < 0 && errno != EINTR)
            continue;
        programs_serve(slots + 4, count);
        if (slots[1].revents) {
            empty(children);
            programs_reap();
        }
        if (slots[3].revents)
            guest_session_ended();
        if (slots[2].revents) {
            empty(watch);
            guest_report_session();
        }
        if (slots[0].revents)
            serve_port();
    }
}

int main(int argc, char **argv)
{
    sigset_t children;
    guest_prepare();
    if (argc == 2 && strcmp(argv[1], "console") == 0)
        return console_main();
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    int child_ended = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    int watch = guest_watch();
    int port = port_open();
    port_send(HELLO, 0, "", 0);
    serve(port, child_ended, watch);
}
