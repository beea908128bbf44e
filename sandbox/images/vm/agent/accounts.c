/* Becoming a user of the guest. Read from the files themselves: a static program can't load the name service that a
 * guest's nsswitch.conf may ask for. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

#define GROUPS 32

struct passwd *account(const char *name)
{
    FILE *file = fopen("/etc/passwd", "re");
    struct passwd *entry = NULL;
    if (!file)
        return NULL;
    while ((entry = fgetpwent(file)) && strcmp(entry->pw_name, name) != 0)
        ;
    fclose(file);
    return entry;
}

static bool has_member(const struct group *group, const char *name)
{
    for (char **member = group->gr_mem; *member; member++)
        if (strcmp(*member, name) == 0)
            return true;
    return false;
}

bool become(const struct passwd *user)
{
    gid_t groups[GROUPS] = {user->pw_gid};
    size_t count = 1;
    FILE *file = fopen("/etc/group", "re");
    for (struct group *entry; file && count < GROUPS && (entry = fgetgrent(file));)
        if (has_member(entry, user->pw_name))
            groups[count++] = entry->gr_gid;
    if (file)
        fclose(file);
    if (setgroups(count, groups) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
        return false;
    return chdir(user->pw_dir) == 0 || chdir("/") == 0;
}
