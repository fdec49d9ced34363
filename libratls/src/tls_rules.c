/* Which server the program means, and which rules of the policy speak for it. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "fail.h"
#include "tls_internal.h"

static enum ratls_status fail_names(struct ratls_error *err, const char *one, const char *other)
{
    return ratls_fail(err, RATLS_USAGE,
                      "the program verifies %.64s but asks for %.64s (SNI): which is meant?", one,
                      other);
}

/* OpenSSL calls it an error that there is none; the program's error stack is not for that. */
static char *get_verified_address(X509_VERIFY_PARAM *param)
{
    char *address;

    ERR_set_mark();
    address = X509_VERIFY_PARAM_get1_ip_asc(param);
    ERR_pop_to_mark();
    return address;
}

/*
 * The server that the program means: the name or address that it verifies against, else the SNI.
 * Both present and different is refused, for a policy must not be chosen by the weaker one.
 */
static enum ratls_status find_server_name(SSL *ssl, char *out, struct ratls_error *err)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
    const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    char *address = host != NULL ? NULL : get_verified_address(param);
    const char *verified = host != NULL ? host : address;
    const char *name = verified != NULL ? verified : sni;
    enum ratls_status status = RATLS_OK;

    if (host != NULL && X509_VERIFY_PARAM_get0_host(param, 1) != NULL)
        status = fail_names(err, host, X509_VERIFY_PARAM_get0_host(param, 1));
    else if (verified != NULL && sni != NULL && strcasecmp(verified, sni) != 0)
        status = fail_names(err, verified, sni);
    else if (name != NULL && strlen(name) >= RATLS_SERVER_NAME_MAX)
        status = ratls_fail(err, RATLS_LIMIT, "the server's name is too long");
    else if (name != NULL)
        memcpy(out, name, strlen(name) + 1);
    OPENSSL_free(address);
    return status;
}

enum ratls_status ratls_client_choose_rules(SSL *ssl, struct ratls_tls *tls,
                                            struct ratls_channel *channel, bool *ret_plain)
{
    enum ratls_status status = find_server_name(ssl, channel->server_name, &channel->error);
    const char *name = channel->server_name[0] == '\0' ? NULL : channel->server_name;
    char named[RATLS_POLICY_NAMED_MAX];

    *ret_plain = false;
    if (status != RATLS_OK || tls->collects)
        return status;
    if (tls->policy == NULL && tls->policy_failure.status == RATLS_OK)
        return ratls_fail(&channel->error, RATLS_USAGE, "no policy was loaded");
    if (tls->policy == NULL)
        return ratls_fail(&channel->error, tls->policy_failure.status, "%s",
                          tls->policy_failure.text);
    channel->rules = ratls_policy_rules(tls->policy, name);
    if (channel->rules != NULL) {
        ratls_policy_free(channel->policy);
        channel->policy = ratls_policy_up_ref(tls->policy);
    } else if (tls->unlisted_plain) {
        *ret_plain = true;
    } else if (name == NULL) {
        ratls_policy_named(tls->policy, RATLS_ROLE_SERVER, named);
        return ratls_fail(&channel->error, RATLS_USAGE,
                          "the program did not say which server it means (no SNI: an IP address is "
                          "no name), and no policy speaks for every name: %s",
                          named);
    } else {
        return ratls_policy_fail_unlisted(tls->policy, RATLS_ROLE_SERVER, name, &channel->error);
    }
    return RATLS_OK;
}
