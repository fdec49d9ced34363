/* An attester that asks an agent: what it asks for, what it gets, and what it refuses to ask. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "agent_scene.h"

TestSuite(agent_client, .timeout = 120);

Test(agent_client, evidence)
{
    struct agent_scene *s = agent_scene_new(0);

    cr_expect_eq(s->agent.connections, 0, "nobody asked yet");
    cr_expect_eq(s->attester->threads(s->attester), 0);
    for (uint8_t i = 0; i < 50; i++)
        assert_attests(s->attester, i);
    cr_expect_eq(s->agent.connections, 1);
    cr_expect_eq(s->attester->threads(s->attester), 1, "the reader");
    cr_expect_eq(s->agent.questions, 50);
    cr_expect_str_eq(s->agent.last_asked.service, "web");
    cr_expect_eq(s->agent.last_asked.deadline_ms, 4750, "%u", s->agent.last_asked.deadline_ms);
    agent_scene_free(s);
}

Test(agent_client, the_first_service_is_asked_for_by_none)
{
    struct agent_scene *s = agent_scene_new(0);
    struct ratls_agent_options options = {.socket = s->path};
    struct ratls_attester *attester = NULL;

    cr_assert_eq(ratls_agent_attester_new(&options, &attester, NULL), RATLS_OK);
    assert_attests(attester, 1);
    cr_expect_str_eq(s->agent.last_asked.service, "");
    attester->free(attester);
    agent_scene_free(s);
}

Test(agent_client, a_request_arrives_as_it_is)
{
    struct agent_scene *s = agent_scene_new(0);
    struct ratls_attest_request request = agent_request(7);
    struct ratls_error err = {0};
    uint8_t *evidence = NULL;
    size_t len = 0;

    request.mode = RATLS_MODE_RENEWAL;
    request.role = RATLS_ROLE_CLIENT;
    request.context_len = 12;
    memset(request.context, 9, 12);
    request.offers = RATLS_OFFER_RESULT;
    request.logs.boot_bank = 0x000b;
    request.key_id_count = 1;
    memset(request.key_ids[0], 3, RATLS_KEY_ID_LEN);
    cr_assert_eq(s->attester->attest(s->attester, &request, &evidence, &len, &err), RATLS_OK, "%s",
                 err.text);
    cr_expect_arr_eq(&s->agent.last_asked.request, &request, sizeof request);
    free(evidence);
    agent_scene_free(s);
}

Test(agent_client, state)
{
    struct agent_scene *s = agent_scene_new(0);
    const struct ratls_pcr_selection selection = {1, {{0x000b, 0x83}}};
    const struct ratls_pcr_selection none = {0};
    uint8_t here[32] = {0}, there[32] = {0}, changed[32] = {0};
    struct ratls_error err = {0};

    cr_assert_eq(s->local->state(s->local, &selection, there, &err), RATLS_OK);
    cr_assert_eq(s->attester->state(s->attester, &selection, here, &err), RATLS_OK, "%s", err.text);
    cr_expect_arr_eq(here, there, sizeof here);
    fake_tpm_pcr(s->tpm, 0x000b, 7)[0] ^= 1;
    cr_assert_eq(s->attester->state(s->attester, &selection, changed, &err), RATLS_OK);
    cr_expect_arr_neq(here, changed, sizeof here);
    cr_expect_eq(s->attester->state(s->attester, &none, changed, &err), RATLS_USAGE);
    agent_scene_free(s);
}

/* What the agent says goes to who asked, in its own words. */
Test(agent_client, what_is_wrong)
{
    struct agent_scene *s = agent_scene_new(0);

    atomic_store(&s->knobs.fails, true);
    assert_no_evidence(s->attester, RATLS_TPM, "the fake TPM fails");
    atomic_store(&s->knobs.fails, false);
    atomic_store(&s->agent.mood, FAKE_AGENT_REFUSES);
    assert_no_evidence(s->attester, RATLS_LIMIT, FAKE_AGENT_REASON);
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    assert_attests(s->attester, 2);
    cr_expect_eq(s->agent.connections, 1);
    agent_scene_free(s);
}

