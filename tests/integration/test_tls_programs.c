/* Programs around an attesting server or a verifying client notice nothing but the attestation. */
#include <criterion/criterion.h>
#include <string.h>

#include "fail.h"
#include "pki.h"
#include "tls_assert.h"

#define OTHER_NAME "other.example"

/* What a handshake without random values looks like: the type and the length of every record. */
static void describe_records(const struct tls_bytes *sent, char *out, size_t cap)
{
    struct ratls_reader r = ratls_reader(ratls_slice(sent->p, sent->len));
    size_t used = 0;

    while (r.rest.len != 0 && !r.failed && used < cap) {
        unsigned type = ratls_read_u8(&r);
        unsigned version = ratls_read_u16(&r);
        size_t len = ratls_read_u16(&r);

        ratls_read_bytes(&r, len);
        used += (size_t)snprintf(out + used, cap - used, "%u %04x %zu\n", type, version, len);
    }
    cr_assert(used < cap && !r.failed);
}

/* The key is RSA since the length of an ECDSA signature varies. */
static SSL_CTX *rsa_server(struct tls_world *world, EVP_PKEY *key, X509 *certificate, bool attests)
{
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    struct ratls_error error = {0};

    cr_assert(SSL_CTX_use_certificate(server, certificate) && SSL_CTX_use_PrivateKey(server, key));
    if (attests)
        cr_assert_eq(ratls_tls_attest(server, world->attester, &error), RATLS_OK);
    return server;
}

Test(tls_programs, server_is_plain_to_who_does_not_ask)
{
    static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
    struct tls_world *world = tls_world_new();
    EVP_PKEY *key = pki_key(PKI_RSA2048);
    X509 *certificate = pki_server_certificate(key, "DNS:" TLS_NAME, world->ca, world->ca_key);
    SSL_CTX *client = tls_plain_client(world);

    for (size_t v = 0; v < 2; v++) {
        char records[2][1000];

        for (int attests = 0; attests < 2; attests++) {
            SSL_CTX *server = rsa_server(world, key, certificate, attests != 0);
            struct tls_pair *pair = tls_pair_new(client, server, TLS_NAME);

            cr_assert(SSL_set_max_proto_version(pair->client.ssl, versions[v]));
            assert_connected(pair);
            cr_assert_eq(SSL_version(pair->client.ssl), versions[v]);
            cr_assert(SSL_SESSION_is_resumable(SSL_get_session(pair->client.ssl)));
            describe_records(&pair->server.sent, records[attests], sizeof records[attests]);
            tls_pair_free(pair);
            SSL_CTX_free(server);
        }
        cr_assert_str_eq(records[0], records[1]);
    }
    cr_assert_eq(world->attested, 0);
    SSL_CTX_free(client);
    X509_free(certificate);
    EVP_PKEY_free(key);
    tls_world_free(world);
}

/* A plain client resumes at an attesting server as at any other, in TLS 1.3 and 1.2. */
Test(tls_programs, plain_client_resumes)
{
    static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
    struct tls_world *world = tls_world_new();
    SSL_CTX *client = tls_plain_client(world);

    for (size_t v = 0; v < 2; v++) {
        struct tls_pair *first, *second;

        cr_assert(SSL_CTX_set_max_proto_version(client, versions[v]));
        first = tls_pair_new(client, world->server, TLS_NAME);
        second = tls_pair_new(client, world->server, TLS_NAME);
        assert_connected(first);
        cr_assert(SSL_set_session(second->client.ssl, SSL_get0_session(first->client.ssl)));
        assert_connected(second);
        cr_assert(SSL_session_reused(second->client.ssl));
        tls_pair_free(first);
        tls_pair_free(second);
    }
    SSL_CTX_free(client);
    tls_world_free(world);
}

/* Two names on one address: the second has a key of its own, which its evidence must be about. */
struct names {
    struct tls_world *world;
    EVP_PKEY *key;
    X509 *certificate;
    SSL_CTX *other;
};

static void begin_names(struct names *names, bool other_attests)
{
    struct ratls_error error = {0};

    names->world = tls_world_new();
    names->key = pki_key(PKI_P256);
    names->certificate = pki_server_certificate(names->key, "DNS:" OTHER_NAME, names->world->ca,
                                                names->world->ca_key);
    names->other = SSL_CTX_new(TLS_server_method());
    cr_assert(SSL_CTX_use_certificate(names->other, names->certificate) &&
              SSL_CTX_use_PrivateKey(names->other, names->key));
    if (other_attests)
        cr_assert_eq(ratls_tls_attest(names->other, names->world->attester, &error), RATLS_OK);
}

static void end_names(struct names *names)
{
    SSL_CTX_free(names->other);
    X509_free(names->certificate);
    EVP_PKEY_free(names->key);
    tls_world_free(names->world);
}

