/*
 * For store*.c: all that is asked of the tables (store_schema.c). A test reads this file: what an
 * UPDATE may change is in its list, and what makes up a tuple is not.
 */
#ifndef RATLS_CA_STORE_SQL_H
#define RATLS_CA_STORE_SQL_H

#define RATLS_SQL_VERSION "SELECT version FROM meta"
#define RATLS_SQL_ADD_META "INSERT INTO meta(id, version, ca_uuid) VALUES(1, 0, $1)"
#define RATLS_SQL_SET_VERSION "UPDATE meta SET version = $1"

/* The number of a new row. Writers come one after the other. */
#define RATLS_SQL_NEXT(table) "(SELECT coalesce(max(id), 0) + 1 FROM " table ")"

/* Requests and challenges. */
#define RATLS_SQL_ENTRY(body)                                                                      \
    "SELECT r.state, r.sha256, r.ek_sha256, " body ", r.at, r.names, r.decided_by, r.reason,"      \
    " c.id, c.challenge, c.answer_key, c.expires, c.answered"                                      \
    " FROM request r LEFT JOIN challenge c ON c.request_sha256 = r.sha256"
#define RATLS_SQL_FIND_REQUEST RATLS_SQL_ENTRY("r.body") " WHERE r.sha256 = $1"
#define RATLS_SQL_FIND_CHALLENGE RATLS_SQL_ENTRY("r.body") " WHERE c.id = $1"
#define RATLS_SQL_EACH_WAITING RATLS_SQL_ENTRY("''") " WHERE r.state = 0 ORDER BY r.at, r.sha256"
#define RATLS_SQL_COUNT_WAITING "SELECT count(*) FROM request WHERE state = 0"
#define RATLS_SQL_COUNT_WAITING_OF_EK RATLS_SQL_COUNT_WAITING " AND ek_sha256 = $1"
/* Those that did not end in a certificate, and do not wait for approval either; $1 says whose. */
#define RATLS_SQL_UNDONE_OF_ALL "$1 = $1"
#define RATLS_SQL_UNDONE_OF_EK "r.ek_sha256 = $1"
#define RATLS_SQL_COUNT_UNDONE(of)                                                                 \
    "SELECT count(*) FROM request r WHERE r.state IN (1, 3, 4) AND " of
#define RATLS_SQL_OLDEST_UNDONE(of)                                                                \
    "SELECT r.sha256 FROM request r LEFT JOIN challenge c ON c.request_sha256 = r.sha256"          \
    " WHERE r.state IN (1, 3, 4) AND " of " AND (r.state <> 1 OR c.expires <= $2"                  \
    " OR (r.at <= $3 AND c.expires <= $4 AND r.token_id = ''))"                                    \
    " ORDER BY CASE WHEN r.state <> 1 OR c.expires <= $2 THEN 0 ELSE 1 END, r.at, r.sha256"        \
    " LIMIT $5"
#define RATLS_SQL_REMOVE_CHALLENGE "DELETE FROM challenge WHERE request_sha256 = $1"
#define RATLS_SQL_REMOVE_REQUEST "DELETE FROM request WHERE sha256 = $1"
#define RATLS_SQL_ADD_REQUEST                                                                      \
    "INSERT INTO request(sha256, body, ek_sha256, ak_name, names, token_id, state, at,"            \
    " decided_by) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9)"
#define RATLS_SQL_ADD_CHALLENGE                                                                    \
    "INSERT INTO challenge(id, request_sha256, challenge, answer_key, expires)"                    \
    " VALUES($1, $2, $3, $4, $5)"
#define RATLS_SQL_DECIDE                                                                           \
    "UPDATE request SET state = $2, decided_by = $3, reason = $4 WHERE sha256 = $1 AND state = 0"
#define RATLS_SQL_CONSUME                                                                          \
    "UPDATE challenge SET answered = $2 WHERE id = $1 AND answered = 0 AND expires > $2"
#define RATLS_SQL_ASKED                                                                            \
    "SELECT r.sha256, r.ek_sha256, r.ak_name, r.names, r.token_id, c.answered, r.state"            \
    " FROM challenge c JOIN request r ON r.sha256 = c.request_sha256 WHERE c.id = $1"
#define RATLS_SQL_CONCLUDE                                                                         \
    "UPDATE request SET state = $2, reason = $3 WHERE sha256 = $1 AND state = 1"