Test(agent_client, what_no_agent_is_asked_for)
{
    struct agent_scene *s = agent_scene_new(0);
    struct ratls_attest_request request = agent_request(1);
    struct asker asker = {0};
    uint8_t *evidence = NULL;
    size_t len = 0;

    request.mode = RATLS_MODE_CERTIFICATE;
    cr_expect_eq(s->attester->attest(s->attester, &request, &evidence, &len, &asker.err),
                 RATLS_USAGE);
    cr_expect_not_null(strstr(asker.err.text, "not of a session"), "%s", asker.err.text);
    request = agent_request(1);
    request.selection.banks[0].pcrs = 0;
    cr_expect_eq(s->attester->begin(s->attester, &request, asker_done, &asker, &asker.job, NULL),
                 RATLS_USAGE);
    cr_expect_null(asker.job);
    cr_expect_eq(s->agent.connections, 0);
    agent_scene_free(s);
    cr_expect_eq(asker.calls, 0);
}

Test(agent_client, options)
{
    static const char long_service[] =
        "0123456789012345678901234567890123456789012345678901234567890123x";
    static const char long_path[] = "/0123456789012345678901234567890123456789012345678901234567890"
                                    "12345678901234567890123456789012345678901234567x";
    const struct {
        struct ratls_agent_options options;
        const char *text; /* NULL: accepted */
    } cases[] = {
        {{.socket = NULL}, NULL},
        {{.socket = "/run/a", .service = "", .deadline_ms = 10000}, NULL},
        {{.socket = "/run/a", .service = long_service + 1, .deadline_ms = 1}, NULL},
        {{.socket = long_path + 1}, "absolute"},
        {{.socket = long_path}, "at most 107 bytes"},
        {{.socket = "agent.sock"}, "agent = agent.sock: must be the absolute path"},
        {{.socket = ""}, "absolute path"},
        {{.service = long_service}, "1 to 64 characters"},
        {{.service = "a\nb"}, "printable"},
        {{.deadline_ms = 10001}, "a deadline of more than 10000 ms"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_attester *attester = NULL;
        struct ratls_error err = {0};
        enum ratls_status status = ratls_agent_attester_new(&cases[i].options, &attester, &err);

        if (cases[i].text == NULL) {
            cr_expect_eq(status, RATLS_OK, "%zu: %s", i, err.text);
            attester->free(attester);
        } else {
            cr_expect_eq(status, RATLS_USAGE, "%zu", i);
            cr_expect_not_null(strstr(err.text, cases[i].text), "%zu: %s", i, err.text);
            cr_expect_null(attester);
        }
    }
}

/* ---- where no agent is ---- */

Test(agent_client, nobody_listens)
{
    struct agent_scene *s = agent_scene_new(10000);
    struct asker asker = {.request = agent_request(1)};
    const uint64_t start = now_ms();

    fake_agent_stop(&s->agent);
    for (int i = 0; i < 1000; i++)
        assert_no_evidence(s->attester, RATLS_IO, "no agent listens at");
    cr_expect_eq(asker_try(&asker, s->attester), RATLS_IO);
    cr_expect_not_null(strstr(asker.err.text, "start ratlsd"));
    cr_expect_null(asker.job);
    cr_expect_lt(now_ms() - start, SLACK_MS, "at once");
    fake_agent_start(&s->agent, s->path, s->local);
    assert_attests(s->attester, 1); /* as soon as there is one */
    agent_scene_free(s);
    cr_expect_eq(asker.calls, 0);
}

static int listen_at(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0);

    cr_assert_geq(fd, 0);
    memcpy(address.sun_path, path, strlen(path) + 1);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(fd, 1), 0);
    return fd;
}

Test(agent_client, something_else_is_there)
{
    struct agent_scene *s = agent_scene_new(0);
    int fd;

    fake_agent_stop(&s->agent);
    fd = listen_at(s->path, SOCK_STREAM);
    assert_no_evidence(s->attester, RATLS_USAGE, "a socket, but not of an agent");
    close(fd);
    cr_assert_eq(unlink(s->path), 0);
    fclose(fopen(s->path, "w"));
    assert_no_evidence(s->attester, RATLS_IO, "no agent listens at");
    fake_agent_start(&s->agent, s->path, s->local); /* takes the file away */
    agent_scene_free(s);
}

/* Its queue of connections is full: that is said at once. */
Test(agent_client, nobody_takes_connections)
{
    struct agent_scene *s = agent_scene_new(300);
    struct ratls_attester *others[8];
    struct ratls_error err = {0};
    const uint64_t start = now_ms();
    unsigned refused = 0;
    int fd;

    fake_agent_stop(&s->agent);
    fd = listen_at(s->path, SOCK_SEQPACKET);
    for (int i = 0; i < 8; i++) {
        others[i] = agent_scene_attester(s, 300);
        err = (struct ratls_error){0};
        cr_assert_eq(agent_attest(others[i], 1, &err), RATLS_IO);
        refused += strstr(err.text, "is too busy to take a connection") != NULL;
    }
    cr_expect_gt(refused, 0, "%s", err.text);
    cr_expect_lt(now_ms() - start, 8 * 300 + SLACK_MS);
    for (int i = 0; i < 8; i++)
        others[i]->free(others[i]);
    close(fd);
    fake_agent_start(&s->agent, s->path, s->local);
    agent_scene_free(s);
}

