#include "status.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "agent_message.h"
#include "fail.h"
#include "listen.h"

#define PATIENCE_S 10

/* ---- the answer ---- */

/* Lines that a terminal takes for nothing else: who listens there need not be an agent. */
static bool is_plain(struct ratls_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] != '\n' && !ratls_slice_is_printable(ratls_slice(text.p + i, 1)))
            return false;
    return true;
}

static enum ratls_status ask(int fd, uint8_t *buffer, size_t cap, struct ratls_agent_answer *ret,
                             struct ratls_error *err)
{
    const struct ratls_agent_question question = {.id = 1, .kind = RATLS_AGENT_STATUS};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct ratls_writer w = ratls_writer(buffer, cap);
    ssize_t n;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ratls_agent_question_write(&question, &w);
    if (send(fd, w.p, w.len, MSG_NOSIGNAL) < 0)
        return ratls_fail(err, RATLS_IO, "asking the agent: %s", strerror(errno));
    n = recv(fd, buffer, cap, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return ratls_fail(
            err, RATLS_IO,
            "the agent has not answered for %d s: it hangs; see its log, or restart it",
            PATIENCE_S);
    if (n <= 0)
        return ratls_fail(err, RATLS_IO,
                          "the agent ended the connection: too many are open, or it is being "
                          "restarted; its log says which");
    if (!ratls_agent_answer_read(ratls_slice(buffer, (size_t)n), ret) || ret->id != question.id ||
        !is_plain(ret->payload))
        return ratls_fail(err, RATLS_MALFORMED, "what answers there is no agent of this version");
    if (ret->status != RATLS_OK)
        return ratls_fail(err, ret->status, "%.*s", (int)ret->text.len, (const char *)ret->text.p);
    return RATLS_OK;
}

/* ---- as JSON ---- */

/* One line "name{labels} value". */
static bool add_line(json_t *object, const char *line, size_t len)
{
    char text[1024];
    char *value;
    char *end = NULL;
    double number;

    if (len >= sizeof text)
        return false;
    memcpy(text, line, len);
    text[len] = '\0';
    value = strrchr(text, ' ');
    if (value == NULL)
        return false;
    *value++ = '\0';
    number = strtod(value, &end);
    if (*end != '\0' || end == value)
        return false;
    if (strchr(value, '.') != NULL)
        return json_object_set_new(object, text, json_real(number)) == 0;
    return json_object_set_new(object, text, json_integer(strtoll(value, NULL, 10))) == 0;
}

static bool add_lines(json_t *object, const char *text, size_t len)
{
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t line = end == NULL ? len : (size_t)(end - text);
        size_t step = end == NULL ? len : line + 1;

        if (line > 0 && text[0] != '#' && !add_line(object, text, line))
            return false;
        text += step;
        len -= step;
    }
    return true;
}

static enum ratls_status print_json(struct ratls_slice text, struct ratls_error *err)
{
    json_t *object = json_object();
    enum ratls_status status = RATLS_OK;

    if (object == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (!add_lines(object, (const char *)text.p, text.len))
        status = ratls_fail(err, RATLS_MALFORMED, "the answer is not in Prometheus' text format");
    else if (json_dumpf(object, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF)
        status = ratls_fail(err, RATLS_IO, "standard output: %s", strerror(errno));
    json_decref(object);
    return status;
}

enum ratls_status ratls_agentd_status(const char *socket, bool as_json, struct ratls_error *err)
{
    struct ratls_agent_answer answer = {.status = RATLS_OK};
    uint8_t *buffer = malloc(RATLS_AGENT_ANSWER_MAX);
    enum ratls_status status;
    int fd = -1;

    if (buffer == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_agentd_connect(socket, &fd, err);
    if (status == RATLS_OK)
        status = ask(fd, buffer, RATLS_AGENT_ANSWER_MAX, &answer, err);
    if (status == RATLS_OK && as_json)
        status = print_json(answer.payload, err);
    else if (status == RATLS_OK)
        (void)fwrite(answer.payload.p, 1, answer.payload.len, stdout);
    if (fd >= 0)
        close(fd);
    free(buffer);
    return status;
}
