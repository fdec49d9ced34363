#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config_document.h"
#include "config_rules.h"
#include "epoch_source.h"
#include "fail.h"
#include "names.h"
#include "policy_file.h"

#define QUEUE_DEFAULT 16384
#define EPOCH_SECONDS_MAX 3600
#define SOCKET_PATH_LEN sizeof((struct sockaddr_un *)NULL)->sun_path

static enum ratls_status copy_text(const char *text, char **ret_copy, struct ratls_error *err)
{
    if (text == NULL)
        return RATLS_OK;
    *ret_copy = strdup(text);
    return *ret_copy == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory") : RATLS_OK;
}

static enum ratls_status read_path(const struct ratls_source *source, const char *key,
                                   const char *value, char **ret_path, struct ratls_error *err)
{
    if (value != NULL && value[0] != '/')
        return ratls_source_fail(source, err, key, "must be an absolute path");
    return copy_text(value, ret_path, err);
}

/* Logs of this machine: "none" becomes the empty text. */
static enum ratls_status read_log_path(const struct ratls_source *source, const char *key,
                                       const char *value, char **ret_path, struct ratls_error *err)
{
    if (value != NULL && strcmp(value, "none") == 0)
        return copy_text("", ret_path, err);
    if (value != NULL && value[0] != '/')
        return ratls_source_fail(source, err, key, "must be an absolute path, or none");
    return copy_text(value, ret_path, err);
}

static enum ratls_status read_socket(const struct ratls_source *source, const char *value,
                                     char **ret_path, struct ratls_error *err)
{
    if (value != NULL && strlen(value) >= SOCKET_PATH_LEN)
        return ratls_source_fail(source, err, "socket",
                                 "more than %zu bytes, too long for a socket", SOCKET_PATH_LEN - 1);
    return read_path(source, "socket", value == NULL ? RATLS_AGENTD_SOCKET_DEFAULT : value,
                     ret_path, err);
}

static enum ratls_status read_epoch(const struct ratls_source *source, const char *value,
                                    char **ret_epoch, struct ratls_error *err)
{
    const char *fault = value == NULL ? NULL : ratls_epoch_source_fault(value);

    if (fault != NULL)
        return ratls_source_fail(source, err, "epoch", "%s", fault);
    return copy_text(value, ret_epoch, err);
}

static enum ratls_status read_paths(const struct ratls_source *source,
                                    const struct ratls_agentd_document *document,
                                    struct ratls_agentd_config *config, struct ratls_error *err)
{
    enum ratls_status status = read_path(source, "state", document->state, &config->state, err);

    if (status == RATLS_OK)
        status = read_log_path(source, "boot-log", document->boot_log, &config->boot_log, err);
    if (status == RATLS_OK)
        status = read_log_path(source, "ima-list", document->ima_list, &config->ima_list, err);
    if (status == RATLS_OK)
        status = read_path(source, "result", document->result, &config->result, err);
    if (status == RATLS_OK)
        status = read_path(source, "metrics", document->metrics, &config->metrics, err);
    if (status == RATLS_OK)
        status = read_socket(source, document->socket, &config->socket, err);
    return status;
}

/* Whom ratlsd becomes; whose group the socket has, unless the configuration names another. */
static enum ratls_status read_user(const struct ratls_source *source, const char *name,
                                   struct ratls_agentd_config *config, struct ratls_error *err)
{
    const struct passwd *user;

    config->socket_gid = getegid();
    if (name == NULL)
        return RATLS_OK;
    user = getpwnam(name);
    if (user == NULL)
        return ratls_source_fail(source, err, "user",
                                 "no user of the name %.64s on this machine; `useradd --system "
                                 "--groups tss %.64s` makes one",
                                 name, name);
    if (user->pw_uid == 0)
        return ratls_source_fail(source, err, "user",
                                 "%.64s is root; name a user of ratlsd's own, who may use the TPM",
                                 name);
    config->socket_gid = user->pw_gid;
    return copy_text(name, &config->user, err);
}

static enum ratls_status read_rights(const struct ratls_source *source,
                                     const struct ratls_agentd_document *document,
                                     struct ratls_agentd_config *config, struct ratls_error *err)
{
    static const struct {
        const char *text;
        mode_t mode;
    } modes[] = {{"0600", 0600}, {"0660", 0660}, {"0666", 0666}};
    const char *mode = document->socket_mode == NULL ? "0660" : document->socket_mode;
    const char *group = document->socket_group;
    id_t gid = config->socket_gid;

