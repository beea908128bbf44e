/* Time for slipway-init. */
#include <time.h>

#include "slipway.h"

double boot_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void pause_milliseconds(int milliseconds)
{
    struct timespec length = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000L};
    nanosleep(&length, NULL);
}
