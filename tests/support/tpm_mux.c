/*
 * tpm_mux: many clients before one swtpm, one command at a time, as a resource manager would do
 * (but without one: key slots are shared). It can be slow, answer an error, or hang. It speaks the
 * protocol of tcti-swtpm: bare TPM commands, and locality requests on PATH.ctrl.
 *
 * While faults are armed they meet TPM2_Quote, or another command, or all; with --times only so
 * often. SIGUSR1 arms, SIGUSR2 disarms. --extend moves a PCR just before the command. --tally
 * writes a line for each TPM2_Quote, or other command, with or without faults: how many
 * microseconds the TPM had it, from when the whole command was here (mux_pace.h). PATH.armed is
 * there while faults are armed, PATH.held while a command hangs.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "mux_pace.h"

#define CLIENTS_MAX 128
#define COMMAND_MAX 4096 /* TPM2_MAX_COMMAND_SIZE of tpm2-tss */
#define HEADER_LEN 10    /* tag, size, code: TPM 2.0 Part 1, 18 */
#define CODE_QUOTE 0x158u
#define BACKLOG 128
#define NO_PCR 24

enum place { SIGNALS, LISTENER, CONTROL_LISTENER, FIRST_CLIENT };

struct client {
    bool is_control;
    size_t len;
    unsigned long turn; /* when its command was complete; 0: it is not */
    struct timespec received;
    uint8_t command[COMMAND_MAX];
};

struct mux {
    struct sockaddr_un tpm;
    struct mux_pace pace;
    bool hangs;
    uint32_t error; /* 0: none */
    uint32_t code;  /* of the command that faults meet */
    bool all_commands;
    bool armed;
    bool holds; /* a command that is met */
    const char *path;
    long times;   /* that faults will be met; -1: always */
    unsigned pcr; /* extended before a command is passed on; NO_PCR: none */
    unsigned long turns;
    size_t count; /* of polled, those before the clients included */
    struct pollfd polled[FIRST_CLIENT + CLIENTS_MAX];
    struct client clients[CLIENTS_MAX];
    uint8_t answer[COMMAND_MAX];
};

static void fail(const char *what)
{
    perror(what);
    exit(3);
}

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A file says what the program does: so others need not guess. */
static void show(const struct mux *mux, const char *suffix, bool is_so)
{
    char path[sizeof mux->tpm.sun_path + 16];
    int fd = -1;

    snprintf(path, sizeof path, "%s%s", mux->path, suffix);
    if (is_so)
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    else
        unlink(path);
    if (is_so && fd < 0)
        fail(path);
    if (fd >= 0)
        close(fd);
}

static void arm(struct mux *mux, bool is_armed)
{
    mux->armed = is_armed;
    show(mux, ".armed", is_armed);
}

static void hold(struct mux *mux, bool holds)
{
    if (mux->holds != holds)
        show(mux, ".held", holds);
    mux->holds = holds;
}

static bool set_path(struct sockaddr_un *address, const char *path, const char *suffix)
{
    int len = snprintf(address->sun_path, sizeof address->sun_path, "%s%s", path, suffix);

    address->sun_family = AF_UNIX;
    return len > 0 && (size_t)len < sizeof address->sun_path;
}

static int listen_at(const char *path, const char *suffix)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || !set_path(&address, path, suffix))
        fail(path);
    unlink(address.sun_path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, BACKLOG) != 0)
        fail(address.sun_path);
    return fd;
}

/* No signal interrupts these: they are blocked. */
static bool receive_all(int fd, uint8_t *p, size_t len)
{
    return len == 0 || recv(fd, p, len, MSG_WAITALL) == (ssize_t)len;
}

