/* The items of evidence, as reader and writer know them (WIRE.md, 3). */
#ifndef RATLS_EVIDENCE_ITEMS_H
#define RATLS_EVIDENCE_ITEMS_H

#include "evidence.h"
#include "tls_key_item.h"

/* The labels, the types and the indicators of the CMW collection (WIRE.md, 3). */
#define QUOTE_LABEL 1
#define QUOTE_CONTENT_FORMAT 65300 /* in each handshake: a media type has 31 bytes more */
#define CERTIFICATE_LABEL 2        /* of the first one */
#define CERTIFICATE_CONTENT_FORMAT 287
#define BOOT_LOG_LABEL 5
#define BOOT_LOG_MEDIA_TYPE "application/vnd.ratls.boot-log"
#define IMA_LABEL 6
#define IMA_MEDIA_TYPE "application/vnd.ratls.ima-list+cbor"
#define TOKEN_LABEL 7
#define TOKEN_MEDIA_TYPE "application/vnd.ratls.timestamp-token"
#define SESSION_LABEL 8
#define SESSION_MEDIA_TYPE "application/vnd.ratls.session+cbor"
#define ENDORSEMENT_INDICATOR 2 /* of certificates and token */
#define EVIDENCE_INDICATOR 4    /* of all others */
#define RECORD_ITEMS 3
#define RESULT_LABEL 9
#define RESULT_CONTENT_FORMAT 263 /* application/eat+cwt, RFC 9782 */
#define RESULT_INDICATOR 8
#define TLS_KEY_LABEL 10
#define TLS_KEY_MEDIA_TYPE "application/vnd.ratls.tls-key+cbor"
#define ITEMS_MAX TLS_KEY_LABEL
#define EPOCH_ITEMS 2

#define QUOTE_ITEMS 6
#define QUOTE_MAX 12288 /* more than the limits of its items allow */
#define PATH_ITEMS 3
#define NODE_LEN 32
#define SESSION_MAX 1024 /* more than the limits of its items allow */

/* Items 7 and 8 are both there, or neither. */
static inline bool is_epoch_whole(const struct ratls_evidence *evidence)
{
    return (evidence->token.len != 0) == (evidence->session.key.len != 0);
}

#endif
