/* What the files of slipway-agent share: the program inside a guest that the machine around it talks to.
 *
 * Frames, both ways, on the virtio serial port named PORT_NAME: type (1 byte), channel and length (4 bytes each,
 * little-endian), then so many bytes. A channel is one program that was asked for; channel 0 is the guest itself. */
#ifndef SLIPWAY_AGENT_H
#define SLIPWAY_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PORT_NAME "slipway.control"
#define RUN_DIR "/run/slipway"
#define GO_FIFO RUN_DIR "/go"            /* a console waits here until the guest may let somebody in */
#define GONE_FILE RUN_DIR "/went"        /* exists: it may */
#define SESSION_FILE RUN_DIR "/session"  /* process id of the console's shell */
#define MODE_FILE RUN_DIR "/console"     /* "auto" or "prompt" */

#define HEADER_BYTES 9
#define PAYLOAD_LIMIT 65536

enum frame {
    /* to the guest */
    GO = 'G',         /* host name, clock, seed, console mode: let somebody in */
    RUN = 'R',        /* start a program on a new channel */
    INPUT = 'I',      /* its standard input; an empty one ends it */
    KILL = 'K',       /* end it and its process group */
    SIZE = 'W',       /* rows and columns of the console */
    CLOCK = 'C',      /* set the clock */
    /* from the guest */
    HELLO = 'H',      /* the agent runs */
    FACTS = 'F',      /* kernel release, boot id, host name: the answer to GO */
    SESSION = 'S',    /* process id of the console's shell; 0 when it ended */
    OUTPUT = 'O',     /* standard output of a channel */
    ERRORS = 'E',     /* standard error of a channel */
    EXIT = 'X',       /* exit code of a channel, which is over now */
};

/* port.c: the frames */
int port_open(void);                      /* waits for the device; the descriptor to poll */
bool port_read(void);                     /* false: the other end is not there */
bool port_next(uint8_t *type, uint32_t *channel, uint8_t **payload, size_t *length);
void port_send(uint8_t type, uint32_t channel, const void *payload, size_t length);

/* programs.c: programs on channels */
void program_start(uint32_t channel, uint8_t *payload, size_t length);
void program_input(uint32_t channel, const uint8_t *payload, size_t length);
void program_kill(uint32_t channel);
void programs_reap(void);
struct pollfd;
size_t programs_poll(struct pollfd *slots);          /* fills in what to wait for; how many */
void programs_serve(const struct pollfd *slots, size_t count);
#define PROGRAM_SLOTS 48

/* accounts.c: users */
struct passwd;
struct passwd *account(const char *name); /* NULL: there is none of that name */
bool become(const struct passwd *user);   /* its groups, its ids, its folder */

/* guest.c: the guest itself */
void guest_go(const uint8_t *payload, size_t length);
void guest_set_clock(const uint8_t *payload, size_t length);
void guest_set_size(const uint8_t *payload, size_t length);
void guest_prepare(void);                 /* folders and the gate, before anything else */
int guest_watch(void);                    /* a descriptor that is readable when a console has begun */
void guest_report_session(void);          /* tell the new console's process, watch for its end */
int guest_session(void);                  /* a descriptor that is readable when it ended, or -1 */
void guest_session_ended(void);

/* console.c: `slipway-agent console`, what init runs on the serial port */
int console_main(void);

#endif
