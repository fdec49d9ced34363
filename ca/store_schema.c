/*
 * The same text for both engines. Hashes, ids, Names and serial numbers are lower-case hex; longer
 * bytes are base64url; times are seconds since 1970, 0 for "not". No row of ek, enrolment, owner,
 * certificate or audit is ever removed, and what makes up a tuple of name, endorsement key and
 * attestation key is never changed: a tuple ends, and another begins.
 */
#include "store_schema.h"

#include <stdio.h>
#include <time.h>

#include "crypto.h"
#include "fail.h"
#include "store_sql.h"

#define UUID_LEN 16

static const char meta[] = "CREATE TABLE meta(id BIGINT PRIMARY KEY CHECK(id = 1),"
                           " version BIGINT NOT NULL, ca_uuid TEXT NOT NULL)";

static const char version_1[] =
    "CREATE TABLE ek("
    " ek_sha256 TEXT PRIMARY KEY CHECK(length(ek_sha256) = 64),"
    " template BIGINT NOT NULL,"
    " area TEXT NOT NULL,"
    " certificate TEXT NOT NULL,"
    " manufacturer TEXT NOT NULL,"
    " model TEXT NOT NULL,"
    " version TEXT NOT NULL,"
    " software BIGINT NOT NULL CHECK(software IN (0, 1)),"
    " since BIGINT NOT NULL CHECK(since > 0));"
    "CREATE TABLE enrolment("
    " ak_name TEXT PRIMARY KEY CHECK(length(ak_name) BETWEEN 68 AND 132),"
    " ek_sha256 TEXT NOT NULL REFERENCES ek,"
    " ak_area TEXT NOT NULL,"
    " since BIGINT NOT NULL CHECK(since > 0),"
    " ended BIGINT NOT NULL DEFAULT 0 CHECK(ended >= 0));"
    "CREATE INDEX enrolment_ek ON enrolment(ek_sha256);"
    "CREATE TABLE owner("
    " id BIGINT PRIMARY KEY,"
    " name TEXT NOT NULL CHECK(length(name) BETWEEN 1 AND 253),"
    " ek_sha256 TEXT NOT NULL REFERENCES ek,"
    " since BIGINT NOT NULL CHECK(since > 0),"
    " ended BIGINT NOT NULL DEFAULT 0 CHECK(ended >= 0),"
    " why TEXT NOT NULL DEFAULT '');"
    "CREATE UNIQUE INDEX owner_live ON owner(name) WHERE ended = 0;"
    "CREATE TABLE only_by("
    " id BIGINT PRIMARY KEY,"
    " name TEXT NOT NULL CHECK(length(name) BETWEEN 1 AND 253),"
    " ek_sha256 TEXT NOT NULL CHECK(length(ek_sha256) = 64),"
    " since BIGINT NOT NULL CHECK(since > 0),"
    " ended BIGINT NOT NULL DEFAULT 0 CHECK(ended >= 0));"
    "CREATE UNIQUE INDEX only_by_live ON only_by(name) WHERE ended = 0;"
    "CREATE TABLE request("
    " sha256 TEXT PRIMARY KEY CHECK(length(sha256) = 64),"
    " body TEXT NOT NULL,"
    " ek_sha256 TEXT NOT NULL CHECK(length(ek_sha256) = 64),"
    " ak_name TEXT NOT NULL CHECK(length(ak_name) BETWEEN 68 AND 132),"
    " names TEXT NOT NULL,"
    " token_id TEXT NOT NULL CHECK(length(token_id) IN (0, 16)),"
    " state BIGINT NOT NULL CHECK(state BETWEEN 0 AND 4),"
    " at BIGINT NOT NULL CHECK(at > 0),"
    " decided_by TEXT NOT NULL,"
    " reason TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX request_state ON request(state, at);"
    "CREATE INDEX request_ek ON request(ek_sha256, state);"
    "CREATE TABLE challenge("
    " id TEXT PRIMARY KEY CHECK(length(id) = 32),"
    " request_sha256 TEXT NOT NULL UNIQUE REFERENCES request,"
    " challenge TEXT NOT NULL,"
    " answer_key TEXT NOT NULL CHECK(length(answer_key) = 64),"
    " expires BIGINT NOT NULL CHECK(expires > 0),"
    " answered BIGINT NOT NULL DEFAULT 0 CHECK(answered >= 0));"
    "CREATE TABLE certificate("
    " serial TEXT PRIMARY KEY CHECK(length(serial) BETWEEN 2 AND 40),"
    " challenge_id TEXT NOT NULL UNIQUE REFERENCES challenge,"
    " issuer_sha256 TEXT NOT NULL CHECK(length(issuer_sha256) = 64),"
    " ak_name TEXT NOT NULL REFERENCES enrolment,"
    " names TEXT NOT NULL,"
    " not_before BIGINT NOT NULL CHECK(not_before >= 0),"
    " not_after BIGINT NOT NULL CHECK(not_after > not_before),"
    " der TEXT NOT NULL,"
    " sha256 TEXT NOT NULL UNIQUE," /* of der, which is too long for an index of PostgreSQL */
    " revoked BIGINT NOT NULL DEFAULT 0 CHECK(revoked >= 0),"
    " reason BIGINT NOT NULL DEFAULT 0 CHECK(reason BETWEEN 0 AND 10));"
    "CREATE INDEX certificate_ak ON certificate(ak_name);"
    "CREATE INDEX certificate_end ON certificate(not_after);"
    "CREATE TABLE certificate_name("
    " serial TEXT NOT NULL REFERENCES certificate,"
    " name TEXT NOT NULL,"
    " PRIMARY KEY(serial, name));"
    "CREATE INDEX certificate_name_name ON certificate_name(name);"
    "CREATE TABLE token("
    " id TEXT PRIMARY KEY CHECK(length(id) = 16),"
    " key TEXT NOT NULL CHECK(length(key) = 64),"
    " names TEXT NOT NULL,"
    " ek_sha256 TEXT NOT NULL CHECK(length(ek_sha256) IN (0, 64)),"
    " uses_left BIGINT NOT NULL CHECK(uses_left >= 0),"
    " expires BIGINT NOT NULL CHECK(expires > 0),"
    " note TEXT NOT NULL);"
    "CREATE TABLE token_use("
    " token_id TEXT NOT NULL REFERENCES token,"
    " challenge_id TEXT NOT NULL REFERENCES challenge,"
    " PRIMARY KEY(token_id, challenge_id));"
    "CREATE TABLE crl("
    " issuer_sha256 TEXT NOT NULL CHECK(length(issuer_sha256) = 64),"
    " number BIGINT NOT NULL CHECK(number > 0),"
    " this_update BIGINT NOT NULL,"
    " next_update BIGINT NOT NULL,"
    " der TEXT NOT NULL,"
    " PRIMARY KEY(issuer_sha256, number));"
    "CREATE TABLE deny("
    " id BIGINT PRIMARY KEY,"
    " kind TEXT NOT NULL,"
    " value TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " since BIGINT NOT NULL CHECK(since > 0),"
    " ended BIGINT NOT NULL DEFAULT 0 CHECK(ended >= 0));"
    "CREATE UNIQUE INDEX deny_live ON deny(kind, value) WHERE ended = 0;"
    "CREATE TABLE audit("
    " seq BIGINT PRIMARY KEY,"
    " at BIGINT NOT NULL CHECK(at > 0),"
    " kind TEXT NOT NULL,"
    " subject TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " previous TEXT NOT NULL UNIQUE CHECK(length(previous) = 64),"
    " sha256 TEXT NOT NULL UNIQUE CHECK(length(sha256) = 64));";

