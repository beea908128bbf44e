/* The optional background service of a machine (in the `docker` kind: the learner's engine).
 *
 * The service talks back through files, so that it may be any script:
 *   service.stage   one line: what it is doing now; each change becomes a stage marker
 *   service.ready   exists: the login may begin
 *   service.failed  one line: why it never will */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slipway.h"

#define RESTART_PAUSE_SECONDS 1.0
#define DEFAULT_READY_SECONDS 60.0

static const char *service_command;
static pid_t service_pid = -1;
static double started_at, stopped_at;
static bool was_ready;
static char last_stage[256];

static bool first_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool found = fgets(line, (int)size, file) != NULL;
    fclose(file);
    line[found ? strcspn(line, "\n") : 0] = 0;
    return true;
}

static double ready_limit_seconds(void)
{
    const char *text = getenv("SLIPWAY_SERVICE_SECONDS");
    double seconds = text ? strtod(text, NULL) : 0;
    return seconds > 0 ? seconds : DEFAULT_READY_SECONDS;
}

static void launch(void)
{
    unlink(READY_FILE);
    unlink(FAILED_FILE);
    unlink(STAGE_FILE);
    last_stage[0] = 0;
    service_pid = start_service(service_command);
    started_at = boot_seconds();
}

enum service_state service_begin(const char *command)
{
    if (!command)
        return SERVICE_NONE;
    service_command = command;
    launch();
    return SERVICE_STARTING;
}

enum service_state service_poll(void)
{
    char line[256] = "";
    if (first_line(STAGE_FILE, line, sizeof line) && line[0] && strcmp(line, last_stage) != 0) {
        snprintf(last_stage, sizeof last_stage, "%s", line);
        mark_stage(line);
    }
    if (access(READY_FILE, F_OK) == 0) {
        was_ready = true;
        return SERVICE_READY;
    }
    if (first_line(FAILED_FILE, line, sizeof line)) {
        mark_failed(line[0] ? line : "the service gave no reason");
        return SERVICE_FAILED;
    }
    if (boot_seconds() - started_at > ready_limit_seconds()) {
        mark_failed("the service was not ready in time");
        return SERVICE_FAILED;
    }
    return SERVICE_STARTING;
}

bool service_reap(pid_t pid)
{
    if (pid != service_pid)
        return false;
    service_pid = -1;
    stopped_at = boot_seconds();
    unlink(READY_FILE);
    if (was_ready)
        say("the engine of this machine stopped, starting it again; `exit` gives a shell inside the new one");
    return true;
}

void service_restart_if_due(void)
{
    /* At most once a second, counted from its end: a service that dies at once must not eat the cpu. */
    if (service_command && service_pid < 0 && boot_seconds() - stopped_at >= RESTART_PAUSE_SECONDS)
        launch();
}

double service_next_at(void)
{
    return service_command && service_pid < 0 ? stopped_at + RESTART_PAUSE_SECONDS : 0;
}
