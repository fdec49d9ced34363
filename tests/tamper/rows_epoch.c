/* Evidence of an epoch: its statement, its key, and what the key signs. */
#include <string.h>

#include "rows.h"

static const uint8_t other[64] = {0xee};

static void forbid(struct scene *scene)
{
    scene->rules->freshness = RATLS_FRESHNESS_NONCE;
}

static void change_label(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        draft->epoch_statement.label = ratls_slice("ratls-2", 7);
}

static void change_mode(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_EPOCH)
        draft->epoch_statement.mode = (uint64_t) * (int *)arg;
}

static void change_role(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        draft->epoch_statement.role = RATLS_ROLE_CLIENT;
}

static void change_version(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        draft->epoch_statement.tls_version = 0x0304;
}

static void change_cipher(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        draft->epoch_statement.cipher_suite = 0x1301;
}

static void add_nonce(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        draft->epoch_statement.nonce = draft->statement.nonce;
}

static void add_binder(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        draft->epoch_statement.binder = draft->statement.binder;
}

static void change_spki(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        draft->epoch_statement.spki_sha256 = ratls_slice(other, 32);
}

static void change_service(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        draft->epoch_statement.service = ratls_slice("mail", 4);
}

static void change_manifest(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        draft->epoch_statement.manifest = ratls_slice(other, 32);
}

static void change_context(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_EPOCH)
        draft->epoch_statement.context = ratls_slice(other, (size_t) * (int *)arg);
}

/* What the session's statement is made of goes through statement.* as ever. */
static void change_session_nonce(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_STATEMENT)
        draft->statement.nonce = ratls_slice(other, RATLS_NONCE_LEN);
}

static void change_session_role(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_STATEMENT)
        draft->statement.role = RATLS_ROLE_CLIENT;
}

static void change_session_mode(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_STATEMENT)
        draft->statement.mode = RATLS_MODE_EPOCH;
}

static void change_session_manifest(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_STATEMENT)
        draft->statement.manifest = ratls_slice(other, 32);
}

/* Who has the TLS key and this evidence, and no key of the epoch: he signs with his own. */
static void sign_with_another_key(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        draft->epoch_signer = draft->tpm->key;
}

/* ... or names his own. */
static void name_another_key(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    uint8_t *spki = NULL;
    int len;

    (void)arg;
    if (stage != FAKE_EPOCH)
        return;
    draft->epoch_signer = draft->tpm->key; /* P-256, as it must be */
    len = i2d_PUBKEY(draft->epoch_signer, &spki);
    fake_bytes_set(&draft->epoch_spki, spki, (size_t)len);
    OPENSSL_free(spki);
}

/* The evidence of another session, with what this one expects written over it. */
static void write_over(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    struct ratls_writer w = ratls_writer(draft->session_cbor.p, sizeof draft->session_cbor.p);

    (void)arg;
    if (stage == FAKE_STATEMENT)
        draft->statement.nonce = ratls_slice(other, RATLS_NONCE_LEN);
    if (stage != FAKE_SIGNED)
        return;
    draft->statement.nonce = ratls_slice(draft->request->nonce, RATLS_NONCE_LEN);
    ratls_statement_write(&draft->statement, &w);
}

static void set_key_byte(struct fake_draft *draft, size_t at, uint8_t value)
{
    draft->epoch_spki.p[at] = value;
    fake_digest(RATLS_ALG_SHA256, ratls_slice(draft->epoch_spki.p, draft->epoch_spki.len),
                draft->epoch_context);
}

/* The curve's OID is secp256r1, 1.2.840.10045.3.1.7; this is 3.1.6. */
static void change_curve(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        set_key_byte(draft, 22, 6);
}

static void leave_curve(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_EPOCH)
        set_key_byte(draft, 90, draft->epoch_spki.p[90] ^ 1);
}

static void shorten_signature(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->evidence.session.signature.len--;
}

/* After the quote: another time stamp of the same authority. */
static void swap_token(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage != FAKE_SIGNED)
        return;
    draft->token_len = fake_tsa_token(draft->tpm->tsa, &draft->tpm->stamp, draft->token);
    draft->evidence.token = ratls_slice(draft->token, draft->token_len);
}

static void begin_again(struct scene *scene)
{
    memset(scene->expectation.nonce, 0x1a, sizeof scene->expectation.nonce);
    memset(scene->expectation.binder, 0x1b, sizeof scene->expectation.binder);
}

static void change_pcr(struct scene *scene)
{
    fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
}

static void stamp_at(struct scene *scene, int64_t time)
{
    scene->tpm->stamp.time = time;
}

static void stamp_61_s_ago(struct scene *scene)
{
    stamp_at(scene, SCENE_NOW - 61);
}

static void stamp_inaccurately(struct scene *scene)
{
    stamp_at(scene, SCENE_NOW - 59);
    scene->tpm->stamp.accuracy_s = 1;
    scene->tpm->stamp.accuracy_ms = 1;
}

static void stamp_ahead(struct scene *scene)
{
    stamp_at(scene, SCENE_NOW + 61);
}

/* A long epoch does not stretch what clocks may differ. */
static void stamp_far_ahead(struct scene *scene)
{
    scene->rules->epoch.within_s = 3600;
    stamp_at(scene, SCENE_NOW + 301);
}

#define OF_EPOCH .before = scene_epoch
#define STATEMENT_ROW(what, change, place)                                                         \
    {                                                                                              \
        .name = what, .check = RATLS_CHECK_EPOCH_STATEMENT, OF_EPOCH, .tamper = change,            \
        .at = "epoch.statement." place                                                             \
    }

