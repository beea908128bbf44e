/* Between a terminal's holder and the platform, over an exec's standard input and output or over a socket in the
 * machine's network namespace (the abstract name "slipway/NAME"): frames of type (1 byte), length (4 bytes), payload; numbers big endian.
 *
 * from the platform                          from the holder
 *   A after:8        attach (~0: from the       H pid:4 start:8 end:8 columns:2 rows:2 modes
 *                    oldest byte there is)                                               output begins at byte `start`
 *                                               O bytes                                  output
 *   I bytes          typed                      S position:8                             output goes on at that byte
 *   R columns:2 rows:2                          E code:4                                 the shell ended; the last frame
 *   X                end the shell
 *
 * `modes` is what brings a terminal into the modes in which the oldest byte that is kept was printed.
 * The main terminal's holder sends no E: markers in the output say that a shell ended and another one came. */
#ifndef HOLDER_H
#define HOLDER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>

#define FRAME_HEAD_BYTES 5
#define FRAME_LIMIT_BYTES (16 * 1024)

/* modes.c: what a terminal was told to be, by bytes that may be cut anywhere */
#define MODE_SLOTS 11
#define SEQUENCE_BYTES 256 /* one that is longer is none */
#define MODES_BYTES (MODE_SLOTS * 8 + SEQUENCE_BYTES + 1)
struct modes {
    unsigned short unusual[MODE_SLOTS]; /* of each slot the mode that is not as usual, 0 for none */
    char begun[SEQUENCE_BYTES];         /* a sequence that has not ended */
    size_t begun_count;
};
void modes_pass(struct modes *modes, const char *bytes, size_t count);
size_t modes_write(const struct modes *modes, char text[MODES_BYTES]);

/* ring.c: recent output by the number of its bytes since the shell began; memory grows with what was printed */
struct ring {
    char *bytes;
    size_t capacity;
    uint64_t start, end;
    struct modes modes; /* by what is before `start` */
};
bool ring_append(struct ring *ring, const char *bytes, size_t count);
size_t ring_read(const struct ring *ring, uint64_t position, char *bytes, size_t limit);

/* viewer.c: one console that is attached */
struct viewer {
    int input, output; /* the exec's standard input and output, or a socket twice */
    int relay;         /* the socket whose end lets the exec end; -1 for a console that came by itself */
    bool attached, leaving;
    uint64_t position;
    char in[FRAME_HEAD_BYTES + FRAME_LIMIT_BYTES], out[FRAME_HEAD_BYTES + FRAME_LIMIT_BYTES];
    size_t in_count, out_start, out_end;
};
struct viewer *viewer_open(int relay);
struct viewer *viewer_of_socket(int connection);
void viewer_close(struct viewer *viewer);
bool viewer_has_output(const struct viewer *viewer, const struct ring *ring);
void viewer_say(struct viewer *viewer, char type, const char *payload, size_t count);
void viewer_pump(struct viewer *viewer, const struct ring *ring);
/* Reads what came; the next whole frame, or 0 for none. `payload` is good until the next call. */
bool viewer_read(struct viewer *viewer);
char viewer_frame(struct viewer *viewer, const char **payload, size_t *count);
void viewer_frame_done(struct viewer *viewer);

void put_number(char *to, uint64_t value, int bytes);
uint64_t take_number(const char *from, int bytes);

/* doors.c: where a holder is reached */
enum { DOOR_EXEC, DOOR_DIRECT, DOORS }; /* execs of this machine, consoles that come by themselves; -1: there is none */
bool doors_valid(const char *name);
int doors_reach(const char *name);
bool doors_open(const char *name, int doors[DOORS]);
void doors_take_away(const char *name);

/* held_shell.c: the terminal and the shell on it */
struct held_shell {
    int terminal; /* the PTY's own end, -1 before it is open */
    pid_t pid;    /* -1 while there is none */
    int exit_code;
    double started_at;
    struct winsize size;
};
extern struct held_shell shell;
void shell_watch(void);
/* poll() that returns also when a child has ended, or it is time to look after one that was told to end. */
int shell_wait(struct pollfd *slots, size_t count, int milliseconds);
bool shell_open(void);
bool shell_start(const char *command);
void shell_resize(unsigned short columns, unsigned short rows);
void shell_hang_up(void);
void shell_look(void); /* whether it has ended */

/* holder.c: between the terminal and its consoles */
void holder_begin(const int doors[DOORS], int from_init, uint64_t first_byte);
bool holder_round(int milliseconds);
void holder_show(const char *bytes, size_t count);
void holder_serve_shell(void); /* until it has ended */
void holder_take_last_output(void);
_Noreturn void hold(const int doors[DOORS], const char *name, const char *command);

/* main_terminal.c */
_Noreturn void hold_main(const char *command, int from_init, uint64_t first_byte);

#endif