static bool send_all(int fd, const uint8_t *p, size_t len)
{
    return send(fd, p, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Returns the length of the answer, 0 if there is none. */
static size_t ask_tpm(const struct sockaddr_un *tpm, const struct client *client,
                      uint8_t answer[static COMMAND_MAX])
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t len = 0;

    if (fd < 0)
        fail("socket");
    if (connect(fd, (const struct sockaddr *)tpm, sizeof *tpm) == 0 &&
        send_all(fd, client->command, client->len) && receive_all(fd, answer, HEADER_LEN)) {
        len = read_u32(answer + 2);
        if (len < HEADER_LEN || len > COMMAND_MAX ||
            !receive_all(fd, answer + HEADER_LEN, len - HEADER_LEN))
            len = 0;
    }
    close(fd);
    return len;
}

/* TPM2_PCR_Extend, with the empty password and a digest of zeros (TPM 2.0 Part 3, 22.2). */
static void extend_pcr(struct mux *mux)
{
    static struct client extend = {
        .len = 65, .command = {0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0, 0, 0, 0, 0, 0,   0,
                               9,    0x40, 0, 0, 9, 0,  0, 0, 0,    0,    0, 0, 0, 1, 0, 0x0b}};

    extend.command[13] = (uint8_t)mux->pcr;
    if (ask_tpm(&mux->tpm, &extend, mux->answer) < HEADER_LEN || read_u32(mux->answer + 6) != 0)
        fail("extending a PCR");
}

static size_t answer_error(uint32_t code, uint8_t *answer)
{
    const uint8_t header[HEADER_LEN] = {0x80,
                                        0x01,
                                        0,
                                        0,
                                        0,
                                        HEADER_LEN,
                                        (uint8_t)(code >> 24),
                                        (uint8_t)(code >> 16),
                                        (uint8_t)(code >> 8),
                                        (uint8_t)code};

    memcpy(answer, header, HEADER_LEN);
    return HEADER_LEN;
}

static void drop_client(struct mux *mux, size_t i)
{
    size_t last = mux->count - FIRST_CLIENT - 1;

    close(mux->polled[FIRST_CLIENT + i].fd);
    mux->polled[FIRST_CLIENT + i] = mux->polled[FIRST_CLIENT + last];
    if (i != last)
        mux->clients[i] = mux->clients[last];
    mux->count--;
}

static bool is_met(const struct mux *mux, const struct client *client)
{
    return mux->armed && mux->times != 0 &&
           (mux->all_commands || read_u32(client->command + 6) == mux->code);
}

/* False if the client is gone, or the TPM. */
static bool serve(struct mux *mux, size_t i)
{
    struct client *client = &mux->clients[i];
    bool met = is_met(mux, client);
    size_t len;

    mux_pace_begin(&mux->pace, &client->received);
    if (met && mux->times > 0)
        mux->times--;
    if (met && mux->pcr != NO_PCR)
        extend_pcr(mux);
    if (met && mux->error != 0)
        len = answer_error(mux->error, mux->answer);
    else
        len = ask_tpm(&mux->tpm, client, mux->answer);
    if (met)
        mux_pace_wait(&mux->pace);
    mux_pace_end(&mux->pace, read_u32(client->command + 6) == mux->code);
    client->turn = 0;
    client->len = 0;
    return len > 0 && send_all(mux->polled[FIRST_CLIENT + i].fd, mux->answer, len);
}

/* In the order in which the commands were complete. A TPM that hangs lets nobody pass. */
static void serve_waiting(struct mux *mux)
{
    for (;;) {
        size_t clients = mux->count - FIRST_CLIENT;
        size_t next = clients;
        size_t i;

        for (i = 0; i < clients; i++)
            if (mux->clients[i].turn != 0 &&
                (next == clients || mux->clients[i].turn < mux->clients[next].turn))
                next = i;
        hold(mux, next != clients && mux->hangs && is_met(mux, &mux->clients[next]));
        if (next == clients || mux->holds)
            return;
        if (!serve(mux, next))
            drop_client(mux, next);
    }
}

static void accept_client(struct mux *mux, enum place listener)
{
    size_t i = mux->count - FIRST_CLIENT;
    int fd = accept(mux->polled[listener].fd, NULL, NULL);

    if (fd < 0)
        return;
    if (i == CLIENTS_MAX) {
        close(fd);
        return;
    }
    memset(&mux->clients[i], 0, sizeof mux->clients[i]);
    mux->clients[i].is_control = listener == CONTROL_LISTENER;
    mux->polled[mux->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

/* Everything that is asked on the control socket is done: we have no localities. */
static bool read_control(int fd)
{
    const uint8_t success[4] = {0};
    uint8_t request[64];

    return recv(fd, request, sizeof request, 0) > 0 && send_all(fd, success, sizeof success);
}

/* False if the client is gone. */
static bool read_client(struct mux *mux, size_t i)
{
    struct client *client = &mux->clients[i];
    int fd = mux->polled[FIRST_CLIENT + i].fd;
    size_t wanted = client->len < HEADER_LEN ? HEADER_LEN : read_u32(client->command + 2);
    ssize_t n;

    if (client->is_control)
        return read_control(fd);
    if (wanted < HEADER_LEN || wanted > COMMAND_MAX || client->turn != 0)
        return false; /* no TPM command, or a second one, or the end, before the first answer */
    n = recv(fd, client->command + client->len, wanted - client->len, 0);
    if (n <= 0)
        return false;
    client->len += (size_t)n;
    if (client->len < HEADER_LEN || client->len != read_u32(client->command + 2))
        return true;
    client->turn = ++mux->turns;
    client->received = mux_pace_now();
    return true;
}

static void read_signal(struct mux *mux)
{
    struct signalfd_siginfo info;

    if (read(mux->polled[SIGNALS].fd, &info, sizeof info) == (ssize_t)sizeof info)
        arm(mux, info.ssi_signo == SIGUSR1);
}

static void run(struct mux *mux)
{
    for (;;) {
        size_t i;

        if (poll(mux->polled, mux->count, -1) < 0 && errno != EINTR)
            fail("poll");
        for (i = mux->count - FIRST_CLIENT; i > 0; i--)
            if (mux->polled[FIRST_CLIENT + i - 1].revents != 0 && !read_client(mux, i - 1))
                drop_client(mux, i - 1);
        if (mux->polled[SIGNALS].revents != 0)
            read_signal(mux);
        if (mux->polled[LISTENER].revents != 0)
            accept_client(mux, LISTENER);
        if (mux->polled[CONTROL_LISTENER].revents != 0)
            accept_client(mux, CONTROL_LISTENER);
        serve_waiting(mux);
    }
}

static int usage(void)
{
    fputs("usage: tpm_mux --listen PATH --tpm PATH [--delay-ms N] [--error HEX] [--hang]\n"
          "               [--extend PCR] [--times N] [--command HEX | --all-commands]\n"
          "               [--disarmed] [--tally FILE]\n",
          stderr);
    return 2;
}

static const struct option long_options[] = {
    {"listen", required_argument, NULL, 'l'},   {"tpm", required_argument, NULL, 't'},
    {"delay-ms", required_argument, NULL, 'd'}, {"error", required_argument, NULL, 'e'},
    {"hang", no_argument, NULL, 'h'},           {"all-commands", no_argument, NULL, 'a'},
    {"command", required_argument, NULL, 'c'},  {"disarmed", no_argument, NULL, 'x'},
    {"tally", required_argument, NULL, 'y'},    {"times", required_argument, NULL, 'n'},
    {"extend", required_argument, NULL, 'p'},   {NULL, 0, NULL, 0}};

/* False: it has no such option, or no such path. */
static bool take_option(int option, struct mux *mux)
{
    if (option == '?' || (option == 't' && !set_path(&mux->tpm, optarg, "")))
        return false;
    if (option == 'l')
        mux->path = optarg;
    else if (option == 'd')
        mux->pace.delay_ms = strtol(optarg, NULL, 10);
    else if (option == 'e')
        mux->error = (uint32_t)strtoul(optarg, NULL, 16);
    else if (option == 'y')
        mux->pace.tally = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    else if (option == 'n')
        mux->times = strtol(optarg, NULL, 10);
    else if (option == 'p')
        mux->pcr = (unsigned)strtoul(optarg, NULL, 10);
    else if (option == 'c')
        mux->code = (uint32_t)strtoul(optarg, NULL, 16);
    mux->hangs = mux->hangs || option == 'h';
    mux->all_commands = mux->all_commands || option == 'a';
    mux->armed = mux->armed && option != 'x';
    return true;
}

int main(int argc, char **argv)
{
    static struct mux mux = {
        .armed = true, .times = -1, .pcr = NO_PCR, .code = CODE_QUOTE, .count = FIRST_CLIENT};
    sigset_t signals;
    int option;

    mux_pace_init(&mux.pace);
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (!take_option(option, &mux))
            return usage();
    if (mux.path == NULL || mux.tpm.sun_path[0] == '\0' || optind != argc)
        return usage();
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    mux.polled[SIGNALS] =
        (struct pollfd){.fd = signalfd(-1, &signals, SFD_CLOEXEC), .events = POLLIN};
    arm(&mux, mux.armed);
    show(&mux, ".held", false); /* of one that was killed */
    mux.polled[CONTROL_LISTENER] =
        (struct pollfd){.fd = listen_at(mux.path, ".ctrl"), .events = POLLIN};
    mux.polled[LISTENER] = (struct pollfd){.fd = listen_at(mux.path, ""), .events = POLLIN};
    run(&mux);
    return 0;
}
