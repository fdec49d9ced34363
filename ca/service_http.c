#include "service_http.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fail.h"

/* More than a head may have, so that we can say that it is too long; and room for an answer's. */
#define CONNECTION_MEMORY 24576u
#define IDLE_S 10u /* nothing at all comes */
#define LINE_MAX_BYTES 256

/* One request of a connection. */
struct exchange {
    struct ratls_http_route route;
    uint8_t *body;
    size_t len, cap;
};

static struct ratls_connection *watched(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info == NULL ? NULL : info->socket_context;
}

static void set_state(struct ratls_service_desk *desk, struct MHD_Connection *connection,
                      enum ratls_connection_state state)
{
    ratls_connections_set(desk->connections, watched(connection), state,
                          ratls_service_time().now_ms);
}

/* ---- answers ---- */

static bool add_fields(struct MHD_Response *response, const struct ratls_http_reply *reply)
{
    char seconds[16];
    bool is_good = MHD_add_response_header(response, "Content-Type", reply->type) == MHD_YES &&
                   MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES;

    if (is_good && reply->allow != NULL)
        is_good = MHD_add_response_header(response, "Allow", reply->allow) == MHD_YES;
    if (is_good && reply->location[0] != '\0')
        is_good = MHD_add_response_header(response, "Location", reply->location) == MHD_YES;
    if (is_good && reply->retry_after_s > 0) {
        snprintf(seconds, sizeof seconds, "%u", reply->retry_after_s);
        is_good = MHD_add_response_header(response, "Retry-After", seconds) == MHD_YES;
    }
    return is_good;
}

/* MHD_NO ends the connection: nothing is said where memory is short. */
static enum MHD_Result send_reply(struct ratls_service_desk *desk,
                                  struct MHD_Connection *connection, struct ratls_http_reply *reply)
{
    struct MHD_Response *response;
    enum MHD_Result result = MHD_NO;

    if (reply->body == NULL)
        return MHD_NO;
    response = MHD_create_response_from_buffer(reply->len, reply->body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        return MHD_NO;
    reply->body = NULL; /* the response's */
    set_state(desk, connection, RATLS_CONNECTION_TAKING);
    if (add_fields(response, reply))
        result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- questions ---- */

/*
 * libmicrohttpd ends a line, or a field, at a NUL and says nothing of what follows. But all of a
 * head lies in one buffer, as it came: a part that does not begin right behind the one before it
 * follows something that was left out. So no other reader of the connection, such as a web server
 * in front, can have read another request than we do.
 */
struct head_reader {
    struct ratls_http_head *head;
    const char *end; /* of what was read */
    bool has_control;
};

#define LINE_END 2 /* CR LF */

static void expect_at(struct head_reader *reader, const char *at, size_t gap)
{
    if (reader->end + gap != at)
        reader->head->has_hidden = true;
}

/* From 1.0 on libmicrohttpd takes no NUL, and cuts off what may stand behind a value. */
static bool may_hide(void)
{
    return strncmp(MHD_get_version(), "0.", 2) == 0;
}

/* What no field may have (RFC 9110, 5.5). */
static bool has_control(struct ratls_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if ((bytes.p[i] < ' ' && bytes.p[i] != '\t') || bytes.p[i] == 0x7f)
            return true;
    return false;
}

static enum MHD_Result add_field(void *arg, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    struct head_reader *reader = arg;

    (void)kind;
    expect_at(reader, name, LINE_END);
    reader->end = value == NULL ? name + name_len : value + value_len;
    if (has_control(ratls_slice(name, name_len)) || has_control(ratls_slice(value, value_len)))
        reader->has_control = reader->head->has_hidden = true;
    ratls_http_head_add(reader->head, ratls_slice(name, name_len), ratls_slice(value, value_len));
    return MHD_YES;
}

static void read_head(struct MHD_Connection *connection, const char *path, const char *method,
                      const char *version, struct ratls_http_head *ret_head)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct head_reader reader = {.head = ret_head, .end = method + strlen(method)};

    *ret_head = (struct ratls_http_head){.method = ratls_slice(method, strlen(method)),
                                         .path = ratls_slice(path, strlen(path))};
    ret_head->len = info == NULL ? SIZE_MAX : info->header_size;
    ret_head->has_query =
        MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL) > 0;
    expect_at(&reader, path, 1);
    reader.end = path + strlen(path);
    expect_at(&reader, version, 1);
    reader.end = version + strlen(version);
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, add_field, &reader);
    if ((size_t)(reader.end - method) + (size_t)2 * LINE_END != ret_head->len)
        ret_head->has_hidden = true;
    if (!may_hide())
        ret_head->has_hidden = reader.has_control;
}

