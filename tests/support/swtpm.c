#include "swtpm.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include "must.h"

#define START_TRIES 15000 /* of 2 ms */
#define AWAIT_TRIES 30000 /* of 2 ms */
#define ARGUMENTS_MAX 32
#define PATH_LEN 512

static void pause_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

/* Starts a program that dies with us; its output goes to folder/log. */
static pid_t start_program(const char *folder, const char *const *arguments)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    char log[PATH_LEN];
    int fd;

    if (pid != 0)
        return pid;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(127);
    snprintf(log, sizeof log, "%s/log", folder);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(127);
    execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static void end_program(pid_t *pid)
{
    if (*pid > 0) {
        kill(*pid, SIGKILL); /* also one that a test stopped */
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    *pid = 0;
}

/* Until the socket accepts. */
static bool wait_for_socket(pid_t pid, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int tries;

    if (strlen(path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    for (tries = 0; tries < START_TRIES; tries++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_up = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;

        if (fd >= 0)
            close(fd);
        if (is_up)
            return true;
        if (waitpid(pid, NULL, WNOHANG) == pid)
            break;
        pause_ms(2);
    }
    fprintf(stderr, "%s: nobody listens\n", path);
    return false;
}

bool swtpm_run(struct swtpm *tpm)
{
    char state[PATH_LEN];
    char server[PATH_LEN];
    char control[PATH_LEN];
    char path[PATH_LEN];
    const char *const arguments[] = {
        "swtpm",  "socket", "--tpm2",  "--tpmstate",    state,       "--server",    server,
        "--ctrl", control,  "--flags", "startup-clear", "--seccomp", "action=none", NULL};

    snprintf(state, sizeof state, "dir=%s", tpm->folder);
    snprintf(server, sizeof server, "type=unixio,path=%s/tpm", tpm->folder);
    snprintf(control, sizeof control, "type=unixio,path=%s/tpm.ctrl", tpm->folder);
    snprintf(path, sizeof path, "%s/tpm", tpm->folder);
    unlink(path);
    tpm->pid = start_program(tpm->folder, arguments);
    return tpm->pid > 0 && wait_for_socket(tpm->pid, path);
}

bool swtpm_folder(struct swtpm *tpm)
{
    memset(tpm, 0, sizeof *tpm);
    snprintf(tpm->folder, sizeof tpm->folder, "/tmp/ratls-swtpm.XXXXXX");
    if (mkdtemp(tpm->folder) == NULL) {
        perror(tpm->folder);
        return false;
    }
    snprintf(tpm->tcti, sizeof tpm->tcti, "swtpm:path=%s/tpm", tpm->folder);
    return true;
}

bool swtpm_start(struct swtpm *tpm)
{
    if (!swtpm_folder(tpm))
        return false;
    if (swtpm_run(tpm))
        return true;
    swtpm_stop(tpm);
    return false;
}

bool swtpm_restart(struct swtpm *tpm)
{
    end_program(&tpm->pid);
    return swtpm_run(tpm);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

void swtpm_stop(struct swtpm *tpm)
{
    end_program(&tpm->pid);
    if (tpm->folder[0] != '\0')
        nftw(tpm->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    tpm->folder[0] = '\0';
}

static ESYS_CONTEXT *open_tpm(const char *tcti)
{
    TSS2_TCTI_CONTEXT *connection = NULL;
    ESYS_CONTEXT *esys = NULL;

    if (Tss2_TctiLdr_Initialize(tcti, &connection) != TSS2_RC_SUCCESS)
        return NULL;
    if (Esys_Initialize(&esys, connection, NULL) != TSS2_RC_SUCCESS)
        Tss2_TctiLdr_Finalize(&connection);
    return esys;
}

static void close_tpm(ESYS_CONTEXT *esys)
{
    TSS2_TCTI_CONTEXT *connection = NULL;

    if (esys == NULL)
        return;
    Esys_GetTcti(esys, &connection);
    Esys_Finalize(&esys);
    Tss2_TctiLdr_Finalize(&connection);
}

bool swtpm_extend(const char *tcti, unsigned pcr, uint8_t value)
{
    TPML_DIGEST_VALUES digests = {.count = 1};
    ESYS_CONTEXT *esys = open_tpm(tcti);
    bool ok;

    digests.digests[0].hashAlg = TPM2_ALG_SHA256;
    memset(digests.digests[0].digest.sha256, value, sizeof digests.digests[0].digest.sha256);
    ok = esys != NULL && Esys_PCR_Extend(esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                         ESYS_TR_NONE, &digests) == TSS2_RC_SUCCESS;
    close_tpm(esys);
    return ok;
}

bool swtpm_allocate_sha256_only(const char *tcti)
{
    const TPML_PCR_SELECTION banks = {.count = 4,
                                      .pcrSelections = {{TPM2_ALG_SHA1, 3, {0, 0, 0}},
                                                        {TPM2_ALG_SHA256, 3, {0xff, 0xff, 0xff}},
                                                        {TPM2_ALG_SHA384, 3, {0, 0, 0}},
                                                        {TPM2_ALG_SHA512, 3, {0, 0, 0}}}};
    ESYS_CONTEXT *esys = open_tpm(tcti);
    TPMI_YES_NO success = TPM2_NO;
    UINT32 ignored;
    bool ok =
        esys != NULL &&
        Esys_PCR_Allocate(esys, ESYS_TR_RH_PLATFORM, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                          &banks, &success, &ignored, &ignored, &ignored) == TSS2_RC_SUCCESS &&
        success == TPM2_YES;

    close_tpm(esys);
    return ok;
}

bool tpm_mux_start(struct tpm_mux *mux, const struct swtpm *tpm, const char *const *options)
{
    char tpm_path[PATH_LEN];
    const char *arguments[ARGUMENTS_MAX] = {RATLS_TPM_MUX, "--listen", mux->path, "--tpm",
                                            tpm_path};
    size_t count = 5;

    memset(mux, 0, sizeof *mux);
    while (options != NULL && *options != NULL && count < ARGUMENTS_MAX - 1)
        arguments[count++] = *options++;
    snprintf(mux->path, sizeof mux->path, "%s/mux", tpm->folder);
    snprintf(tpm_path, sizeof tpm_path, "%s/tpm", tpm->folder);
    snprintf(mux->tcti, sizeof mux->tcti, "swtpm:path=%s", mux->path);
    unlink(mux->path);
    mux->pid = start_program(tpm->folder, arguments);
    if (mux->pid > 0 && wait_for_socket(mux->pid, mux->path))
        return true;
    tpm_mux_stop(mux);
    return false;
}

void tpm_mux_stop(struct tpm_mux *mux)
{
    end_program(&mux->pid);
}

/* tpm_mux shows by files what it does. */
static void await_file(const struct tpm_mux *mux, const char *suffix, bool is_there)
{
    char path[PATH_LEN];

    snprintf(path, sizeof path, "%s%s", mux->path, suffix);
    for (int tries = 0; (access(path, F_OK) == 0) != is_there; tries++) {
        must(tries < AWAIT_TRIES);
        pause_ms(2);
    }
}

void tpm_mux_arm(const struct tpm_mux *mux, bool armed)
{
    kill(mux->pid, armed ? SIGUSR1 : SIGUSR2);
    await_file(mux, ".armed", armed);
}

void tpm_mux_await_held(const struct tpm_mux *mux)
{
    await_file(mux, ".held", true);
}