static const char *const steps[] = {version_1};

const struct ratls_store_versions ratls_store_versions = {
    .steps = steps,
    .count = sizeof steps / sizeof steps[0],
};

static void make_meta(struct ratls_store_tx *tx)
{
    uint8_t uuid[UUID_LEN];

    tx->status = ratls_random(uuid, sizeof uuid, tx->err);
    if (tx->status == RATLS_OK)
        tx->status = tx->engine->run(tx->link, meta, tx->err);
    (void)ratls_store_do(tx, RATLS_SQL_ADD_META, RATLS_WITH(ratls_of_hex(uuid, sizeof uuid)));
}

static void say_newer(struct ratls_store_tx *tx, int64_t version, int64_t ours)
{
    tx->status = ratls_fail(tx->err, RATLS_IO,
                            "the store is of a newer ratls (version %lld, this one knows %lld): "
                            "bring this ratls up to date",
                            (long long)version, (long long)ours);
}

void ratls_store_set_up(struct ratls_store_tx *tx, void *arg)
{
    const struct ratls_store_versions *versions = arg == NULL ? &ratls_store_versions : arg;
    int64_t version;

    if (ratls_store_ask_number(tx, tx->engine->has_tables, NULL, 0) == 0 && tx->status == RATLS_OK)
        make_meta(tx);
    version = ratls_store_ask_number(tx, RATLS_SQL_VERSION, NULL, 0);
    if (tx->status == RATLS_OK && version > versions->count)
        say_newer(tx, version, versions->count);
    if (tx->status != RATLS_OK || version == versions->count)
        return;
    for (; tx->status == RATLS_OK && version < versions->count; version++)
        tx->status = tx->engine->run(tx->link, versions->steps[version], tx->err);
    ratls_store_do_one(tx, RATLS_SQL_SET_VERSION, RATLS_WITH(ratls_of_number(version)));
    ratls_store_record(tx, (int64_t)time(NULL), "schema", "", "version %lld", (long long)version);
}
