/*
 * Where the server asks: reflection of its own evidence (A7, T4), and evidence of another client,
 * request or session. In honest evidence one key may speak in both roles.
 */
#include "rows.h"
#include "statement_changes.h"

static void ask_a_client(struct scene *scene)
{
    scene->expectation.role = RATLS_ROLE_CLIENT;
    scene->rules->for_clients = true;
}

static void pin_for_another(struct scene *scene)
{
    ask_a_client(scene);
    fake_policy_pin(scene->policy, scene->tpm, "another.example");
}

#define CLIENT_ROW(what, which, how, with)                                                         \
    {                                                                                              \
        .name = what, .check = RATLS_CHECK_##which, .before = ask_a_client, .tamper = how,         \
        .param = with                                                                              \
    }

static const struct row rows[] = {
    CLIENT_ROW("T4: the server's own evidence, reflected", STATEMENT_ROLE, change_role,
               RATLS_ROLE_SERVER),
    CLIENT_ROW("no role", STATEMENT_ROLE, change_role, 0),
    CLIENT_ROW("T39: the answer to another CertificateRequest", STATEMENT_NONCE, change_nonce,
               RATLS_NONCE_LEN),
    CLIENT_ROW("T2: of another session", STATEMENT_BINDER, change_binder, RATLS_BINDER_LEN),
    CLIENT_ROW("T3: for another client's TLS key", STATEMENT_SPKI, change_spki, 0),
    CLIENT_ROW("T5: of the finished session", STATEMENT_MODE, change_mode, RATLS_MODE_EXPORTER),
    {.name = "T26: of a client with another name",
     .check = RATLS_CHECK_AK_SERVER,
     .trust = ROW_UNKNOWN,
     .after = pin_for_another},
};

const struct rows rows_client = {rows, sizeof rows / sizeof rows[0]};
