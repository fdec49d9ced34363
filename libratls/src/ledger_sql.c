#include "ledger_sql.h"

#include "ima.h"

#define APPLICATION_ID 0x7261746c /* "ratl" */
#define SCHEMA_VERSION 1
#define BUSY_MS 3000 /* another process writes for milliseconds */
#define LEN_MAX (RATLS_IMA_LIST_MAX + 4096)

/* The numbers in CHECK are the limits of WIRE.md, 6, and of TPM structures. */
static const char schema[] =
    "CREATE TABLE acknowledged("
    " id INTEGER PRIMARY KEY,"
    " ak_name BLOB NOT NULL CHECK(length(ak_name) BETWEEN 3 AND 66),"
    " rules BLOB NOT NULL CHECK(length(rules) = 32),"
    " reset_count INTEGER NOT NULL CHECK(reset_count BETWEEN 0 AND 4294967295),"
    " restart_count INTEGER NOT NULL CHECK(restart_count BETWEEN 0 AND 4294967295),"
    " list_alg INTEGER NOT NULL CHECK(list_alg IN (4, 11, 12, 13)),"
    " bank INTEGER NOT NULL CHECK(bank IN (11, 12, 13)),"
    " mode INTEGER NOT NULL CHECK(mode BETWEEN 0 AND 2),"
    " offset INTEGER NOT NULL CHECK(offset BETWEEN 0 AND 16777216),"
    " entries INTEGER NOT NULL CHECK(entries BETWEEN 0 AND offset),"
    " violations INTEGER NOT NULL CHECK(violations BETWEEN 0 AND entries),"
    " pcr BLOB NOT NULL CHECK(length(pcr) IN (32, 48, 64)),"
    " boot_aggregate_alg INTEGER NOT NULL CHECK(boot_aggregate_alg IN (0, 4, 11, 12, 13)),"
    " boot_aggregate BLOB NOT NULL CHECK(length(boot_aggregate) <= 64),"
    " used INTEGER NOT NULL UNIQUE," /* grows with each step: what is smallest goes first */
    " UNIQUE(ak_name, rules)) STRICT;"
    "CREATE TABLE pending("
    " id INTEGER NOT NULL REFERENCES acknowledged ON DELETE CASCADE,"
    " begin INTEGER NOT NULL CHECK(begin BETWEEN 0 AND 16777216)," /* counted from offset */
    " bytes BLOB NOT NULL CHECK(length(bytes) BETWEEN 1 AND 16777216),"
    " UNIQUE(id, begin)) STRICT;"
    "CREATE TABLE speaker(" /* which key last spoke for a server */
    " server TEXT NOT NULL,"
    " rules BLOB NOT NULL CHECK(length(rules) = 32),"
    " id INTEGER NOT NULL REFERENCES acknowledged ON DELETE CASCADE,"
    " UNIQUE(server, rules)) STRICT;"
    "CREATE INDEX speaker_id ON speaker(id);";

const struct ratls_sql_kind ratls_ledger_kind = {
    .name = "ledger",
    .decides = "what is known of servers",
    .damaged = ". If it is removed, lists are only fetched from their begin again",
    .foreign = "remove it",
    .schema = schema,
    .application_id = APPLICATION_ID,
    .version = SCHEMA_VERSION,
    .busy_ms = BUSY_MS,
    .len_max = LEN_MAX,
};
