#include "ca_command.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca_password.h"
#include "crl_make.h"
#include "describe.h"
#include "fail.h"
#include "output.h"

#define HTTP_REFUSED 400

struct ratls_ca_command ratls_ca_command(void)
{
    return (struct ratls_ca_command){.config_path = RATLS_CA_CONFIG_DEFAULT,
                                     .now = (int64_t)time(NULL)};
}

enum ratls_status ratls_ca_command_config(struct ratls_ca_command *command, struct ratls_error *err)
{
    enum ratls_status status;
    char *where;

    if (command->config != NULL)
        return RATLS_OK;
    if (access(command->config_path, F_OK) != 0 && errno == ENOENT)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: %s: ratls-ca.yaml(5) says what a CA's configuration has, and "
                          "share/ratls/ca.yaml, which was installed, is one to begin with",
                          command->config_path, strerror(errno));
    status = ratls_ca_config_load(command->config_path, &command->config, err);
    if (status != RATLS_OK)
        return status;
    ratls_ca_warn_of_password(command->config_path, command->store_url, command->config->store);
    if (command->store_url == NULL)
        return RATLS_OK;
    where = strdup(command->store_url);
    if (where == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    free(command->config->store);
    command->config->store = where;
    return RATLS_OK;
}

enum ratls_status ratls_ca_command_store(struct ratls_ca_command *command, struct ratls_error *err)
{
    enum ratls_status status = ratls_ca_command_config(command, err);

    return status == RATLS_OK ? ratls_store_open(command->config->store, &command->store, err)
                              : status;
}

enum ratls_status ratls_ca_command_open(struct ratls_ca_command *command, struct ratls_error *err)
{
    enum ratls_status status = ratls_ca_command_config(command, err);

    if (status != RATLS_OK || command->ca != NULL)
        return status;
    ratls_store_close(command->store);
    command->store = NULL;
    status = ratls_ca_open(command->config, command->now, &command->ca, err);
    if (status == RATLS_OK)
        command->store = ratls_ca_store(command->ca);
    return status;
}

void ratls_ca_command_done(struct ratls_ca_command *command)
{
    if (command->ca != NULL)
        ratls_ca_close(command->ca);
    else
        ratls_store_close(command->store);
    ratls_ca_config_free(command->config);
}

enum ratls_status ratls_ca_command_publish(struct ratls_ca_command *command,
                                           struct ratls_error *err)
{
    enum ratls_status status = ratls_ca_command_open(command, err);
    size_t count = status == RATLS_OK ? ratls_issuers_count(ratls_ca_issuers(command->ca)) : 0;

    for (size_t i = 0; i < count && status == RATLS_OK; i++) {
        struct ratls_store_crl crl = {.number = 0};
        char until[RATLS_CA_WHEN_MAX];

        status = ratls_ca_publish(ratls_ca_issuers(command->ca), command->store, i, command->now,
                                  command->config->crl_lifetime_s, &crl, err);
        if (status != RATLS_OK)
            break;
        ratls_ca_when(crl.next_update, command->now, until);
        if (!command->json)
            printf("CRL number %" PRId64 " of issuer %zu is in the store, valid until %s; "
                   "'ratls ca crl' writes it to a file\n",
                   crl.number, i + 1, until);
        ratls_store_crl_done(&crl);
    }
    return status;
}

void ratls_ca_command_who(char out[static RATLS_CA_WHO_MAX])
{
    const struct passwd *user = getpwuid(getuid());

    if (user != NULL)
        (void)snprintf(out, RATLS_CA_WHO_MAX, "%s", user->pw_name);
    else
        (void)snprintf(out, RATLS_CA_WHO_MAX, "user %lu", (unsigned long)getuid());
}

int ratls_ca_command_code(const struct ratls_ca_answer *answer)
{
    if (answer->http_status < HTTP_REFUSED && !answer->is_waiting)
        return RATLS_EXIT_OK;
    if (answer->is_waiting)
        ratls_complain("%s", answer->detail);
    else
        ratls_complain("refused (%s): %s", answer->reason, answer->detail);
    return RATLS_EXIT_REFUSED;
}

void ratls_ca_command_view(struct ratls_view *v, const struct ratls_ca_answer *answer)
{
    const struct ratls_slice id = ratls_slice(answer->id, sizeof answer->id);
    const struct ratls_slice request =
        ratls_slice(answer->request_sha256, sizeof answer->request_sha256);

    ratls_view_text(v, "status", NULL,
                    answer->is_waiting                    ? "waiting"
                    : answer->http_status >= HTTP_REFUSED ? "refused"
                                                          : "done");
    ratls_view_text(v, "reason", NULL, answer->reason);
    ratls_view_text(v, "detail", NULL, answer->detail);
    if (!ratls_slice_is_zero(request))
        ratls_view_hex(v, "request", NULL, request);
    if (!ratls_slice_is_zero(id))
        ratls_view_hex(v, "id", NULL, id);
}

void ratls_ca_when(int64_t at, int64_t now, char out[static RATLS_CA_WHEN_MAX])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    const int64_t away = at > now ? at - now : now - at;
    char time[RATLS_TIME_TEXT_MAX];
    size_t unit = 0;
    int64_t count;

    while (unit < sizeof units / sizeof units[0] - 1 && away < units[unit].seconds)
        unit++;
    count = away / units[unit].seconds;
    ratls_time_text(at, time);
    (void)snprintf(out, RATLS_CA_WHEN_MAX, "%s (%s%" PRId64 " %s%s%s)", time, at > now ? "in " : "",
                   count, units[unit].name, count == 1 ? "" : "s", at > now ? "" : " ago");
}
