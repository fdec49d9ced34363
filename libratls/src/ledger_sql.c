#include "ledger_sql.h"

#include "ima.h"

#define APPLICATION_ID 0x7261746c /* "ratl" */
#define BUSY_MS 3000 /* another process writes for milliseconds */
#define LEN_MAX (RATLS_IMA_LIST_MAX + 4096)

/* The numbers in CHECK are the limits of WIRE.md, 6, and of TPM structures. */
static const char version_1[] =
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

/* The highest counters of each key. A clock beyond 63 bits is as one of 63. */
static const char version_2[] =
    "CREATE TABLE seen("
    " ak_name BLOB NOT NULL UNIQUE CHECK(length(ak_name) BETWEEN 3 AND 66),"
    " reset_count INTEGER NOT NULL CHECK(reset_count BETWEEN 0 AND 4294967295),"
    " restart_count INTEGER NOT NULL CHECK(restart_count BETWEEN 0 AND 4294967295),"
    " clock_ms INTEGER NOT NULL CHECK(clock_ms >= 0),"
    " used INTEGER NOT NULL UNIQUE) STRICT;"; /* as in acknowledged */

static const char *const versions[] = {version_1, version_2};

const struct ratls_sql_kind ratls_ledger_kind = {
    .name = "ledger",
    .decides = "what is known of servers",
    .damaged = ". If it is removed, lists are fetched from their begin again, and a TPM that "
               "was set back since it was last seen is not noticed",
    .foreign = "remove it",
    .versions = versions,
    .version = sizeof versions / sizeof *versions,
    .application_id = APPLICATION_ID,
    .busy_ms = BUSY_MS,
    .len_max = LEN_MAX,
};
