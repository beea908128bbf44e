/* One console that is attached to a held terminal: frames in, frames out, never waiting for it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "holder.h"

void put_number(char *to, uint64_t value, int bytes)
{
    while (bytes-- > 0) {
        to[bytes] = (char)(value & 0xff);
        value >>= 8;
    }
}

uint64_t take_number(const char *from, int bytes)
{
    uint64_t value = 0;
    for (int index = 0; index < bytes; index++)
        value = value << 8 | (unsigned char)from[index];
    return value;
}

/* The exec sends its own standard input and output, so that bytes don't pass through one more process. */
static bool take_descriptors(int relay, int descriptors[2])
{
    char byte, space[CMSG_SPACE(2 * sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct timeval limit = {1, 0};
    setsockopt(relay, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (recvmsg(relay, &message, MSG_CMSG_CLOEXEC) != 1)
        return false;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(2 * sizeof(int)))
        return false;
    memcpy(descriptors, CMSG_DATA(head), 2 * sizeof(int));
    return true;
}

struct viewer *viewer_open(int relay)
{
    int descriptors[2];
    struct viewer *viewer = take_descriptors(relay, descriptors) ? calloc(1, sizeof *viewer) : NULL;
    if (!viewer) {
        close(relay);
        return NULL;
    }
    viewer->input = descriptors[0];
    viewer->output = descriptors[1];
    viewer->relay = relay;
    fcntl(viewer->input, F_SETFL, O_NONBLOCK);
    fcntl(viewer->output, F_SETFL, O_NONBLOCK);
    return viewer;
}

/* Whoever could come here runs as the learner or is root: both may look on by other ways as well. */
struct viewer *viewer_of_socket(int connection)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    bool known = getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    struct viewer *viewer = known && (peer.uid == 0 || peer.uid == getuid()) ? calloc(1, sizeof *viewer) : NULL;
    if (!viewer) {
        close(connection);
        return NULL;
    }
    viewer->input = viewer->output = connection;
    viewer->relay = -1;
    fcntl(connection, F_SETFL, O_NONBLOCK);
    return viewer;
}

void viewer_close(struct viewer *viewer)
{
    close(viewer->input);
    if (viewer->output != viewer->input)
        close(viewer->output);
    if (viewer->relay >= 0)
        close(viewer->relay);
    free(viewer);
}

bool viewer_has_output(const struct viewer *viewer, const struct ring *ring)
{
    return viewer->out_start < viewer->out_end || (viewer->attached && viewer->position < ring->end);
}

static void send_out(struct viewer *viewer)
{
    while (viewer->out_start < viewer->out_end) {
        ssize_t count = write(viewer->output, viewer->out + viewer->out_start, viewer->out_end - viewer->out_start);
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (count <= 0) {
            viewer->leaving = true;
            viewer->out_start = viewer->out_end;
            return;
        }
        viewer->out_start += (size_t)count;
    }
}

/* Puts a frame behind what is not sent yet. There is room: frames that are not output are few and small, and the
 * next output frame is made only when the one before is sent. */
void viewer_say(struct viewer *viewer, char type, const char *payload, size_t count)
{
    memmove(viewer->out, viewer->out + viewer->out_start, viewer->out_end - viewer->out_start);
    viewer->out_end -= viewer->out_start;
    viewer->out_start = 0;
    if (viewer->out_end + FRAME_HEAD_BYTES + count > sizeof viewer->out) {
        viewer->leaving = true;
        return;
    }
    char *frame = viewer->out + viewer->out_end;
    frame[0] = type;
    put_number(frame + 1, count, 4);
    if (payload)
        memcpy(frame + FRAME_HEAD_BYTES, payload, count);
    viewer->out_end += FRAME_HEAD_BYTES + count;
}

void viewer_pump(struct viewer *viewer, const struct ring *ring)
{
    char chunk[FRAME_LIMIT_BYTES], number[8];
    send_out(viewer);
    while (viewer->attached && viewer->out_start == viewer->out_end && viewer->position < ring->end) {
        viewer->out_start = viewer->out_end = 0;
        if (viewer->position < ring->start) {
            viewer->position = ring->start;
            put_number(number, viewer->position, 8);
            viewer_say(viewer, 'S', number, sizeof number);
        } else {
            size_t count = ring_read(ring, viewer->position, chunk, sizeof chunk);
            viewer_say(viewer, 'O', chunk, count);
            viewer->position += count;
        }
        send_out(viewer);
    }
}

bool viewer_read(struct viewer *viewer)
{
    ssize_t count = read(viewer->input, viewer->in + viewer->in_count, sizeof viewer->in - viewer->in_count);
    if (count > 0)
        viewer->in_count += (size_t)count;
    else if (count == 0 || (errno != EAGAIN && errno != EINTR))
        viewer->leaving = true;
    return count > 0;
}

char viewer_frame(struct viewer *viewer, const char **payload, size_t *count)
{
    if (viewer->in_count < FRAME_HEAD_BYTES)
        return 0;
    *count = (size_t)take_number(viewer->in + 1, 4);
    if (*count > FRAME_LIMIT_BYTES) {
        viewer->leaving = true;
        return 0;
    }
    if (viewer->in_count < FRAME_HEAD_BYTES + *count)
        return 0;
    *payload = viewer->in + FRAME_HEAD_BYTES;
    return viewer->in[0];
}

void viewer_frame_done(struct viewer *viewer)
{
    size_t used = FRAME_HEAD_BYTES + (size_t)take_number(viewer->in + 1, 4);
    viewer->in_count -= used;
    memmove(viewer->in, viewer->in + used, viewer->in_count);
}
