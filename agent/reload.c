#include "reload.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "log.h"

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What was opened, or given up with root's rights, stays as it is. */
static void warn_of_restart(const struct ratls_agentd_config *old,
                            const struct ratls_agentd_config *now)
{
    const struct {
        const char *key;
        bool is_same;
    } keys[] = {
        {"state", is_same(old->state, now->state)},
        {"tcti", is_same(old->tcti, now->tcti)},
        {"boot-log", is_same(old->boot_log, now->boot_log)},
        {"ima-list", is_same(old->ima_list, now->ima_list)},
        {"result", is_same(old->result, now->result)},
        {"epoch", is_same(old->epoch, now->epoch)},
        {"epoch-seconds", old->epoch_s == now->epoch_s},
        {"socket", is_same(old->socket, now->socket)},
        {"socket-group", old->socket_gid == now->socket_gid},
        {"socket-mode", old->socket_mode == now->socket_mode},
        {"user", is_same(old->user, now->user)},
    };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!keys[i].is_same)
            ratls_log(LOG_WARNING, "%s was changed: that counts after a restart of ratlsd",
                      keys[i].key);
}

/* Sessions point into the old configuration until each has looked at the new one. */
static void replace(struct ratls_agentd *agent, struct ratls_agentd_config *config)
{
    struct ratls_agentd_config *old = agent->config;
    struct ratls_agentd_session *session = LIST_FIRST(&agent->sessions);

    agent->config = config;
    while (session != NULL) {
        struct ratls_agentd_session *next = LIST_NEXT(session, link);

        if (!ratls_agentd_session_take_rules(session))
            ratls_agentd_session_end(session);
        session = next;
    }
    warn_of_restart(old, config);
    ratls_agentd_config_free(old);
}

void ratls_agentd_reload(struct ratls_agentd *agent)
{
    struct ratls_agentd_config *config = NULL;
    struct ratls_error error = {.status = RATLS_OK};
    enum ratls_status status;

    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)ratls_agentd_now_us());
    status = ratls_agentd_config_load(agent->config_path, &config, &error);
    if (status == RATLS_OK)
        status = ratls_agentd_services_add(&agent->services, config, &error);
    if (status == RATLS_OK) {
        replace(agent, config);
        ratls_log(LOG_INFO, "the configuration was read again");
    } else {
        ratls_agentd_config_free(config);
        ratls_log(LOG_ERR, "%s; the configuration stays as it was", error.text);
    }
    (void)sd_notify(0, "READY=1");
}