#define RATLS_SQL_SWEEP_CHALLENGES                                                                 \
    "DELETE FROM challenge WHERE expires < $1 AND expires <= $2"                                   \
    " AND request_sha256 IN (SELECT sha256 FROM request WHERE state <> 2 AND at < $1)"
#define RATLS_SQL_SWEEP_REQUESTS                                                                   \
    "DELETE FROM request WHERE ((state IN (1, 3, 4) AND at < $1) OR (state = 0 AND at < $2))"      \
    " AND sha256 NOT IN (SELECT request_sha256 FROM challenge)"

/* Tuples. */
#define RATLS_SQL_ADD_EK                                                                           \
    "INSERT INTO ek(ek_sha256, template, area, certificate, manufacturer, model, version,"         \
    " software, since) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"
#define RATLS_SQL_FIND_ENROLMENT "SELECT ek_sha256, ended FROM enrolment WHERE ak_name = $1"
#define RATLS_SQL_ADD_ENROLMENT                                                                    \
    "INSERT INTO enrolment(ak_name, ek_sha256, ak_area, since) VALUES($1, $2, $3, $4)"             \
    " ON CONFLICT DO NOTHING"
#define RATLS_SQL_END_AK "UPDATE enrolment SET ended = $2 WHERE ak_name = $1 AND ended = 0"
#define RATLS_SQL_END_EK "UPDATE enrolment SET ended = $2 WHERE ek_sha256 = $1 AND ended = 0"
#define RATLS_SQL_FIND_OWNER "SELECT ek_sha256 FROM owner WHERE name = $1 AND ended = 0"
#define RATLS_SQL_ADD_OWNER                                                                        \
    "INSERT INTO owner(id, name, ek_sha256, since)"                                                \
    " VALUES(" RATLS_SQL_NEXT("owner") ", $1, $2, $3)"
#define RATLS_SQL_END_OWNER "UPDATE owner SET ended = $2, why = $3 WHERE name = $1 AND ended = 0"
#define RATLS_SQL_FIND_ONLY_BY "SELECT ek_sha256 FROM only_by WHERE name = $1 AND ended = 0"
#define RATLS_SQL_ADD_ONLY_BY                                                                      \
    "INSERT INTO only_by(id, name, ek_sha256, since)"                                              \
    " VALUES(" RATLS_SQL_NEXT("only_by") ", $1, $2, $3)"
#define RATLS_SQL_END_ONLY_BY "UPDATE only_by SET ended = $2 WHERE name = $1 AND ended = 0"
#define RATLS_SQL_COUNT_OTHER_AKS                                                                  \
    "SELECT count(DISTINCT c.ak_name) FROM certificate c"                                          \
    " JOIN certificate_name n ON n.serial = c.serial"                                              \
    " WHERE n.name = $1 AND c.ak_name <> $2 AND c.revoked = 0 AND c.not_after > $3"

/* Certificates; $1 says which. */
#define RATLS_SQL_BY_ALL "$1 = $1"
#define RATLS_SQL_BY_SERIAL "c.serial = $1"
#define RATLS_SQL_BY_NAME "c.serial IN (SELECT serial FROM certificate_name WHERE name = $1)"
#define RATLS_SQL_BY_AK "c.ak_name = $1"
#define RATLS_SQL_BY_EK "e.ek_sha256 = $1"
#define RATLS_SQL_BY_ISSUER "c.issuer_sha256 = $1"
#define RATLS_SQL_BY_CHALLENGE "c.challenge_id = $1"
#define RATLS_SQL_OF_CERTIFICATE " FROM certificate c JOIN enrolment e ON e.ak_name = c.ak_name"
#define RATLS_SQL_CERTIFICATE(der, by)                                                             \
    "SELECT c.serial, c.issuer_sha256, e.ek_sha256, c.ak_name, c.names, c.not_before,"             \
    " c.not_after, c.revoked, c.reason, " der RATLS_SQL_OF_CERTIFICATE " WHERE " by
#define RATLS_SQL_LIST(by)                                                                         \
    RATLS_SQL_CERTIFICATE("''", by)                                                                \
    " AND ($2 = 0 OR c.revoked <> 0) AND c.not_after >= $3"                                        \
    " AND ($4 = 0 OR (c.not_after <= $4 AND c.revoked = 0)) ORDER BY c.not_after, c.serial"
