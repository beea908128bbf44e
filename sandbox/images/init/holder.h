/* Between a terminal's holder and the platform: frames of type (1 byte), length (4 bytes), payload; numbers big endian.
 *
 * from the platform                          from the holder
 *   A after:8        attach (~0: from the       H pid:4 start:8 end:8 columns:2 rows:2   output begins at byte `start`
 *                    oldest byte there is)      O bytes                                  output
 *   I bytes          typed                      S position:8                             output goes on at that byte
 *   R columns:2 rows:2                          E code:4                                 the shell ended; the last frame
 *   X                end the shell */
#ifndef HOLDER_H
#define HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEAD_BYTES 5
#define FRAME_LIMIT_BYTES (16 * 1024)

/* ring.c: recent output by the number of its bytes since the shell began; memory grows with what was printed */
struct ring {
    char *bytes;
    size_t capacity;
    uint64_t start, end;
};
bool ring_append(struct ring *ring, const char *bytes, size_t count);
size_t ring_read(const struct ring *ring, uint64_t position, char *bytes, size_t limit);

/* viewer.c: one console that is attached */
struct viewer {
    int input, output, relay; /* the exec's standard input and output; the socket whose end lets the exec end */
    bool attached, leaving;
    uint64_t position;
    char in[FRAME_HEAD_BYTES + FRAME_LIMIT_BYTES], out[FRAME_HEAD_BYTES + FRAME_LIMIT_BYTES];
    size_t in_count, out_start, out_end;
};
struct viewer *viewer_open(int relay);
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

/* holder.c */
_Noreturn void hold(int listener, const char *path, const char *command);

#endif
