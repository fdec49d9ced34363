#include "config.h"

#include <openssl/params.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <ratls/attester.h>
#include <ratls/tls.h>

#include "agent_socket.h"
#include "bytes.h"
#include "epoch_source.h"
#include "fail.h"

#define EXTENSION_FIRST 65280 /* private use, RFC 8446, 11 */
#define EXTENSION_LAST 65535
#define EPOCH_SECONDS_MAX 3600
#define RENEGOTIATION_INFO 65281 /* assigned, in spite of its place */

struct raw {
    char *role, *policy, *clients, *agent, *state, *tcti, *service, *boot_log, *ima_list, *result,
        *epoch, *epoch_seconds, *unlisted, *log, *extension, *watch;
};

static const struct {
    const char *name;
    size_t at;
} keys[] = {
    {"role", offsetof(struct raw, role)},
    {"policy", offsetof(struct raw, policy)},
    {"clients", offsetof(struct raw, clients)},
    {"agent", offsetof(struct raw, agent)},
    {"state", offsetof(struct raw, state)},
    {"tcti", offsetof(struct raw, tcti)},
    {"service", offsetof(struct raw, service)},
    {"boot-log", offsetof(struct raw, boot_log)},
    {"ima-list", offsetof(struct raw, ima_list)},
    {"result", offsetof(struct raw, result)},
    {"epoch", offsetof(struct raw, epoch)},
    {"epoch-seconds", offsetof(struct raw, epoch_seconds)},
    {"unlisted", offsetof(struct raw, unlisted)},
    {"log", offsetof(struct raw, log)},
    {"extension", offsetof(struct raw, extension)},
    {"watch", offsetof(struct raw, watch)},
};
#define KEYS (sizeof keys / sizeof *keys)

bool ratls_config_is_key(const char *name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (strcmp(name, keys[i].name) == 0)
            return true;
    return false;
}

static bool read_raw(const OSSL_CORE_HANDLE *handle, OSSL_FUNC_core_get_params_fn *get_params,
                     struct raw *raw)
{
    OSSL_PARAM params[KEYS + 1];

    for (size_t i = 0; i < KEYS; i++)
        params[i] =
            OSSL_PARAM_construct_utf8_ptr(keys[i].name, (char **)((char *)raw + keys[i].at), 0);
    params[KEYS] = OSSL_PARAM_construct_end();
    return get_params(handle, params) != 0;
}

/* Which of the words, separated by spaces, value is; -1 if none. NULL is the first. */
static int choose_word(const char *value, const char *const *words, size_t count)
{
    if (value == NULL)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0)
            return (int)i;
    }
    return -1;
}

static enum ratls_status read_extension(const char *value, unsigned *ret, struct ratls_error *err)
{
    char *end = NULL;
    unsigned long number;

    *ret = RATLS_TLS_EXTENSION_DEFAULT;
    if (value == NULL)
        return RATLS_OK;
    number = strtoul(value, &end, 10);
    if (value[0] < '1' || value[0] > '9' || *end != '\0' || number < EXTENSION_FIRST ||
        number > EXTENSION_LAST || number == RENEGOTIATION_INFO)
        return ratls_fail(err, RATLS_USAGE,
                          "extension = %.32s: must be a private-use number, 65282 to 65535", value);
    *ret = (unsigned)number;
    return RATLS_OK;
}

static enum ratls_status read_words(const struct raw *raw, struct ratls_config *config,
                                    struct ratls_error *err)
{
    static const char *const roles[] = {"", "server", "client", "both"};
    static const char *const unlisted[] = {"refuse", "plain"};
    static const char *const logs[] = {"none", "stderr", "syslog"};
    int role = choose_word(raw->role, roles, 4);
    int others = choose_word(raw->unlisted, unlisted, 2);
    int log = choose_word(raw->log, logs, 3);

