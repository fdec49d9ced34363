/*
 * Writes the encodings of the test vectors from the values that go in. regenerate.sh runs it and
 * has a TPM sign what it wrote; README.md lists the files.
 */
#include <string.h>

#include "agent_values.h"
#include "challenge.h"
#include "evidence.h"
#include "merkle.h"
#include "piece.h"
#include "request.h"
#include "statement.h"
#include "values.h"

static void save(const char *folder, const char *name, struct ratls_slice bytes)
{
    char path[VECTOR_PATH_MAX];
    FILE *stream;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    stream = fopen(path, "wb");
    if (stream == NULL || bytes.len == 0 || fwrite(bytes.p, 1, bytes.len, stream) != bytes.len)
        values_fail("cannot be written", path);
    fclose(stream);
}

/* Loads "MODE.SUFFIX". */
static struct ratls_slice load_of_mode(const char *folder, const char *mode, const char *suffix)
{
    char name[64];

    snprintf(name, sizeof name, "%s.%s", mode, suffix);
    return vector_load(folder, name);
}

static void save_of_mode(const char *folder, const char *mode, const char *suffix,
                         struct ratls_slice bytes)
{
    char name[64];

    snprintf(name, sizeof name, "%s.%s", mode, suffix);
    save(folder, name, bytes);
}

/*
 * What the manifest of a mode covers: with the handshake the certificate of the attestation key; of
 * an epoch, and of a session in it, the time stamp.
 */
static void load_certificates(const char *folder, const char *mode, struct ratls_evidence *evidence)
{
    if (strcmp(mode, "epoch") == 0 || strcmp(mode, "session") == 0)
        evidence->token = vector_load(folder, "epoch-token.der");
    if (strcmp(mode, "handshake") != 0)
        return;
    evidence->certificates[0] = vector_load(folder, "ak-certificate.der");
    evidence->certificate_count = 1;
}

static struct ratls_request load_request(const char *folder)
{
    static struct values values;
    struct ratls_request request = {.selection = {.count = 2}, .key_id_count = 2};

    values_load(folder, "request.values", &values);
    memcpy(request.nonce, values_get(&values, "nonce").p, sizeof request.nonce);
    request.offers = (unsigned)values_number(&values, "offers");
    request.selection.banks[0].hash_alg = (uint16_t)values_number(&values, "bank-1");
    request.selection.banks[0].pcrs = (uint32_t)values_number(&values, "pcrs-1");
    request.selection.banks[1].hash_alg = (uint16_t)values_number(&values, "bank-2");
    request.selection.banks[1].pcrs = (uint32_t)values_number(&values, "pcrs-2");
    memcpy(request.key_ids[0], values_get(&values, "key-id-1").p, RATLS_KEY_ID_LEN);
    memcpy(request.key_ids[1], values_get(&values, "key-id-2").p, RATLS_KEY_ID_LEN);
    request.logs.boot_bank = (uint16_t)values_number(&values, "boot-bank");
    request.logs.ima_bank = (uint16_t)values_number(&values, "ima-bank");
    request.logs.ima_offset = values_number(&values, "ima-offset");
    memcpy(request.logs.ima_key_id, values_get(&values, "ima-key-id").p, RATLS_KEY_ID_LEN);
    request.logs.ima_reset_count = (uint32_t)values_number(&values, "ima-reset-count");
    request.logs.ima_restart_count = (uint32_t)values_number(&values, "ima-restart-count");
    return request;
}