/* ---- who listens there ---- */

#define STRANGER 65534

/* A process of another user listens until its standard input ends. */
static pid_t start_stranger(const char *path, int *ret_pipe)
{
    int ready[2], end[2];
    char byte;
    pid_t child;

    cr_assert(pipe(ready) == 0 && pipe(end) == 0);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        close(end[1]);
        if (setgid(STRANGER) != 0 || setuid(STRANGER) != 0)
            _exit(1);
        (void)listen_at(path, SOCK_SEQPACKET);
        (void)!write(ready[1], "r", 1);
        (void)!read(end[0], &byte, 1);
        _exit(0);
    }
    close(ready[1]);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(end[0]);
    *ret_pipe = end[1];
    return child;
}

static void expect_stranger(const char *folder, mode_t mode, uid_t owner, bool is_trusted)
{
    struct ratls_agent_options options = {.deadline_ms = 50};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};
    char path[96];
    int fd;
    pid_t child;

    snprintf(path, sizeof path, "%s/agent.sock", folder);
    options.socket = path;
    cr_assert_eq(chown(folder, STRANGER, STRANGER), 0);
    child = start_stranger(path, &fd);
    cr_assert_eq(chown(folder, owner, (gid_t)-1), 0);
    cr_assert_eq(chmod(folder, mode), 0);
    cr_assert_eq(ratls_agent_attester_new(&options, &attester, NULL), RATLS_OK);
    cr_expect_eq(agent_attest(attester, 1, &err), is_trusted ? RATLS_IO : RATLS_USAGE);
    cr_expect_not_null(strstr(err.text, is_trusted ? "did not answer" : "not taken for the agent"),
                       "%s, %o: %s", folder, (unsigned)mode, err.text);
    attester->free(attester);
    close(fd);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(chmod(folder, 0755), 0);
}

Test(agent_client, a_stranger_needs_a_place_of_his_own)
{
    char in_tmp[] = "/tmp/ratls-agent-XXXXXX";
    char in_run[] = "/run/ratls-agent-XXXXXX";

    if (geteuid() != 0)
        cr_skip("only root can be somebody else");
    cr_assert_not_null(mkdtemp(in_tmp));
    expect_stranger(in_tmp, 0755, STRANGER, false); /* everyone may write to /tmp */
    rmdir(in_tmp);
    if (mkdtemp(in_run) == NULL)
        cr_skip("no folder in /run");
    expect_stranger(in_run, 0755, STRANGER, true);
    expect_stranger(in_run, 0700, STRANGER, true);
    expect_stranger(in_run, 0775, STRANGER, false);
    expect_stranger(in_run, 0757, STRANGER, false);
    expect_stranger(in_run, 0755, 0, false); /* he had it once */
    rmdir(in_run);
}

/* Nor does a link do that he made where he may write, to a place that is his alone. */
Test(agent_client, a_link_of_a_stranger)
{
    char in_tmp[] = "/tmp/ratls-agent-XXXXXX";
    char in_run[] = "/run/ratls-agent-XXXXXX";
    struct ratls_agent_options options = {.deadline_ms = 50};
    struct ratls_attester *attester = NULL;
    char path[96], link[96];
    pid_t child;
    int fd;

    if (geteuid() != 0)
        cr_skip("only root can be somebody else");
    if (mkdtemp(in_run) == NULL)
        cr_skip("no folder in /run");
    cr_assert_not_null(mkdtemp(in_tmp));
    cr_assert(chown(in_run, STRANGER, STRANGER) == 0 && chown(in_tmp, STRANGER, STRANGER) == 0);
    snprintf(path, sizeof path, "%s/agent.sock", in_run);
    snprintf(link, sizeof link, "%s/agent.sock", in_tmp);
    cr_assert_eq(symlink(path, link), 0);
    child = start_stranger(path, &fd);
    options.socket = link;
    cr_assert_eq(ratls_agent_attester_new(&options, &attester, NULL), RATLS_OK);
    assert_no_evidence(attester, RATLS_USAGE, "not taken for the agent");
    attester->free(attester);
    close(fd);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_assert(unlink(path) == 0 && unlink(link) == 0 && rmdir(in_tmp) == 0 && rmdir(in_run) == 0);
}
