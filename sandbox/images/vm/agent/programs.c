/* Programs that the platform runs in the guest: checks, set-up, files. Each has a channel.
 *
 * A script comes on standard input and is nowhere a file: root of this guest is the learner's to become, but a
 * script is read and gone before they could look. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define CHANNELS 16
#define OUTPUT_LIMIT (128 * 1024)       /* of each stream; what comes after is read and dropped */
#define INPUT_LIMIT (32 * 1024 * 1024)  /* that waits for a program which does not read */
#define WORDS 64
#define NOT_STARTED 127

struct program {
    bool used, ended, input_over;
    uint32_t channel;
    pid_t pid;
    int code;
    int pipes[3];                       /* our ends: its input, output, errors; -1 when closed */
    size_t sent[2];
    uint8_t *waiting;                   /* input that it has not read yet */
    size_t waiting_bytes;
};

static struct program programs[CHANNELS];
static struct program *slot_owner[PROGRAM_SLOTS];
static int slot_pipe[PROGRAM_SLOTS];

static struct program *find(uint32_t channel)
{
    for (int index = 0; index < CHANNELS; index++)
        if (programs[index].used && programs[index].channel == channel)
            return &programs[index];
    return NULL;
}

static struct program *take(uint32_t channel)
{
    for (int index = 0; index < CHANNELS; index++) {
        if (programs[index].used)
            continue;
        programs[index] = (struct program){.used = true, .channel = channel, .pipes = {-1, -1, -1}};
        return &programs[index];
    }
    return NULL;
}

static void say_exit(uint32_t channel, int code)
{
    uint8_t byte = (uint8_t)code;
    port_send(EXIT, channel, &byte, 1);
}

static void refuse(uint32_t channel, const char *why)
{
    port_send(ERRORS, channel, why, strlen(why));
    say_exit(channel, NOT_STARTED);
}

static void close_pipe(struct program *program, int which)
{
    if (program->pipes[which] >= 0)
        close(program->pipes[which]);
    program->pipes[which] = -1;
}

/* The payload: user, number of variables, variables, words of the command; each ends with a zero byte. */
static int split(uint8_t *payload, size_t length, char **words)
{
    int count = 0;
    if (length == 0 || payload[length - 1] != 0)
        return 0;
    for (size_t at = 0; at < length && count < WORDS - 1; at += strlen((char *)payload + at) + 1)
        words[count++] = (char *)payload + at;
    words[count] = NULL;
    return count;
}

static void run(char **words, int ends[3][2])
{
    int variables = atoi(words[1]);
    sigset_t none;
    setsid();
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(ends[0][0], STDIN_FILENO);
    dup2(ends[1][1], STDOUT_FILENO);
    dup2(ends[2][1], STDERR_FILENO);
    struct passwd *user = account(words[0]);
    if (!user || !become(user)) {
        dprintf(STDERR_FILENO, "slipway-agent: there is no user %s\n", words[0]);
        _exit(NOT_STARTED);
    }
    char *nothing = NULL;
    environ = &nothing;
    for (int index = 0; index < variables; index++)
        putenv(words[2 + index]);
    execvp(words[2 + variables], words + 2 + variables);
    dprintf(STDERR_FILENO, "%s: %s\n", words[2 + variables], strerror(errno));
    _exit(NOT_STARTED);
}

static bool make_pipes(int ends[3][2])
{
    for (int index = 0; index < 3; index++)
        if (pipe2(ends[index], O_CLOEXEC) != 0)
            return false;
    fcntl(ends[0][1], F_SETFL, O_NONBLOCK);
    fcntl(ends[1][0], F_SETFL, O_NONBLOCK);
    fcntl(ends[2][0], F_SETFL, O_NONBLOCK);
    return true;
}