static const struct row rows[] = {
    {.name = "the policy takes no epochs",
     .check = RATLS_CHECK_EPOCH_ASKED,
     .not_run = BIT(EPOCH_TOKEN) | BIT(EPOCH_AGE),
     OF_EPOCH,
     .after = forbid,
     .expected = "a quote for this session: the policy takes no epochs",
     .actual = "evidence of an epoch"},
    STATEMENT_ROW("another protocol", change_label, "label"),
    {.name = "a quote for a session",
     .check = RATLS_CHECK_EPOCH_STATEMENT,
     OF_EPOCH,
     .tamper = change_mode,
     .param = RATLS_MODE_HANDSHAKE,
     .at = "epoch.statement.mode",
     .expected = "0x0005",
     .actual = "0x0002"},
    {.name = "the quote of a certificate",
     .check = RATLS_CHECK_EPOCH_STATEMENT,
     OF_EPOCH,
     .tamper = change_mode,
     .param = RATLS_MODE_CERTIFICATE},
    STATEMENT_ROW("an epoch of a client", change_role, "role"),
    STATEMENT_ROW("an epoch of a TLS version", change_version, "tls-version"),
    STATEMENT_ROW("an epoch of a cipher suite", change_cipher, "cipher-suite"),
    STATEMENT_ROW("an epoch of a nonce", add_nonce, "nonce"),
    STATEMENT_ROW("an epoch of a session", add_binder, "binder"),
    STATEMENT_ROW("an epoch of another server key", change_spki, "spki-sha256"),
    STATEMENT_ROW("an epoch of another service", change_service, "service"),
    STATEMENT_ROW("an epoch of another time stamp", change_manifest, "manifest"),
    {.name = "another key of an epoch",
     .check = RATLS_CHECK_EPOCH_STATEMENT,
     OF_EPOCH,
     .tamper = change_context,
     .param = 32,
     .at = "epoch.statement.context"},
    {.name = "no key of an epoch",
     .check = RATLS_CHECK_EPOCH_STATEMENT,
     OF_EPOCH,
     .tamper = change_context,
     .param = 0,
     .actual = "empty"},
    STATEMENT_ROW("the attacker's key", name_another_key, "context"),
    {.name = "signed by another key",
     .check = RATLS_CHECK_EPOCH_SIGNATURE,
     OF_EPOCH,
     .tamper = sign_with_another_key,
     .at = "epoch.signature"},
    {.name = "stolen, and written over",
     .check = RATLS_CHECK_EPOCH_SIGNATURE,
     OF_EPOCH,
     .tamper = write_over},
    {.name = "a key on another curve",
     .check = RATLS_CHECK_EPOCH_SIGNATURE,
     OF_EPOCH,
     .tamper = change_curve},
    {.name = "a key that is no point",
     .check = RATLS_CHECK_EPOCH_SIGNATURE,
     OF_EPOCH,
     .tamper = leave_curve},
    {.name = "a signature that is cut",
     .check = RATLS_CHECK_EPOCH_SIGNATURE,
     OF_EPOCH,
     .tamper = shorten_signature},
    {.name = "stolen, and replayed",
     .check = RATLS_CHECK_STATEMENT_NONCE,
     .also = BIT(STATEMENT_BINDER),
     OF_EPOCH,
     .meanwhile = begin_again},
    {.name = "the session of another nonce",
     .check = RATLS_CHECK_STATEMENT_NONCE,
     OF_EPOCH,
     .tamper = change_session_nonce},
    {.name = "the session of a client",
     .check = RATLS_CHECK_STATEMENT_ROLE,
     OF_EPOCH,
     .tamper = change_session_role},
    {.name = "the epoch instead of a session",
     .check = RATLS_CHECK_STATEMENT_MODE,
     OF_EPOCH,
     .tamper = change_session_mode},
    {.name = "the session of other certificates",
     .check = RATLS_CHECK_STATEMENT_MANIFEST,
     OF_EPOCH,
     .tamper = change_session_manifest},
    {.name = "a time stamp swapped after the quote",
     .check = RATLS_CHECK_STATEMENT_MANIFEST,
     .also = BIT(EPOCH_STATEMENT),
     OF_EPOCH,
     .tamper = swap_token},
    {.name = "a machine in another state",
     .check = RATLS_CHECK_PCR_VALUE,
     OF_EPOCH,
     .after = change_pcr},
    {.name = "a second too old",
     .check = RATLS_CHECK_EPOCH_AGE,
     OF_EPOCH,
     .after = stamp_61_s_ago,
     .at = "epoch.token.genTime",
     .expected = "at most 60 s old, by a clock that agrees with ours",
     .actual = "61 s old"},
    {.name = "too old by the accuracy of the clock",
     .check = RATLS_CHECK_EPOCH_AGE,
     OF_EPOCH,
     .after = stamp_inaccurately,
     .actual = "61 s old, the accuracy of its clock included"},
    {.name = "from the future",
     .check = RATLS_CHECK_EPOCH_AGE,
     OF_EPOCH,
     .after = stamp_ahead,
     .actual = "61 s in the future"},
    {.name = "from the far future",
     .check = RATLS_CHECK_EPOCH_AGE,
     OF_EPOCH,
     .after = stamp_far_ahead,
     .actual = "301 s in the future"},
};

const struct rows rows_epoch = {rows, sizeof rows / sizeof rows[0]};
