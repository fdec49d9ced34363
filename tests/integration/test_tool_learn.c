/* `ratls policy learn` of a server: it names no key, so evidence without the key teaches nothing.
 */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "learn.h"
#include "tcp_server.h"
#include "tls_pair.h"

#define PATH_MAX_HERE 64

static void name_key(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage != FAKE_SIGNED)
        return;
    draft->evidence.is_ak_named = true;
    draft->evidence.ak_index = 0;
    draft->evidence.ak_public = ratls_slice(NULL, 0);
    draft->evidence.certificate_count = 0;
}

static void leave(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)stage, (void)draft, (void)arg;
}

static enum ratls_status learn_from(const struct tcp_server *server, const char *out,
                                    struct ratls_error *err)
{
    const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)&server->address;
    char endpoint[PATH_MAX_HERE];
    const struct ratls_learn learn = {
        .from = {.session = {.server = endpoint, .server_name = TLS_NAME, .timeout_s = 10}},
        .out_path = out,
        .values = true,
    };

    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", ntohs(address->sin_port));
    return ratls_learn(&learn, err);
}

Test(tool_learn, evidence_without_the_key)
{
    static const struct {
        fake_tamper *tamper;
        const char *words; /* NULL: it is learned */
    } rows[] = {
        {leave, NULL},
        {name_key, "which is not in it: nothing was learned"},
    };

    signal(SIGPIPE, SIG_IGN); /* as the tool does */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char folder[] = "/tmp/ratls-test-XXXXXX";
        struct tls_world *world = tls_world_new();
        struct tcp_server *server = tcp_server_new(world->server, AF_INET);
        struct ratls_error err = {0};
        char out[PATH_MAX_HERE];
        enum ratls_status status;

        cr_assert_not_null(mkdtemp(folder));
        snprintf(out, sizeof out, "%s/bank.yaml", folder);
        world->tamper = rows[i].tamper;
        status = learn_from(server, out, &err);
        cr_expect_eq(status, rows[i].words == NULL ? RATLS_OK : RATLS_REJECTED, "%zu: %s", i,
                     err.text);
        if (rows[i].words != NULL)
            cr_expect_not_null(strstr(err.text, rows[i].words), "%zu: %s", i, err.text);
        cr_expect_eq(world->asked.key_id_count, 0, "%zu", i);
        cr_expect_eq(access(out, F_OK) == 0, rows[i].words == NULL, "%zu", i);
        (void)unlink(out);
        cr_expect_eq(rmdir(folder), 0, "%zu: there are other files", i);
        tcp_server_free(server);
        tls_world_free(world);
    }
}