static int choose_by_servername(SSL *ssl, int *alert, void *arg)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    if (name != NULL && strcmp(name, OTHER_NAME) == 0)
        cr_assert_not_null(SSL_set_SSL_CTX(ssl, arg));
    return SSL_TLSEXT_ERR_OK;
}

static int choose_by_hello(SSL *ssl, int *alert, void *arg)
{
    const unsigned char *p;
    size_t len;

    (void)alert;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &len) &&
        memmem(p, len, OTHER_NAME, strlen(OTHER_NAME)) != NULL)
        cr_assert_not_null(SSL_set_SSL_CTX(ssl, arg));
    return SSL_CLIENT_HELLO_SUCCESS;
}

static void connect_to_both(struct names *names)
{
    static const char *const rows[] = {OTHER_NAME, TLS_NAME, OTHER_NAME};

    for (size_t i = 0; i < 3; i++) {
        struct tls_pair *pair = tls_pair_new(names->world->client, names->world->server, rows[i]);

        assert_accepted(pair);
        cr_assert_eq(X509_cmp(SSL_get0_peer_certificate(pair->client.ssl),
                              rows[i] == rows[1] ? names->world->certificate : names->certificate),
                     0);
        tls_pair_free(pair);
    }
}

Test(tls_programs, context_chosen_by_servername)
{
    struct names names;

    begin_names(&names, true);
    SSL_CTX_set_tlsext_servername_callback(names.world->server, choose_by_servername);
    SSL_CTX_set_tlsext_servername_arg(names.world->server, names.other);
    connect_to_both(&names);
    end_names(&names);
}

Test(tls_programs, context_chosen_by_client_hello)
{
    struct names names;

    begin_names(&names, true);
    SSL_CTX_set_client_hello_cb(names.world->server, choose_by_hello, names.other);
    connect_to_both(&names);
    end_names(&names);
}

/* The context that was chosen only verifies, as a client of others: so its server has no evidence.
 */
Test(tls_programs, chosen_context_does_not_attest)
{
    struct names names;
    struct ratls_error error = {0};
    struct tls_pair *pair;

    begin_names(&names, false);
    cr_assert_eq(ratls_tls_verify(names.other, names.world->policy, &error), RATLS_OK);
    SSL_CTX_set_tlsext_servername_callback(names.world->server, choose_by_servername);
    SSL_CTX_set_tlsext_servername_arg(names.world->server, names.other);
    pair = tls_pair_new(names.world->client, names.world->server, OTHER_NAME);
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_str_eq(tls_failure(pair).check, "evidence.present");
    cr_assert_eq(names.world->attested, 0);
    tls_pair_free(pair);
    end_names(&names);
}

static unsigned client_certificates;

static int see_client(int ok, X509_STORE_CTX *store)
{
    client_certificates += X509_STORE_CTX_get_error_depth(store) == 0;
    return ok;
}

static void assert_mutual(struct tls_world *world, SSL_CTX *client, bool trusted)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *certificate =
        pki_certificate(&(struct pki_spec){.subject = "client",
                                           .key = key,
                                           .issuer = trusted ? world->ca : NULL,
                                           .issuer_key = trusted ? world->ca_key : key,
                                           .eku = "clientAuth"});
    struct tls_pair *pair;

    cr_assert(SSL_CTX_use_certificate(client, certificate) && SSL_CTX_use_PrivateKey(client, key));
    pair = tls_pair_new(client, world->server, TLS_NAME);
    client_certificates = 0;
    cr_assert_eq(tls_pair_handshake(pair), trusted);
    cr_assert_eq(pair->server.done, trusted ? 1 : -1);
    cr_assert_eq(client_certificates, 1);
    if (trusted)
        cr_assert_eq(X509_cmp(SSL_get0_peer_certificate(pair->server.ssl), certificate), 0);
    tls_pair_free(pair);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* The server's own verification of clients, in contexts that attest, verify, or both. */
Test(tls_programs, client_certificates)
{
    struct tls_world *world = tls_world_new();
    struct ratls_error error = {0};
    SSL_CTX *plain = tls_plain_client(world);

    cr_assert(X509_STORE_add_cert(SSL_CTX_get_cert_store(world->server), world->ca));
    SSL_CTX_set_verify(world->server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       see_client);
    for (int both = 0; both < 2; both++) {
        if (both)
            cr_assert_eq(ratls_tls_verify(world->server, world->policy, &error), RATLS_OK);
        assert_mutual(world, world->client, true);
        assert_mutual(world, world->client, false);
        assert_mutual(world, plain, true);
        assert_mutual(world, plain, false);
    }
    SSL_CTX_free(plain);
    tls_world_free(world);
}

