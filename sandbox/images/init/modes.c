/* What a terminal was told to be by output that is no longer kept: which screen it shows, how keys, mouse and pastes
 * are sent. Programs say so once, when they begin; a console that comes later must be told. The console keeps the same
 * of what it no longer has (sandbox/modes.py, which says more). */
#include <stdio.h>
#include <string.h>

#include "holder.h"

#define ESCAPE '\x1b'
#define NO_MODE 10000 /* a number that is larger than any mode's */

/* The slots that a soft reset reaches come first. */
enum { CURSOR_KEYS, WRAP, CURSOR, KEYPAD, FOCUS, PASTE, SCREEN, MOUSE, MOUSE_UTF8, MOUSE_URXVT, MOUSE_FORM };
static const struct {
    unsigned short number;
    unsigned char slot;
} known[] = {
    {1, CURSOR_KEYS},     {7, WRAP},       {25, CURSOR},         {66, KEYPAD},       {1004, FOCUS},
    {2004, PASTE},        {47, SCREEN},    {1047, SCREEN},       {1049, SCREEN},     {9, MOUSE},
    {1000, MOUSE},        {1002, MOUSE},   {1003, MOUSE},        {1005, MOUSE_UTF8}, {1015, MOUSE_URXVT},
    {1006, MOUSE_FORM},   {1016, MOUSE_FORM},
};
#define KNOWN (sizeof known / sizeof known[0])

static bool usually_on(size_t slot)
{
    return slot == WRAP || slot == CURSOR;
}

static void switch_mode(struct modes *modes, unsigned number, bool on)
{
    for (size_t index = 0; index < KNOWN; index++)
        if (known[index].number == number)
            modes->unusual[known[index].slot] = on != usually_on(known[index].slot) ? known[index].number : 0;
}

/* DECSET, DECRST: "ESC [ ?", numbers, "h" or "l", which is not among `begun` any more. */
static void switch_all(struct modes *modes, bool on)
{
    unsigned number = 0;
    for (size_t at = 3; at < modes->begun_count; at++)
        if (modes->begun[at] != ';' && (modes->begun[at] < '0' || modes->begun[at] > '9'))
            return;
    for (size_t at = 3; at < modes->begun_count; at++) {
        if (modes->begun[at] == ';') {
            switch_mode(modes, number, on);
            number = 0;
        } else if (number < NO_MODE)
            number = number * 10 + (unsigned)(modes->begun[at] - '0');
    }
    switch_mode(modes, number, on);
}

static void soft_reset(struct modes *modes)
{
    for (size_t slot = 0; slot < SCREEN; slot++)
        modes->unusual[slot] = 0;
}

static void obey(struct modes *modes, char last)
{
    if (modes->begun_count == 1) {
        if (last == 'c')
            memset(modes->unusual, 0, sizeof modes->unusual);
        else if (last == '=' || last == '>')
            switch_mode(modes, 66, last == '=');
    } else if (modes->begun[1] == '[') {
        if (modes->begun_count >= 3 && modes->begun[2] == '?' && (last == 'h' || last == 'l'))
            switch_all(modes, last == 'h');
        else if (modes->begun_count == 3 && modes->begun[2] == '!' && last == 'p')
            soft_reset(modes);
    }
}

/* Whether a sequence goes on with this byte. */
static bool goes_on(const struct modes *modes, char byte)
{
    if (modes->begun_count > 1 && modes->begun[1] == '[')
        return byte >= ' ' && byte <= '?';
    return (byte >= ' ' && byte <= '/') || (byte == '[' && modes->begun_count == 1);
}

static void pass_byte(struct modes *modes, char byte)
{
    if (byte == ESCAPE)
        modes->begun_count = 0;
    else if (!goes_on(modes, byte)) {
        obey(modes, byte);
        modes->begun_count = 0;
        return;
    } else if (modes->begun_count == sizeof modes->begun) {
        modes->begun_count = 0;
        return;
    }
    modes->begun[modes->begun_count++] = byte;
}

void modes_pass(struct modes *modes, const char *bytes, size_t count)
{
    const char *end = bytes + count;
    while (bytes < end) {
        if (modes->begun_count == 0 && !(bytes = memchr(bytes, ESCAPE, (size_t)(end - bytes))))
            return;
        pass_byte(modes, *bytes++);
    }
}

size_t modes_write(const struct modes *modes, char text[MODES_BYTES])
{
    size_t length = 0;
    for (size_t slot = 0; slot < MODE_SLOTS; slot++)
        if (modes->unusual[slot]) {
            char end = usually_on(slot) ? 'l' : 'h';
            length += (size_t)snprintf(text + length, MODES_BYTES - length, "\x1b[?%u%c", modes->unusual[slot], end);
        }
    memcpy(text + length, modes->begun, modes->begun_count);
    return length + modes->begun_count;
}