    if (log < 0)
        return ratls_fail(err, RATLS_USAGE, "log = %.32s: must be none, stderr or syslog",
                          raw->log);
    config->log = (enum ratls_log)log;
    if (role <= 0)
        return ratls_fail(err, RATLS_USAGE, "role = %.32s: must be server, client or both",
                          raw->role == NULL ? "" : raw->role);
    if (others < 0)
        return ratls_fail(err, RATLS_USAGE, "unlisted = %.32s: must be refuse or plain",
                          raw->unlisted);
    config->server = role == 1 || role == 3;
    config->client = role == 2 || role == 3;
    config->unlisted_plain = others == 1;
    return read_extension(raw->extension, &config->extension, err);
}

static enum ratls_status read_epoch_seconds(const char *value, unsigned *ret,
                                            struct ratls_error *err)
{
    char *end = NULL;
    unsigned long number;

    *ret = 0;
    if (value == NULL)
        return RATLS_OK;
    number = strtoul(value, &end, 10);
    if (value[0] < '1' || value[0] > '9' || *end != '\0' || number > EPOCH_SECONDS_MAX)
        return ratls_fail(err, RATLS_USAGE, "epoch-seconds = %.32s: must be a number, 1 to %d",
                          value, EPOCH_SECONDS_MAX);
    *ret = (unsigned)number;
    return RATLS_OK;
}

/* What the attester would refuse, too, but not before the first SSL_CTX. */
static enum ratls_status check_values(const struct raw *raw, struct ratls_error *err)
{
    const char *fault = raw->epoch == NULL ? NULL : ratls_epoch_source_fault(raw->epoch);
    const size_t service_len = raw->service == NULL ? 1 : strlen(raw->service);

    if (fault != NULL)
        return ratls_fail(err, RATLS_USAGE, "epoch = %.64s: %s", raw->epoch, fault);
    if (raw->epoch == NULL && raw->epoch_seconds != NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "epoch-seconds without epoch: say where time stamps come from");
    if (service_len == 0 || service_len > RATLS_SERVICE_MAX ||
        (raw->service != NULL && !ratls_slice_is_printable(ratls_slice(raw->service, service_len))))
        return ratls_fail(err, RATLS_USAGE,
                          "service: must be 1 to %d printable characters of ASCII",
                          RATLS_SERVICE_MAX);
    return RATLS_OK;
}

static bool copy_text(const char *text, char **ret_copy)
{
    *ret_copy = text == NULL ? NULL : strdup(text);
    return text == NULL || *ret_copy != NULL;
}

/* An absolute path, or "none", which becomes the empty string. */
static enum ratls_status read_log_path(const char *key, const char *value, char **ret_path,
                                       struct ratls_error *err)
{
    const char *path = value;

    if (value != NULL && strcmp(value, "none") == 0)
        path = "";
    else if (value != NULL && value[0] != '/')
        return ratls_fail(err, RATLS_USAGE, "%s = %.64s: must be an absolute path, or none", key,
                          value);
    return copy_text(path, ret_path) ? RATLS_OK : ratls_fail(err, RATLS_MEMORY, "out of memory");
}

static enum ratls_status copy_texts(const struct raw *raw, struct ratls_config *config,
                                    struct ratls_error *err)
{
    enum ratls_status status = check_values(raw, err);

    if (status == RATLS_OK)
        status = read_log_path("boot-log", raw->boot_log, &config->boot_log, err);
    if (status == RATLS_OK)
        status = read_log_path("ima-list", raw->ima_list, &config->ima_list, err);
    if (status == RATLS_OK)
        status = read_log_path("result", raw->result, &config->result, err);
    if (status == RATLS_OK)
        status = read_epoch_seconds(raw->epoch_seconds, &config->epoch_s, err);
    if (status != RATLS_OK)
        return status;
    if (copy_text(raw->policy, &config->policy) && copy_text(raw->clients, &config->clients) &&
        copy_text(raw->agent, &config->agent) && copy_text(raw->state, &config->state) &&
        copy_text(raw->tcti, &config->tcti) && copy_text(raw->epoch, &config->epoch) &&
        copy_text(raw->service, &config->service) && copy_text(raw->watch, &config->watch))
        return RATLS_OK;
    return ratls_fail(err, RATLS_MEMORY, "out of memory");
}

