/* `slipway-agent console`: what init keeps running on the serial port. It waits until the guest may let somebody
 * in (a snapshot is made before that), says which process the shell will be, and becomes it. */
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "agent.h"

#define CONSOLE "/dev/ttyS0"
#define LEARNER "learner"

static bool wants_prompt(void)
{
    char mode[16] = "";
    FILE *file = fopen(MODE_FILE, "re");
    if (!file)
        return false;
    bool prompt = fgets(mode, sizeof mode, file) && strncmp(mode, "prompt", 6) == 0;
    fclose(file);
    return prompt;
}

static void wait_for_gate(void)
{
    int gate = open(GO_FIFO, O_RDONLY | O_CLOEXEC);
    while (gate < 0) {
        usleep(50000);
        gate = open(GO_FIFO, O_RDONLY | O_CLOEXEC);
    }
    close(gate);
}

static void note_session(void)
{
    FILE *file = fopen(SESSION_FILE ".new", "we");
    if (!file)
        return;
    fprintf(file, "%d\n", (int)getpid());
    fclose(file);
    rename(SESSION_FILE ".new", SESSION_FILE);
}

static void ask_for_login(void)
{
    if (access("/sbin/agetty", X_OK) == 0)
        execl("/sbin/agetty", "agetty", "--keep-baud", "--noclear", "115200", "ttyS0", "xterm-256color", NULL);
    execl("/sbin/getty", "getty", "-L", "115200", "ttyS0", "xterm-256color", NULL);
    _exit(127);
}

static void own_terminal(void)
{
    int console = open(CONSOLE, O_RDWR);
    if (console < 0)
        _exit(127);
    struct passwd *learner = account(LEARNER);
    if (learner && fchown(console, learner->pw_uid, learner->pw_gid) == 0)
        fchmod(console, 0620);
    ioctl(console, TIOCSCTTY, 1);
    tcsetpgrp(console, getpid());
    struct termios settings;
    if (tcgetattr(console, &settings) == 0) {
        settings.c_iflag = ICRNL | IXON | IUTF8;
        settings.c_oflag = OPOST | ONLCR;
        settings.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
        settings.c_cflag = (settings.c_cflag & ~CRTSCTS) | CLOCAL | CREAD;
        settings.c_cc[VERASE] = 0x7f;
        settings.c_cc[VINTR] = 3;
        settings.c_cc[VQUIT] = 28;
        settings.c_cc[VEOF] = 4;
        settings.c_cc[VSUSP] = 26;
        settings.c_cc[VMIN] = 1;
        tcsetattr(console, TCSANOW, &settings);
    }
    for (int number = 0; number < 3; number++)
        dup2(console, number);
    if (console > 2)
        close(console);
}

static void log_in(void)
{
    struct passwd *learner = account(LEARNER);
    if (!learner || !become(learner))
        _exit(127);
    clearenv();
    setenv("HOME", learner->pw_dir, 1);
    setenv("USER", LEARNER, 1);
    setenv("LOGNAME", LEARNER, 1);
    setenv("SHELL", "/bin/bash", 1);
    setenv("TERM", "xterm-256color", 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    execl("/bin/bash", "-bash", NULL);
    _exit(127);
}

int console_main(void)
{
    wait_for_gate();
    setsid(); /* init may have done so already */
    signal(SIGHUP, SIG_DFL);
    note_session();
    if (wants_prompt())
        ask_for_login();
    own_terminal();
    log_in();
    return 127;
}
