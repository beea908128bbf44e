/* The guest itself: its clock, its randomness, its name, and who may come in on the console. */
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define SEED_BYTES 64
#define CONSOLE "/dev/ttyS0"

static int gate = -1;     /* held open for writing: whoever opens the other end gets through */
static int session = -1;  /* a pidfd of the console's shell */

static void write_file(const char *path, const char *format, const char *value)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return;
    fprintf(file, format, value);
    fclose(file);
}

static void read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    line[0] = 0;
    if (!file)
        return;
    if (fgets(line, (int)size, file))
        line[strcspn(line, "\n")] = 0;
    fclose(file);
}

void guest_prepare(void)
{
    mkdir(RUN_DIR, 0755);
    mkfifo(GO_FIFO, 0600);
    if (access(GONE_FILE, F_OK) == 0)
        gate = open(GO_FIFO, O_RDWR | O_CLOEXEC); /* this agent was started anew in a guest that runs */
}

/* Random numbers of this guest alone: one that was restored has those of the snapshot in its pool. */
static void reseed(const uint8_t *seed)
{
    struct {
        int entropy_count, buf_size;
        uint8_t bytes[SEED_BYTES];
    } info = {SEED_BYTES * 8, SEED_BYTES, {0}};
    memcpy(info.bytes, seed, SEED_BYTES);
    int device = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
    if (device < 0)
        return;
    ioctl(device, RNDADDENTROPY, &info);
    ioctl(device, RNDRESEEDCRNG);
    close(device);
}

void guest_set_clock(const uint8_t *payload, size_t length)
{
    int64_t nanoseconds;
    if (length < sizeof nanoseconds)
        return;
    memcpy(&nanoseconds, payload, sizeof nanoseconds);
    struct timespec now = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    clock_settime(CLOCK_REALTIME, &now);
}

void guest_set_size(const uint8_t *payload, size_t length)
{
    uint16_t size[2];
    if (length < sizeof size)
        return;
    memcpy(size, payload, sizeof size);
    struct winsize window = {.ws_row = size[0], .ws_col = size[1]};
    int console = open(CONSOLE, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (console < 0)
        return;
    ioctl(console, TIOCSWINSZ, &window);
    close(console);
}

static void name_guest(const char *name)
{
    sethostname(name, strlen(name));
    write_file("/etc/hostname", "%s\n", name);
    write_file("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 %s\n", name);
}

static void report_facts(void)
{
    struct utsname system;
    char boot_id[64], facts[512];
    uname(&system);
    read_line("/proc/sys/kernel/random/boot_id", boot_id, sizeof boot_id);
    int length = snprintf(facts, sizeof facts, "%s\n%s\n%s", system.release, boot_id, system.nodename);
    port_send(FACTS, 0, facts, (size_t)length);
}

/* The payload: clock (8 bytes, nanoseconds since 1970), seed (64 bytes), host name, console mode; the last two end
 * with a zero byte each. */
void guest_go(const uint8_t *payload, size_t length)
{
    const char *name = (const char *)payload + 8 + SEED_BYTES;
    if (length < 8 + SEED_BYTES + 4 || payload[length - 1] != 0)
        return;
    const char *mode = name + strlen(name) + 1;
    if ((const uint8_t *)mode >= payload + length)
        return;
    guest_set_clock(payload, length);
    reseed(payload + 8);
    name_guest(name);
    write_file(MODE_FILE, "%s\n", mode);
    report_facts();
    write_file(GONE_FILE, "%s\n", "1");
    if (gate < 0)
        gate = open(GO_FIFO, O_RDWR | O_CLOEXEC);
}

int guest_watch(void)
{
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    inotify_add_watch(watch, RUN_DIR, IN_MOVED_TO);
    return watch;
}

void guest_report_session(void)
{
    char line[32];
    read_line(SESSION_FILE, line, sizeof line);
    uint32_t pid = (uint32_t)strtoul(line, NULL, 10);
    if (session >= 0)
        close(session);
    session = pid ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;
    if (session >= 0)
        fcntl(session, F_SETFD, FD_CLOEXEC);
    port_send(SESSION, 0, &pid, sizeof pid);
}

int guest_session(void)
{
    return session;
}

void guest_session_ended(void)
{
    uint32_t none = 0;
    close(session);
    session = -1;
    port_send(SESSION, 0, &none, sizeof none);
}
