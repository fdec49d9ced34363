/* What is said where no TPM answers: each reason has its own words, and says what to do. */
#include <criterion/criterion.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "absence.h"

#define FOLDER_MODE 0755
#define NOBODY 65534

static char folder[] = "/tmp/ratls-absence-XXXXXX";
static char path[64], ctrl[64];

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chmod(folder, FOLDER_MODE), 0);
    snprintf(path, sizeof path, "%s/sock", folder);
    snprintf(ctrl, sizeof ctrl, "%s/sock.ctrl", folder);
}

static void end(void)
{
    /* As whoever made them. */
    cr_assert_eq(seteuid(getuid()), 0);
    unlink(ctrl);
    unlink(path);
    rmdir(folder);
}

TestSuite(absence, .init = begin, .fini = end, .timeout = 30);

/* A socket on which somebody listens, or on which nobody does any more. */
static int make_socket(const char *name, bool listens)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    if (listens) {
        cr_assert_eq(listen(fd, 8), 0);
        return fd;
    }
    close(fd);
    return -1;
}

static void make_file(const char *name)
{
    FILE *file = fopen(name, "w");

    cr_assert_not_null(file);
    fclose(file);
}

/* The rights of root are not those of a file. */
static void become_nobody(void)
{
    if (geteuid() != 0)
        return;
    cr_assert_eq(setgroups(0, NULL), 0);
    cr_assert_eq(setegid(NOBODY), 0);
    cr_assert_eq(seteuid(NOBODY), 0);
}

/* The whole text: kind and the path, then the words. */
static void expect_words(const char *kind, const char *words)
{
    struct ratls_tpm tpm = {.last_rc = TSS2_TCTI_RC_IO_ERROR};
    struct ratls_error err = {0};
    char tcti[128], whole[512];

    snprintf(tcti, sizeof tcti, "%s%s", kind, path);
    snprintf(whole, sizeof whole, "%s%s", path, words);
    cr_assert_eq(ratls_tpm_explain_absence(tcti, &tpm, &err), RATLS_TPM);
    cr_expect_str_eq(err.text, whole);
}

static void expect_text(const char *tcti, const char *text)
{
    struct ratls_tpm tpm = {.last_rc = TSS2_TCTI_RC_IO_ERROR};
    struct ratls_error err = {0};

    cr_assert_eq(ratls_tpm_explain_absence(tcti, &tpm, &err), RATLS_TPM);
    cr_expect_str_eq(err.text, text);
}

Test(absence, no_socket)
{
    expect_words("swtpm:path=", ": No such file or directory: is swtpm running, with --server "
                                "type=unixio and this path?");
}

Test(absence, nobody_listens)
{
    make_socket(path, false);
    expect_words("swtpm:path=", ": Connection refused: nobody listens at this socket any more: "
                                "start swtpm again");
}

Test(absence, no_socket_but_a_file)
{
    make_file(path);
    expect_words("swtpm:path=", ": a file, but no socket of swtpm");
}

Test(absence, no_control_socket)
{
    const int fd = make_socket(path, true);

    expect_words("swtpm:path=", ".ctrl: No such file or directory: is swtpm running, with --ctrl "
                                "type=unixio and this path?");
    close(fd);
}

/* path= need not be the first, nor the last. */
Test(absence, among_other_parts)
{
    char tcti[128], text[256];

    snprintf(tcti, sizeof tcti, "swtpm:host=localhost,path=%s,port=1", path);
    snprintf(text, sizeof text,
             "%s: No such file or directory: is swtpm running, with --server type=unixio and this "
             "path?",
             path);
    expect_text(tcti, text);
}

Test(absence, no_right_to_a_socket)
{
    const int fd = make_socket(path, true);

    cr_assert_eq(chmod(path, 0), 0);
    become_nobody();
    expect_words("swtpm:path=", ": Permission denied: its mode is 0000: run this as its owner, or "
                                "give it a group to which this user belongs (chgrp, chmod g+rw)");
    close(fd);
}

Test(absence, no_right_to_a_device)
{
    make_file(path);
    cr_assert_eq(chmod(path, 0), 0);
    become_nobody();
    expect_words("device:", ": Permission denied: its mode is 0000: run this as its owner, or give "
                            "it a group to which this user belongs (chgrp, chmod g+rw)");
}

/* Only root can give a file to a group to which it does not belong. */
Test(absence, right_by_a_group)
{
    const struct group *group = getgrnam("daemon");
    char words[128];
    int fd;

    if (geteuid() != 0 || group == NULL)
        cr_skip_test("root and a group 'daemon' are needed");
    fd = make_socket(path, true);
    cr_assert_eq(chown(path, 0, group->gr_gid), 0);
    cr_assert_eq(chmod(path, 0660), 0);
    become_nobody();
    snprintf(words, sizeof words,
             ": Permission denied: add this user to the group daemon, and begin a new session or "
             "start the service again");
    expect_words("swtpm:path=", words);
    close(fd);
}

/* Nobody is told to be in root's group. */
Test(absence, right_by_the_group_of_root)
{
    int fd;

    if (geteuid() != 0)
        cr_skip_test("root is needed");
    fd = make_socket(path, true);
    cr_assert_eq(chmod(path, 0660), 0);
    become_nobody();
    expect_words("swtpm:path=", ": Permission denied: its mode is 0660: run this as its owner, or "
                                "give it a group to which this user belongs (chgrp, chmod g+rw)");
    close(fd);
}

Test(absence, hidden_folder)
{
    const int fd = make_socket(path, true);

    cr_assert_eq(chmod(folder, 0), 0);
    become_nobody();
    expect_words("swtpm:path=", ": Permission denied: this user may not even see what is there");
    cr_assert_eq(seteuid(getuid()), 0);
    cr_assert_eq(chmod(folder, FOLDER_MODE), 0);
    close(fd);
}

Test(absence, no_device)
{
    expect_words("device:", ": No such file or directory: is a TPM 2.0 present, and enabled in the "
                            "firmware set-up?");
}

Test(absence, socket_as_device)
{
    char words[128];

    make_socket(path, false);
    snprintf(words, sizeof words, ": a socket, and no device: write swtpm:path=%s", path);
    expect_words("device:", words);
}

Test(absence, other_forms)
{
    char long_path[256] = "swtpm:path=/", long_text[320];

    expect_text("swtpm:/run/swtpm/sock",
                "swtpm:/run/swtpm/sock: a path needs its key: write swtpm:path=/run/swtpm/sock");
    expect_text("/nonexistent/tpm",
                "/nonexistent/tpm: a path alone is no TCTI: write device:/nonexistent/tpm, or "
                "swtpm:path=/nonexistent/tpm for a socket of swtpm");
    expect_text("swtpm:host=localhost,port=1",
                "swtpm:host=localhost,port=1: no TPM answers there: without path= it is a TCP "
                "port, 2321 of localhost unless host= and port= say another: is swtpm running "
                "there?");
    expect_text("nonexistent:x", "nonexistent:x: no TPM answers there: is it running, and may this "
                                 "user reach it?");
    memset(long_path + strlen(long_path), 'x', 120);
    snprintf(long_text, sizeof long_text, "%s: the path is too long for a socket", long_path);
    expect_text(long_path, long_text);
}
