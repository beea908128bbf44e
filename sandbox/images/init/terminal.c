/* What slipway-init writes to the container's TTY: lines for the learner, and markers for the platform.
 *
 * A marker is an OSC 777 sequence. Terminals drop sequences they do not know, so a learner never sees one,
 * and the platform reads them from the same byte stream that it shows: no second channel to keep in step. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include "slipway.h"

#define WRITE_PATIENCE_MILLISECONDS 500

static struct termios first_settings;
static bool have_settings;
static int output = STDOUT_FILENO;
static void (*copy_to)(const char *bytes, size_t count);

/* A TTY that is gone, or whose output the learner stopped, must not stop PID 1 from doing its other work. */
static void write_all(const char *bytes, size_t count)
{
    if (copy_to)
        copy_to(bytes, count);
    while (count > 0) {
        ssize_t written = write(output, bytes, count);
        if (written < 0 && errno == EAGAIN) {
            struct pollfd room = {output, POLLOUT, 0};
            if (poll(&room, 1, WRITE_PATIENCE_MILLISECONDS) > 0)
                continue;
        }
        if (written <= 0)
            return;
        bytes += written;
        count -= (size_t)written;
    }
}

void terminal_remember(void)
{
    have_settings = tcgetattr(STDIN_FILENO, &first_settings) == 0;
    /* Opened anew, because whether writes may wait belongs to the opening, and the shell shares the first one. */
    int own = open("/proc/self/fd/1", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (have_settings && own >= 0)
        output = own;
}

void terminal_restore(void)
{
    if (!have_settings)
        return;
    tcsetattr(STDIN_FILENO, TCSANOW, &first_settings);
    tcflow(STDIN_FILENO, TCOON);
}

void terminal_copy(void (*copy)(const char *bytes, size_t count))
{
    copy_to = copy;
}

void say(const char *format, ...)
{
    char line[512], whole[600];
    va_list values;
    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    /* Attributes off and cursor on first: the program before may have left both changed. */
    int length = snprintf(whole, sizeof whole, "\x1b[0m\x1b[?25h\r\n\x1b[2m[%s]\x1b[0m\r\n", line);
    write_all(whole, (size_t)length);
}

/* One value inside a marker: control bytes and ';' would end it early, so they become spaces. */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f || *text == ';')
            *text = ' ';
}

static void mark(const char *body)
{
    char whole[600];
    int length = snprintf(whole, sizeof whole, "\x1b]777;slipway;%s\x07", body);
    write_all(whole, (size_t)length);
}

void mark_ready(pid_t pid)
{
    struct utsname system;
    char boot_id[64] = "", body[512];
    uname(&system);
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file) {
        if (fgets(boot_id, sizeof boot_id, file))
            boot_id[strcspn(boot_id, "\n")] = 0;
        fclose(file);
    }
    snprintf(body, sizeof body, "ready;pid=%d;kernel=%s;boot=%s;hostname=%s", (int)pid, system.release, boot_id,
             system.nodename);
    /* The same as a file, for a platform that attaches to a machine that has been waiting warm. */
    file = fopen(LOGIN_FILE, "we");
    if (file) {
        fprintf(file, "%s\n", strchr(body, ';') + 1);
        fclose(file);
    }
    mark(body);
}

static void mark_with(const char *kind, const char *text)
{
    char value[300], body[400];
    snprintf(value, sizeof value, "%s", text);
    clean(value);
    snprintf(body, sizeof body, "%s;%s", kind, value);
    mark(body);
}

void mark_stage(const char *name)
{
    mark_with("stage", name);
}

void mark_failed(const char *reason)
{
    mark_with("failed", reason);
}

void mark_exit(int code)
{
    char text[16];
    snprintf(text, sizeof text, "%d", code);
    mark_with("exit", text);
}