void program_start(uint32_t channel, uint8_t *payload, size_t length)
{
    char *words[WORDS];
    int ends[3][2];
    int count = split(payload, length, words);
    if (count < 3 || atoi(words[1]) < 0 || count < 3 + atoi(words[1]))
        return refuse(channel, "slipway-agent: no command\n");
    struct program *program = take(channel);
    if (!program || !make_pipes(ends)) {
        if (program)
            program->used = false;
        return refuse(channel, "slipway-agent: too many programs at once\n");
    }
    program->pid = fork();
    if (program->pid == 0)
        run(words, ends);
    close(ends[0][0]);
    close(ends[1][1]);
    close(ends[2][1]);
    program->pipes[0] = ends[0][1];
    program->pipes[1] = ends[1][0];
    program->pipes[2] = ends[2][0];
    if (program->pid < 0) {
        program->ended = true;
        program->code = NOT_STARTED;
    }
}

static void feed(struct program *program)
{
    while (program->waiting_bytes > 0 && program->pipes[0] >= 0) {
        ssize_t written = write(program->pipes[0], program->waiting, program->waiting_bytes);
        if (written < 0) {
            if (errno == EAGAIN || errno == EINTR)
                return;
            close_pipe(program, 0); /* it reads no more */
            break;
        }
        program->waiting_bytes -= (size_t)written;
        memmove(program->waiting, program->waiting + written, program->waiting_bytes);
    }
    if (program->input_over || program->pipes[0] < 0) {
        close_pipe(program, 0);
        free(program->waiting);
        program->waiting = NULL;
        program->waiting_bytes = 0;
    }
}

void program_input(uint32_t channel, const uint8_t *payload, size_t length)
{
    struct program *program = find(channel);
    if (!program || program->pipes[0] < 0)
        return;
    if (length == 0) {
        program->input_over = true;
    } else {
        uint8_t *larger = NULL;
        if (program->waiting_bytes + length <= INPUT_LIMIT)
            larger = realloc(program->waiting, program->waiting_bytes + length);
        if (!larger)
            return program_kill(channel);
        memcpy(larger + program->waiting_bytes, payload, length);
        program->waiting = larger;
        program->waiting_bytes += length;
    }
    feed(program);
}

void program_kill(uint32_t channel)
{
    struct program *program = find(channel);
    if (program && program->pid > 0)
        kill(-program->pid, SIGKILL);
}

/* Pass on what a stream has; the end of it closes our end. */
static void drain(struct program *program, int which)
{
    static uint8_t bytes[16384];
    size_t *sent = &program->sent[which - 1];
    while (program->pipes[which] >= 0) {
        ssize_t count = read(program->pipes[which], bytes, sizeof bytes);
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (count <= 0)
            return close_pipe(program, which);
        size_t room = OUTPUT_LIMIT - *sent, part = (size_t)count < room ? (size_t)count : room;
        if (part > 0)
            port_send(which == 1 ? OUTPUT : ERRORS, program->channel, bytes, part);
        *sent += part;
    }
}

static void finish(struct program *program)
{
    /* What it left in the pipes is there to be read now; a process of its own that it left behind may hold
     * them open for ever, and is not waited for. */
    drain(program, 1);
    drain(program, 2);
    for (int which = 0; which < 3; which++)
        close_pipe(program, which);
    free(program->waiting);
    program->used = false;
    say_exit(program->channel, program->code);
}

void programs_reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int index = 0; index < CHANNELS; index++) {
            struct program *program = &programs[index];
            if (!program->used || program->pid != pid)
                continue;
            program->ended = true;
            program->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    for (int index = 0; index < CHANNELS; index++)
        if (programs[index].used && programs[index].ended)
            finish(&programs[index]);
}

size_t programs_poll(struct pollfd *slots)
{
    size_t count = 0;
    for (int index = 0; index < CHANNELS; index++) {
        struct program *program = &programs[index];
        for (int which = 0; program->used && which < 3; which++) {
            if (program->pipes[which] < 0 || (which == 0 && program->waiting_bytes == 0))
                continue;
            slots[count] = (struct pollfd){program->pipes[which], which == 0 ? POLLOUT : POLLIN, 0};
            slot_owner[count] = program;
            slot_pipe[count++] = which;
        }
    }
    return count;
}

void programs_serve(const struct pollfd *slots, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        if (!slots[index].revents)
            continue;
        if (slot_pipe[index] == 0)
            feed(slot_owner[index]);
        else
            drain(slot_owner[index], slot_pipe[index]);
    }
}