/*
 * What only a process with the TPM itself does. `state` may be there for policies: of servers, with
 * role = both, or of clients.
 */
static enum ratls_status check_agent(const struct raw *raw, const struct ratls_config *config,
                                     struct ratls_error *err)
{
    const struct {
        const char *key;
        const char *value;
    } others[] = {
        {"state", config->client || raw->clients != NULL ? NULL : raw->state},
        {"tcti", raw->tcti},
        {"boot-log", raw->boot_log},
        {"ima-list", raw->ima_list},
        {"result", raw->result},
        {"epoch", raw->epoch},
        {"epoch-seconds", raw->epoch_seconds},
    };

    if (!config->server)
        return ratls_fail(err, RATLS_USAGE, "agent is for role = server or both");
    if (raw->agent[0] != '/' || strlen(raw->agent) > RATLS_AGENT_PATH_MAX)
        return ratls_fail(err, RATLS_USAGE,
                          "agent = %.64s: must be the absolute path of a socket, of at most %d "
                          "bytes",
                          raw->agent, RATLS_AGENT_PATH_MAX);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].value != NULL)
            return ratls_fail(err, RATLS_USAGE,
                              "%s beside agent: the agent has the TPM, so it goes into the "
                              "configuration of ratlsd",
                              others[i].key);
    return RATLS_OK;
}

static enum ratls_status check_sources(const struct raw *raw, const struct ratls_config *config,
                                       struct ratls_error *err)
{
    if (config->client && (raw->policy == NULL || raw->policy[0] == '\0'))
        return ratls_fail(err, RATLS_USAGE, "role = %s needs policy = FILE or FOLDER", raw->role);
    if (raw->clients != NULL && raw->clients[0] == '\0')
        return ratls_fail(err, RATLS_USAGE, "clients is empty: it names a policy file or folder");
    if (raw->agent != NULL)
        return check_agent(raw, config, err);
    if (config->server && raw->state == NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "role = %s needs state = FOLDER, as made by `ratls init`, or agent = "
                          "SOCKET of ratlsd",
                          raw->role);
    return RATLS_OK;
}

enum ratls_status ratls_config_read(const OSSL_CORE_HANDLE *handle,
                                    OSSL_FUNC_core_get_params_fn *get_params,
                                    struct ratls_config *ret_config, struct ratls_error *err)
{
    struct raw raw = {0};
    enum ratls_status status;

    *ret_config = (struct ratls_config){0};
    if (get_params == NULL || !read_raw(handle, get_params, &raw))
        return ratls_fail(err, RATLS_CRYPTO, "OpenSSL does not show the configuration");
    if (raw.state != NULL && raw.state[0] == '\0') /* what a variable of the environment gives */
        raw.state = NULL;
    if (raw.watch != NULL && raw.watch[0] == '\0')
        raw.watch = NULL;
    status = read_words(&raw, ret_config, err);
    if (status == RATLS_OK)
        status = check_sources(&raw, ret_config, err);
    if (status != RATLS_OK)
        return status;
    if (raw.watch != NULL && (!ret_config->client || raw.watch[0] != '/'))
        return ratls_fail(
            err, RATLS_USAGE,
            "watch = %.64s: must be the absolute path of a socket, with role = client "
            "or both",
            raw.watch);
    if (!ret_config->server && raw.clients != NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "clients is for role = server or both: a client demands evidence of "
                          "servers by policy");
    status = copy_texts(&raw, ret_config, err);
    if (status != RATLS_OK) {
        enum ratls_log log = ret_config->log;

        ratls_config_clear(ret_config);
        ret_config->log = log;
    }
    return status;
}

void ratls_config_clear(struct ratls_config *config)
{
    free(config->policy);
    free(config->clients);
    free(config->agent);
    free(config->state);
    free(config->tcti);
    free(config->service);
    free(config->boot_log);
    free(config->ima_list);
    free(config->epoch);
    free(config->watch);
    free(config->result);
    *config = (struct ratls_config){0};
}