static void make_request(const char *folder)
{
    const struct ratls_request request = load_request(folder);
    uint8_t out[RATLS_REQUEST_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_request_write(&request, &w);
    save(folder, "request.cbor", ratls_writer_slice(&w));
}

/* The same request, without what only a handshake can offer. */
static void make_challenge(const char *folder)
{
    static struct values values;
    struct ratls_challenge challenge = {.request = load_request(folder)};
    uint8_t out[RATLS_CHALLENGE_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    values_load(folder, "challenge.values", &values);
    challenge.counter = values_number(&values, "counter");
    challenge.period_ms = values_number(&values, "period-ms");
    challenge.request.offers = (unsigned)values_number(&values, "offers");
    ratls_challenge_write(&challenge, &w);
    save(folder, "challenge.cbor", ratls_writer_slice(&w));
}

/* With logs.evidence.cbor in it. */
static void make_piece(const char *folder)
{
    static struct values values;
    struct ratls_piece piece = {.evidence = vector_load(folder, "logs.evidence.cbor")};
    uint8_t out[VALUE_LINE_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    values_load(folder, "piece.values", &values);
    piece.turn.counter = values_number(&values, "counter");
    piece.turn.sequence = (uint32_t)values_number(&values, "sequence");
    piece.is_last = values_number(&values, "last") == 1;
    ratls_piece_write(&piece, &w);
    save(folder, "piece.cbor", ratls_writer_slice(&w));
    vector_free(piece.evidence);
}

static void make_question(const char *folder, const struct ratls_agent_question *question,
                          const char *name)
{
    uint8_t out[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_agent_question_write(question, &w);
    save(folder, name, ratls_writer_slice(&w));
}

static void make_agent_answer(const char *folder, const struct ratls_agent_answer *answer,
                              const char *name)
{
    uint8_t out[VALUE_LINE_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_agent_answer_write(answer, &w);
    save(folder, name, ratls_writer_slice(&w));
}

/* Questions about the same request, the answer to one with logs.evidence.cbor, and a refusal. */
static void make_agent(const char *folder)
{
    static struct values values;
    const struct ratls_request request = load_request(folder);
    struct ratls_agent_question question = {.kind = RATLS_AGENT_EVIDENCE};
    struct ratls_agent_answer answer = {.payload = vector_load(folder, "logs.evidence.cbor")};
    struct ratls_agent_answer refusal = {.status = RATLS_OK};

    values_load(folder, "agent.values", &values);
    values_agent_question(&values, &request, &question);
    make_question(folder, &question, "agent.evidence-question.cbor");
    question.kind = RATLS_AGENT_STATE;
    make_question(folder, &question, "agent.state-question.cbor");
    answer.id = refusal.id = question.id;
    make_agent_answer(folder, &answer, "agent.evidence-answer.cbor");
    refusal.status = (enum ratls_status)values_number(&values, "status");
    refusal.text = values_get(&values, "text");
    make_agent_answer(folder, &refusal, "agent.refusal.cbor");
    vector_free(answer.payload);
}

static void make_statement(const char *folder, const char *mode)
{
    static struct values values;
    struct ratls_evidence evidence = {0};
    char name[64];
    uint8_t manifest[32];
    uint8_t leaf[32];
    uint8_t out[RATLS_STATEMENT_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_statement statement = {0};

    snprintf(name, sizeof name, "%s.values", mode);
    values_load(folder, name, &values);
    load_certificates(folder, mode, &evidence);
    if (ratls_evidence_manifest(&evidence, manifest, &statement.manifest, NULL) != RATLS_OK)
        values_fail("no manifest", mode);
    statement.label = values_get(&values, "label");
    statement.mode = values_number(&values, "mode");
    statement.role = values_number(&values, "role");
    statement.tls_version = values_number(&values, "tls-version");
    statement.cipher_suite = values_number(&values, "cipher-suite");
    statement.nonce = values_get(&values, "nonce");
    statement.binder = values_get(&values, "binder");
    statement.spki_sha256 = values_get(&values, "spki-sha256");
    statement.service = values_get(&values, "service");
    statement.context = values_get(&values, "context");
    ratls_statement_write(&statement, &w);
    if (ratls_merkle_leaf(ratls_writer_slice(&w), leaf, NULL) != RATLS_OK)
        values_fail("no leaf", mode);
    save_of_mode(folder, mode, "statement.cbor", ratls_writer_slice(&w));
    save_of_mode(folder, mode, "leaf.bin", ratls_slice(leaf, sizeof leaf));
    vector_free(evidence.certificates[0]);
    vector_free(evidence.token);
}

/* Of a batch: a leaf among others, and a key that the request named. */
static void load_batch(const char *folder, struct ratls_evidence *evidence)
{
    static struct values values;
    struct ratls_slice path;

    values_load(folder, "batch.values", &values);
    path = values_get(&values, "path");
    if (path.len > sizeof evidence->path.hashes)
        values_fail("too long", "path");
    evidence->path.leaf_index = (uint32_t)values_number(&values, "leaf-index");
    evidence->path.tree_size = (uint32_t)values_number(&values, "tree-size");
    evidence->path.count = path.len / sizeof evidence->path.hashes[0];
    memcpy(evidence->path.hashes, path.p, path.len);
    evidence->is_ak_named = true;
    evidence->ak_index = (size_t)values_number(&values, "ak-index");
}

static void make_evidence(const char *folder, const char *mode)
{
    static uint8_t out[RATLS_EVIDENCE_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_evidence evidence = {.has_quote = true, .path = {.leaf_index = 0, .tree_size = 1}};

    evidence.statement = load_of_mode(folder, mode, "statement.cbor");
    evidence.attest = load_of_mode(folder, mode, "attest.bin");
    evidence.signature = load_of_mode(folder, mode, "signature.bin");
    if (strcmp(mode, "batch") == 0)
        load_batch(folder, &evidence);
    else
        evidence.ak_public = vector_load(folder, "ak-public.bin");
    evidence.pcr_values = load_of_mode(folder, mode, "pcr-values.bin");
    load_certificates(folder, mode, &evidence);
    ratls_evidence_write(&evidence, &w);
    save_of_mode(folder, mode, "evidence.cbor", ratls_writer_slice(&w));
    vector_free(evidence.statement);
    vector_free(evidence.attest);
    vector_free(evidence.signature);
    vector_free(evidence.ak_public);
    vector_free(evidence.pcr_values);
    vector_free(evidence.certificates[0]);
}

/* The answer to a request for logs alone. */
static void make_logs(const char *folder)
{
    static struct values values;
    struct ratls_evidence evidence = {.has_ima = true};
    uint8_t out[VALUE_LINE_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    values_load(folder, "logs.values", &values);
    evidence.boot_log = values_get(&values, "boot-log");
    evidence.ima.list_alg = (uint16_t)values_number(&values, "ima-list-alg");
    evidence.ima.offset = values_number(&values, "ima-offset");
    evidence.ima.total = values_number(&values, "ima-total");
    evidence.ima.entries = values_get(&values, "ima-entries");
    ratls_evidence_write(&evidence, &w);
    save(folder, "logs.evidence.cbor", ratls_writer_slice(&w));
}

/* Item 8 of evidence of an epoch. */
static void make_session(const char *folder)
{
    struct ratls_epoch_session session = {
        .key = vector_load(folder, "epoch-key.der"),
        .statement = vector_load(folder, "session.statement.cbor"),
        .signature = vector_load(folder, "session.signature.bin")};
    uint8_t out[1024];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_epoch_session_write(&session, &w);
    save(folder, "session.cbor", ratls_writer_slice(&w));
    vector_free(session.key);
    vector_free(session.statement);
    vector_free(session.signature);
}

int main(int argc, char *argv[])
{
    if (argc == 3 && strcmp(argv[2], "request") == 0)
        make_request(argv[1]);
    else if (argc == 3 && strcmp(argv[2], "challenge") == 0)
        make_challenge(argv[1]);
    else if (argc == 3 && strcmp(argv[2], "piece") == 0)
        make_piece(argv[1]);
    else if (argc == 3 && strcmp(argv[2], "agent") == 0)
        make_agent(argv[1]);
    else if (argc == 3 && strcmp(argv[2], "logs") == 0)
        make_logs(argv[1]);
    else if (argc == 3 && strcmp(argv[2], "session") == 0)
        make_session(argv[1]);
    else if (argc == 4 && strcmp(argv[2], "statement") == 0)
        make_statement(argv[1], argv[3]);
    else if (argc == 4 && strcmp(argv[2], "evidence") == 0)
        make_evidence(argv[1], argv[3]);
    else {
        fprintf(stderr, "usage: make_vectors FOLDER request|challenge|logs|piece|agent|session\n"
                        "       make_vectors FOLDER statement "
                        "handshake|batch|certificate|renewal|epoch|session\n"
                        "       make_vectors FOLDER evidence handshake|batch|certificate\n");
        return 2;
    }
    return 0;
}