#define RATLS_SQL_COUNT(by) "SELECT count(*)" RATLS_SQL_OF_CERTIFICATE " WHERE " by
#define RATLS_SQL_COUNT_LIVE_AKS                                                                   \
    RATLS_SQL_COUNT(RATLS_SQL_BY_NAME) " AND e.ek_sha256 = $2 AND e.ended = 0"
#define RATLS_SQL_END_AKS(by)                                                                      \
    "UPDATE enrolment SET ended = $2 WHERE ended = 0"                                              \
    " AND ak_name IN (SELECT c.ak_name" RATLS_SQL_OF_CERTIFICATE " WHERE " by ")"
#define RATLS_SQL_REVOKE(by)                                                                       \
    "UPDATE certificate SET revoked = $2, reason = $3 WHERE revoked = 0"                           \
    " AND serial IN (SELECT c.serial" RATLS_SQL_OF_CERTIFICATE " WHERE " by ")"
#define RATLS_SQL_ADD_CERTIFICATE                                                                  \
    "INSERT INTO certificate(serial, challenge_id, issuer_sha256, ak_name, names, not_before,"     \
    " not_after, der, sha256) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9)"
#define RATLS_SQL_ADD_CERTIFICATE_NAME "INSERT INTO certificate_name(serial, name) VALUES($1, $2)"

#define RATLS_SQL_LAST_CRL                                                                         \
    "SELECT number, this_update, next_update, der FROM crl WHERE issuer_sha256 = $1"               \
    " ORDER BY number DESC LIMIT 1"
#define RATLS_SQL_LAST_CRL_NUMBER                                                                  \
    "SELECT coalesce(max(number), 0) FROM crl WHERE issuer_sha256 = $1"
#define RATLS_SQL_ADD_CRL                                                                          \
    "INSERT INTO crl(issuer_sha256, number, this_update, next_update, der)"                        \
    " VALUES($1, $2, $3, $4, $5)"

/* Tokens. */
#define RATLS_SQL_TOKEN "SELECT id, key, names, ek_sha256, uses_left, expires, note FROM token"
#define RATLS_SQL_FIND_TOKEN RATLS_SQL_TOKEN " WHERE id = $1"
#define RATLS_SQL_EACH_TOKEN RATLS_SQL_TOKEN " ORDER BY expires, id"
#define RATLS_SQL_ADD_TOKEN                                                                        \
    "INSERT INTO token(id, key, names, ek_sha256, uses_left, expires, note)"                       \
    " VALUES($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING"
#define RATLS_SQL_COUNT_TOKEN "SELECT count(*) FROM token WHERE id = $1"
#define RATLS_SQL_USE_TOKEN                                                                        \
    "UPDATE token SET uses_left = uses_left - 1 WHERE id = $1 AND uses_left > 0 AND expires > $2"
#define RATLS_SQL_END_TOKEN "UPDATE token SET uses_left = 0 WHERE id = $1 AND uses_left > 0"
#define RATLS_SQL_ADD_USE "INSERT INTO token_use(token_id, challenge_id) VALUES($1, $2)"

/* What is denied. */
#define RATLS_SQL_COUNT_DENIED                                                                     \
    "SELECT count(*) FROM deny WHERE kind = $1 AND value = $2 AND ended = 0"
#define RATLS_SQL_EACH_DENIED                                                                      \
    "SELECT kind, value, reason, since FROM deny WHERE ended = 0 ORDER BY kind, value"
#define RATLS_SQL_DENY                                                                             \
    "INSERT INTO deny(id, kind, value, reason, since)"                                             \
    " VALUES(" RATLS_SQL_NEXT("deny") ", $1, $2, $3, $4) ON CONFLICT DO NOTHING"
#define RATLS_SQL_ALLOW "UPDATE deny SET ended = $3 WHERE kind = $1 AND value = $2 AND ended = 0"

/* The audit log. */
#define RATLS_SQL_COUNT_RECORD "SELECT count(*) FROM audit WHERE sha256 = $1"
#define RATLS_SQL_LAST_RECORD "SELECT seq, sha256 FROM audit ORDER BY seq DESC LIMIT 1"
#define RATLS_SQL_ADD_RECORD                                                                       \
    "INSERT INTO audit(seq, at, kind, subject, detail, previous, sha256)"                          \
    " VALUES($1, $2, $3, $4, $5, $6, $7)"
#define RATLS_SQL_EACH_RECORD                                                                      \
    "SELECT seq, at, kind, subject, detail, previous, sha256 FROM audit"                           \
    " WHERE seq >= $1 ORDER BY seq LIMIT 100"

#endif
