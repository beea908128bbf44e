/* Frames on the virtio serial port. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define PORTS "/sys/class/virtio-ports"
#define LOOK_AGAIN_NANOSECONDS 20000000L

static int port = -1;
static uint8_t input[2 * (PAYLOAD_LIMIT + HEADER_BYTES)];
static size_t start, end;

static void pause_shortly(void)
{
    struct timespec length = {0, LOOK_AGAIN_NANOSECONDS};
    nanosleep(&length, NULL);
}

static bool is_ours(const char *device)
{
    char path[300], name[64] = "";
    snprintf(path, sizeof path, PORTS "/%s/name", device);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool found = fgets(name, sizeof name, file) && strncmp(name, PORT_NAME, strlen(PORT_NAME)) == 0;
    fclose(file);
    return found;
}

static int find(void)
{
    char path[300];
    int found = -1;
    DIR *ports = opendir(PORTS);
    if (!ports)
        return -1;
    for (struct dirent *entry; found < 0 && (entry = readdir(ports));) {
        if (entry->d_name[0] == '.' || !is_ours(entry->d_name))
            continue;
        snprintf(path, sizeof path, "/dev/%s", entry->d_name);
        found = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    closedir(ports);
    return found;
}

int port_open(void)
{
    while ((port = find()) < 0)
        pause_shortly();
    return port;
}

bool port_read(void)
{
    if (start > 0) {
        memmove(input, input + start, end - start);
        end -= start;
        start = 0;
    }
    ssize_t count = read(port, input + end, sizeof input - end);
    if (count > 0)
        end += (size_t)count;
    else if (count == 0 || (errno != EAGAIN && errno != EINTR))
        pause_shortly(); /* nobody at the other end: the port stays readable and says nothing */
    return count > 0;
}

static uint32_t number(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put_number(uint8_t *bytes, uint32_t value)
{
    for (int index = 0; index < 4; index++)
        bytes[index] = (uint8_t)(value >> 8 * index);
}

bool port_next(uint8_t *type, uint32_t *channel, uint8_t **payload, size_t *length)
{
    if (end - start < HEADER_BYTES)
        return false;
    *type = input[start];
    *channel = number(input + start + 1);
    *length = number(input + start + 5);
    if (*length > PAYLOAD_LIMIT) {
        start = end; /* not a frame: what was read belongs to nobody any more */
        return false;
    }
    if (end - start < HEADER_BYTES + *length)
        return false;
    *payload = input + start + HEADER_BYTES;
    start += HEADER_BYTES + *length;
    return true;
}

/* Whole frames only, however long it takes: half a frame would make the rest unreadable. */
static void write_all(const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(port, bytes, count);
        if (written > 0) {
            bytes += written;
            count -= (size_t)written;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            pause_shortly();
        struct pollfd room = {port, POLLOUT, 0};
        poll(&room, 1, 100);
    }
}

void port_send(uint8_t type, uint32_t channel, const void *payload, size_t length)
{
    static uint8_t frame[HEADER_BYTES + PAYLOAD_LIMIT];
    frame[0] = type;
    put_number(frame + 1, channel);
    put_number(frame + 5, (uint32_t)length);
    if (length > 0)
        memcpy(frame + HEADER_BYTES, payload, length);
    write_all(frame, HEADER_BYTES + length);
}