/* The head has come. A refusal is sent at once: what follows is not read. */
static enum MHD_Result begin(struct ratls_service_desk *desk, struct MHD_Connection *connection,
                             const char *path, const char *method, const char *version,
                             struct exchange *exchange)
{
    struct ratls_http_refusal refusal;
    struct ratls_http_reply reply = {.status = 0};
    struct ratls_http_head head;
    enum MHD_Result result;

    read_head(connection, path, method, version, &head);
    if (ratls_http_head_check(&head, &exchange->route, &exchange->cap, &refusal)) {
        exchange->body = exchange->cap == 0 ? NULL : malloc(exchange->cap);
        return exchange->cap == 0 || exchange->body != NULL ? MHD_YES : MHD_NO;
    }
    ratls_service_desk_refuse(desk, &exchange->route, &refusal, ratls_service_time(), &reply);
    result = send_reply(desk, connection, &reply);
    ratls_http_reply_done(&reply);
    return result;
}

static enum MHD_Result answer(struct ratls_service_desk *desk, struct MHD_Connection *connection,
                              struct exchange *exchange)
{
    struct ratls_http_reply reply = {.status = 0};
    enum MHD_Result result;

    set_state(desk, connection, RATLS_CONNECTION_WORKING);
    ratls_service_desk_answer(desk, &exchange->route, ratls_slice(exchange->body, exchange->len),
                              ratls_service_time(), &reply);
    result = send_reply(desk, connection, &reply);
    ratls_http_reply_done(&reply);
    return result;
}

/* Called with the head, with each part of the body, and at the end. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *len, void **state)
{
    struct exchange *exchange = *state;

    if (exchange == NULL) {
        *state = exchange = calloc(1, sizeof *exchange);
        return exchange == NULL ? MHD_NO : begin(arg, connection, path, method, version, exchange);
    }
    if (*len == 0)
        return answer(arg, connection, exchange);
    if (*len > exchange->cap - exchange->len)
        return MHD_NO;
    memcpy(exchange->body + exchange->len, data, *len);
    exchange->len += *len;
    *len = 0;
    return MHD_YES;
}

static void end_exchange(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct exchange *exchange = *state;

    (void)why;
    set_state(arg, connection, RATLS_CONNECTION_IDLE);
    if (exchange != NULL)
        free(exchange->body);
    free(exchange);
    *state = NULL;
}

/* The request line is there. */
static void *begin_request(void *arg, const char *uri, struct MHD_Connection *connection)
{
    (void)uri;
    set_state(arg, connection, RATLS_CONNECTION_ASKING);
    return NULL;
}

/* ---- connections ---- */

static void watch(void *arg, struct MHD_Connection *connection, void **ret_watched,
                  enum MHD_ConnectionNotificationCode code)
{
    struct ratls_service_desk *desk = arg;
    const union MHD_ConnectionInfo *info;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        ratls_connections_leave(desk->connections, *ret_watched);
        *ret_watched = NULL;
        return;
    }
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *ret_watched = info == NULL ? NULL
                                : ratls_connections_enter(desk->connections, info->connect_fd,
                                                          ratls_service_time().now_ms);
}

/* Paths stay as they came: none of ours has anything to decode. */
static size_t leave_as_it_is(void *arg, struct MHD_Connection *connection, char *text)
{
    (void)arg;
    (void)connection;
    return strlen(text);
}

/*
 * What libmicrohttpd refuses by itself, such as a line that is none of HTTP, it answers by itself,
 * too. It tells only its log.
 */
static void take_line(void *arg, const char *format, va_list args)
{
    struct ratls_service_desk *desk = arg;
    char line[LINE_MAX_BYTES];
    unsigned status = 0;

    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the caller's */
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\r\n")] = '\0';
    if (sscanf(line, "Error processing request (HTTP response code is %u", &status) == 1)
        ratls_service_desk_note(desk, status, "malformed", "not HTTP as it should be",
                                ratls_service_time());
    else
        desk->log(LOG_DEBUG, line);
}

enum ratls_status ratls_service_http_start(struct ratls_service_desk *desk, int listener,
                                           unsigned threads, struct MHD_Daemon **ret_daemon,
                                           struct ratls_error *err)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle,
        desk, MHD_OPTION_EXTERNAL_LOGGER, take_line, desk, MHD_OPTION_LISTEN_SOCKET, listener,
        MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)desk->connections_max, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT,
        1, MHD_OPTION_UNESCAPE_CALLBACK, leave_as_it_is, NULL, MHD_OPTION_URI_LOG_CALLBACK,
        begin_request, desk, MHD_OPTION_NOTIFY_CONNECTION, watch, desk, MHD_OPTION_NOTIFY_COMPLETED,
        end_exchange, desk, MHD_OPTION_END);

    if (daemon == NULL)
        return ratls_fail(err, RATLS_IO, "the HTTP server cannot be started");
    *ret_daemon = daemon;
    return RATLS_OK;
}