    if (group != NULL && !ratls_agentd_find_id(group, true, &gid))
        return ratls_source_fail(source, err, "socket-group",
                                 "no group of the name %.64s on this machine", group);
    config->socket_gid = (gid_t)gid;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(mode, modes[i].text) == 0) {
            config->socket_mode = modes[i].mode;
            return RATLS_OK;
        }
    return ratls_source_fail(source, err, "socket-mode",
                             "must be 0660 (the group may connect), 0666 (everybody) or 0600");
}

static enum ratls_status read_numbers(const struct ratls_source *source,
                                      const struct ratls_agentd_document *document,
                                      struct ratls_agentd_config *config, struct ratls_error *err)
{
    enum ratls_status status = ratls_agentd_read_number(
        source, "queue", document->queue, RATLS_AGENTD_QUEUE_MAX, &config->queue, err);

    if (status == RATLS_OK)
        status = ratls_agentd_read_number(source, "epoch-seconds", document->epoch_seconds,
                                          EPOCH_SECONDS_MAX, &config->epoch_s, err);
    if (status == RATLS_OK && config->epoch_s != 0 && document->epoch == NULL)
        status = ratls_source_fail(source, err, "epoch-seconds",
                                   "there is no epoch: say where time stamps come from");
    return status;
}

static enum ratls_status read_document(const struct ratls_source *source,
                                       const struct ratls_agentd_document *document,
                                       struct ratls_agentd_config *config, struct ratls_error *err)
{
    enum ratls_status status = read_paths(source, document, config, err);

    config->queue = QUEUE_DEFAULT;
    if (status == RATLS_OK)
        status = read_numbers(source, document, config, err);
    if (status == RATLS_OK)
        status = copy_text(document->tcti, &config->tcti, err);
    if (status == RATLS_OK)
        status = read_epoch(source, document->epoch, &config->epoch, err);
    if (status == RATLS_OK)
        status = read_user(source, document->user, config, err);
    if (status == RATLS_OK)
        status = read_rights(source, document, config, err);
    if (status == RATLS_OK)
        status = ratls_agentd_read_rules(source, document, config, err);
    return status;
}

enum ratls_status ratls_agentd_config_read(const char *path, struct ratls_slice text,
                                           struct ratls_agentd_config **ret_config,
                                           struct ratls_error *err)
{
    const struct ratls_source source = {.path = path, .text = text};
    struct ratls_agentd_document *document = NULL;
    struct ratls_agentd_config *config;
    enum ratls_status status = ratls_source_check(&source, err);

    if (status == RATLS_OK)
        status = ratls_agentd_document_load(&source, &document, err);
    if (status != RATLS_OK)
        return status;
    config = calloc(1, sizeof *config);
    status = config == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                            : read_document(&source, document, config, err);
    ratls_agentd_document_free(document);
    if (status == RATLS_OK)
        *ret_config = config;
    else
        ratls_agentd_config_free(config);
    return status;
}

enum ratls_status ratls_agentd_config_load(const char *path,
                                           struct ratls_agentd_config **ret_config,
                                           struct ratls_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_policy_file_read(path, RATLS_POLICY_BYTES_MAX, &bytes, &len, err);

    if (status == RATLS_OK)
        status = ratls_agentd_config_read(path, ratls_slice(bytes, len), ret_config, err);
    free(bytes);
    return status;
}

void ratls_agentd_config_free(struct ratls_agentd_config *config)
{
    if (config == NULL)
        return;
    free(config->state);
    free(config->tcti);
    free(config->boot_log);
    free(config->ima_list);
    free(config->result);
    free(config->epoch);
    free(config->socket);
    free(config->user);
    free(config->metrics);
    free(config->rules);
    free(config);
}

const struct ratls_agentd_rule *ratls_agentd_config_match(const struct ratls_agentd_config *config,
                                                          const struct ratls_agentd_peer *peer)
{
    for (size_t i = 0; i < config->rule_count; i++) {
        const struct ratls_agentd_rule *rule = &config->rules[i];

        if (rule->is_group ? ratls_agentd_peer_in_group(peer, rule->id) : peer->uid == rule->id)
            return rule;
    }
    return NULL;
}
