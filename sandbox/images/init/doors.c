/* Where a terminal's holder is reached: a socket file for the machine's own execs, and an abstract name for a console
 * that has a socket in the machine's network namespace, past the engine. Both lead to the same holder. */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "holder.h"
#include "slipway.h"

#define NAME_LIMIT 20
#define WAITING 8 /* connections that were not taken yet */

bool doors_valid(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= NAME_LIMIT && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static struct sockaddr_un file_of(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, TERMINALS_DIR "/%s", name);
    return address;
}

static int listen_at(const struct sockaddr_un *address, size_t size)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(listener, (const struct sockaddr *)address, (socklen_t)size) == 0 && listen(listener, WAITING) == 0)
        return listener;
    close(listener);
    return -1;
}

static int listen_by_name(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "slipway/%s", name);
    return listen_at(&address, offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

int doors_reach(const char *name)
{
    struct sockaddr_un address = file_of(name);
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(connection, (const struct sockaddr *)&address, sizeof address) == 0)
        return connection;
    close(connection);
    return -1;
}

bool doors_open(const char *name, int doors[DOORS])
{
    struct sockaddr_un address = file_of(name);
    unlink(address.sun_path);
    doors[DOOR_EXEC] = listen_at(&address, sizeof address);
    doors[DOOR_DIRECT] = listen_by_name(name);
    return doors[DOOR_EXEC] >= 0;
}

void doors_take_away(const char *name)
{
    struct sockaddr_un address = file_of(name);
    unlink(address.sun_path);
}
