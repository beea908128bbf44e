/* Recent output of a held terminal, by the number of its bytes since the shell began. */
#include <stdlib.h>
#include <string.h>

#include "holder.h"

#define FIRST_BYTES (8 * 1024)
#define LARGEST_BYTES (256 * 1024)

/* A byte's place is its number modulo the capacity, so a larger ring is filled anew. */
static bool grow(struct ring *ring, size_t wanted)
{
    size_t capacity = ring->capacity ? ring->capacity : FIRST_BYTES;
    while (capacity < wanted && capacity < LARGEST_BYTES)
        capacity *= 2;
    if (capacity == ring->capacity)
        return true;
    char *bytes = malloc(capacity);
    if (!bytes)
        return ring->capacity > 0; /* no memory to grow: the ring goes on as it is */
    for (uint64_t at = ring->start; at < ring->end; at++)
        bytes[at % capacity] = ring->bytes[at % ring->capacity];
    free(ring->bytes);
    ring->bytes = bytes;
    ring->capacity = capacity;
    return true;
}

/* Bytes that make room are read once more before they are gone. */
static void let_go(struct ring *ring, uint64_t until)
{
    while (ring->start < until) {
        size_t place = (size_t)(ring->start % ring->capacity), part = ring->capacity - place;
        if (part > until - ring->start)
            part = (size_t)(until - ring->start);
        modes_pass(&ring->modes, ring->bytes + place, part);
        ring->start += part;
    }
}

bool ring_append(struct ring *ring, const char *bytes, size_t count)
{
    if (!grow(ring, (size_t)(ring->end - ring->start) + count))
        return false;
    while (count > 0) {
        size_t place = (size_t)(ring->end % ring->capacity), room = ring->capacity - place;
        size_t part = count < room ? count : room;
        if (ring->end + part > ring->capacity)
            let_go(ring, ring->end + part - ring->capacity);
        memcpy(ring->bytes + place, bytes, part);
        ring->end += part;
        bytes += part;
        count -= part;
    }
    return true;
}

size_t ring_read(const struct ring *ring, uint64_t position, char *bytes, size_t limit)
{
    size_t count = 0;
    while (count < limit && position < ring->end) {
        size_t place = (size_t)(position % ring->capacity), part = ring->capacity - place;
        if (part > ring->end - position)
            part = (size_t)(ring->end - position);
        if (part > limit - count)
            part = limit - count;
        memcpy(bytes + count, ring->bytes + place, part);
        count += part;
        position += part;
    }
    return count;
}
