/* Whether programs that are run with an openssl.cnf would load ratls, and what it could do there.
 */
#ifndef RATLS_TOOL_CONF_CHECK_H
#define RATLS_TOOL_CONF_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#define RATLS_CONF_FINDINGS_MAX 16
#define RATLS_CONF_TEXT 640

enum ratls_conf_result {
    RATLS_CONF_GOOD,
    RATLS_CONF_WARNING,
    RATLS_CONF_WRONG,
};

struct ratls_conf_finding {
    const char *subject;
    enum ratls_conf_result result;
    char text[RATLS_CONF_TEXT];
};

struct ratls_conf_report {
    size_t count;
    struct ratls_conf_finding findings[RATLS_CONF_FINDINGS_MAX];
    enum ratls_conf_result result; /* the worst of them */
    char summary[RATLS_CONF_TEXT]; /* what programs do with this file */
};

/*
 * Fills in what is {0}. Loads the file as a program does, into this process, which must not have
 * used any of OpenSSL's algorithms before; once in its life. Sets OPENSSL_CONF.
 */
void ratls_conf_check(const char *path, struct ratls_conf_report *report);

#endif
