/* What a build without libcurl says instead (RATLS_HTTP=OFF). */
#include "fail.h"
#include "http.h"

static enum ratls_status refuse(struct ratls_error *err)
{
    return ratls_fail(err, RATLS_USAGE,
                      "this build of ratls cannot ask servers by HTTP: build it with "
                      "-DRATLS_HTTP=ON, which needs libcurl4-openssl-dev");
}

enum ratls_status ratls_http_check(const char *url, struct ratls_error *err)
{
    (void)url;
    return refuse(err);
}

enum ratls_status ratls_http(const struct ratls_http_call *call,
                             struct ratls_http_answer *ret_answer, struct ratls_error *err)
{
    (void)call;
    (void)ret_answer;
    return refuse(err);
}

void ratls_http_answer_done(struct ratls_http_answer *answer)
{
    *answer = (struct ratls_http_answer){0};
}