static enum ratls_status attest_without_tpm(struct ratls_attester *self,
                                            const struct ratls_attest_request *request,
                                            uint8_t **ret_evidence, size_t *ret_len,
                                            struct ratls_error *ret_error)
{
    (void)self, (void)request, (void)ret_evidence, (void)ret_len;
    return ratls_fail(ret_error, RATLS_TPM, "/dev/tpmrm0: no such device");
}

static enum ratls_status attest_with_nothing(struct ratls_attester *self,
                                             const struct ratls_attest_request *request,
                                             uint8_t **ret_evidence, size_t *ret_len,
                                             struct ratls_error *ret_error)
{
    (void)self, (void)request, (void)ret_error;
    *ret_evidence = NULL;
    *ret_len = 0;
    return RATLS_OK;
}

static enum ratls_status attest_without_reason(struct ratls_attester *self,
                                               const struct ratls_attest_request *request,
                                               uint8_t **ret_evidence, size_t *ret_len,
                                               struct ratls_error *ret_error)
{
    (void)self, (void)request, (void)ret_evidence, (void)ret_len, (void)ret_error;
    return RATLS_LIMIT;
}

static struct ratls_attester *keep_attester(struct ratls_attester *self)
{
    return self;
}

static void leave_attester(struct ratls_attester *self)
{
    (void)self;
}

/* The one that asked gets an alert, the program the reason; who does not ask is served as ever. */
Test(tls_programs, attester_fails)
{
    static struct {
        struct ratls_attester attester;
        enum ratls_status status;
        const char *reason, *text;
    } rows[] = {
        {{.attest = attest_without_tpm, .up_ref = keep_attester, .free = leave_attester},
         RATLS_TPM,
         "attestation failed: /dev/tpmrm0: no such device",
         "/dev/tpmrm0: no such device"},
        {{.attest = attest_with_nothing, .up_ref = keep_attester, .free = leave_attester},
         RATLS_USAGE,
         "attestation failed: the attester returned 0 bytes",
         "the attester returned 0 bytes"},
        {{.attest = attest_without_reason, .up_ref = keep_attester, .free = leave_attester},
         RATLS_LIMIT,
         "attestation failed: the attester gave no reason",
         "the attester gave no reason"},
    };
    struct tls_world *world = tls_world_new();
    SSL_CTX *plain = tls_plain_client(world);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SSL_CTX *server = tls_plain_server(world);
        struct ratls_error error = {0};
        struct tls_pair *pair;

        cr_assert_eq(ratls_tls_attest(server, &rows[i].attester, &error), RATLS_OK);
        pair = tls_pair_new(world->client, server, TLS_NAME);
        cr_assert_not(tls_pair_handshake(pair));
        cr_assert_eq(pair->server.alert_sent, SSL_AD_INTERNAL_ERROR);
        cr_assert_eq(pair->client.alert_received, SSL_AD_INTERNAL_ERROR);
        cr_assert_str_eq(pair->server.library, "ratls");
        cr_assert_str_eq(pair->server.reason_text, rows[i].reason);
        cr_assert_str_eq(pair->server.data, rows[i].text);
        cr_assert_eq(ratls_tls_error(pair->server.ssl)->status, rows[i].status);
        cr_assert_str_eq(ratls_tls_error(pair->server.ssl)->text, rows[i].text);
        tls_pair_free(pair);
        pair = tls_pair_new(plain, server, TLS_NAME);
        assert_connected(pair);
        tls_pair_free(pair);
        SSL_CTX_free(server);
    }
    SSL_CTX_free(plain);
    tls_world_free(world);
}

static int make_cookie(SSL *ssl, unsigned char *cookie, size_t *ret_len)
{
    (void)ssl;
    memcpy(cookie, "cookie", 6);
    *ret_len = 6;
    return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, size_t len)
{
    (void)ssl;
    return len == 6 && memcmp(cookie, "cookie", 6) == 0;
}

/* A server that keeps nothing of a client until its cookie came back (SSL_stateless(3)). */
Test(tls_programs, stateless_server)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair;

    /* SSL_stateless() stops at a ChangeCipherSpec before the second ClientHello, also without us.
     */
    SSL_CTX_clear_options(world->client, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
    SSL_CTX_set_stateless_cookie_generate_cb(world->server, make_cookie);
    SSL_CTX_set_stateless_cookie_verify_cb(world->server, check_cookie);
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    for (int hello = 0; hello < 2; hello++) {
        cr_assert_eq(SSL_do_handshake(pair->client.ssl), -1);
        tls_pair_carry(pair);
        cr_assert_eq(SSL_stateless(pair->server.ssl), hello, "ClientHello %d", hello);
        tls_pair_carry(pair);
    }
    assert_accepted(pair);
    cr_assert_eq(world->attested, 1);
    tls_pair_free(pair);
    tls_world_free(world);
}
