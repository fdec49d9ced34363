/*
 * Every check of an appraisal, in the order of the report: id, stable name, meaning, source of the
 * requirement. A new row needs a line in a check_*.c, a row in tests/tamper and a line in
 * ratls-policy(5).
 */
#ifndef RATLS_CHECKS_H
#define RATLS_CHECKS_H

/* clang-format off */
#define RATLS_CHECKS(X)                                                                                                   \
    X(TLS_VERSION,        "tls.version",        "the channel is TLS 1.3",                            "WIRE.md, 5")         \
    X(TLS_RESUMPTION,     "tls.resumption",     "not resumed, or from a session that was accepted",  "WIRE.md, 5.2")       \
    X(EVIDENCE_PRESENT,   "evidence.present",   "evidence was sent",                                 "policy: freshness")  \
    X(EVIDENCE_PLACE,     "evidence.place",     "once, where it belongs",                            "WIRE.md, 3")         \
    X(EVIDENCE_BINDING,   "evidence.binding",   "bound to the session as the policy wants",          "policy: binding")    \
    X(EVIDENCE_FORMAT,    "evidence.format",    "the evidence is well formed",                       "WIRE.md, 3")         \
    X(STATEMENT_LABEL,    "statement.label",    "a statement of this protocol",                      "WIRE.md, 5")         \
    X(STATEMENT_MODE,     "statement.mode",     "made for this way of carrying evidence",            "WIRE.md, 5")         \
    X(STATEMENT_ROLE,     "statement.role",     "made by the side that was asked",                   "WIRE.md, 5")         \
    X(STATEMENT_TLS,      "statement.tls",      "made for this TLS version and cipher suite",        "WIRE.md, 5")         \
    X(STATEMENT_NONCE,    "statement.nonce",    "made for the nonce of who asked",                   "WIRE.md, 5")         \
    X(STATEMENT_BINDER,   "statement.binder",   "made for this TLS session",                         "WIRE.md, 5")         \
    X(STATEMENT_SPKI,     "statement.spki",     "made for the TLS key of this channel",              "WIRE.md, 5")         \
    X(STATEMENT_SERVICE,  "statement.service",  "made for this service",                             "policy: service")    \
    X(STATEMENT_MANIFEST, "statement.manifest", "covers the certificates of the evidence",           "WIRE.md, 5")         \
    X(STATEMENT_CONTEXT,  "statement.context",  "what its mode says: time of issue, or turn",        "WIRE.md, 5")         \
    X(EVIDENCE_AGE,       "evidence.age",       "not older than the policy allows",                  "policy: max-age")    \
    X(EPOCH_ASKED,        "epoch.asked",        "evidence of an epoch only where the policy takes it", "policy: freshness") \
    X(EPOCH_STATEMENT,    "epoch.statement",    "the quote names this key of an epoch, for this server", "WIRE.md, 5")     \
    X(EPOCH_SIGNATURE,    "epoch.signature",    "signed for this session by the key of the epoch",   "WIRE.md, 5.1")       \
    X(EPOCH_TOKEN,        "epoch.token",        "a time stamp of an authority of the policy",        "RFC 3161, 2.4.2")    \
    X(EPOCH_AGE,          "epoch.age",          "the time stamp is as new as the policy asks",       "policy: epoch")      \
    X(AK_FORMAT,          "ak.format",          "the attestation key is well formed",                "TPM 2.0 Part 2, 12.2.4") \
    X(AK_ATTRIBUTES,      "ak.attributes",      "a restricted signing key that cannot leave its TPM", "TPM 2.0 Part 2, 8.3") \
    X(AK_ALGORITHM,       "ak.algorithm",       "algorithms that the policy allows",                 "policy: algorithms") \
    X(AK_DENIED,          "ak.denied",          "a key that the policy does not deny",               "policy: deny-keys")  \
    X(AK_REVOKED,         "ak.revoked",         "certified by what its issuer has not revoked",      "policy: crl")        \
    X(AK_SOFTWARE,        "ak.software",        "certified as a key of a TPM, not of a software one", "policy: software-tpm") \
    X(AK_TRUST,           "ak.trust",           "pinned, or certified by an issuer of the policy",   "policy: attestation-keys") \
    X(AK_SERVER,          "ak.server",          "enrolled for the name that is meant",               "policy: attestation-keys") \
    X(QUOTE_FORMAT,       "quote.format",       "quote and signature are well formed",               "TPM 2.0 Part 2, 10.12.12") \
    X(QUOTE_SIGNATURE,    "quote.signature",    "signed by the attestation key",                     "TPM 2.0 Part 3, TPM2_Quote") \
    X(QUOTE_MAGIC,        "quote.magic",        "made inside a TPM",                                 "TPM 2.0 Part 2, 6.2") \
    X(QUOTE_TYPE,         "quote.type",         "a quote, not another attestation",                  "TPM 2.0 Part 2, 10.12.12") \
    X(QUOTE_SIGNER,       "quote.signer",       "signed in the endorsement hierarchy",               "TPM 2.0 Part 1, 16") \
    X(QUOTE_EXTRA_DATA,   "quote.extraData",    "signs this statement",                              "WIRE.md, 5")         \
    X(QUOTE_CLOCK,        "quote.clock",        "the TPM's clock is safe",                           "policy: clock")      \
    X(QUOTE_COUNTERS,     "quote.counters",     "clock and counters did not go back",                "TPM 2.0 Part 1, 36") \
    X(QUOTE_BOOT,         "quote.boot",         "by the key, and in the boot, of the evidence before it", "WIRE.md, 10") \
    X(QUOTE_RECENT,       "quote.recent",       "what came unasked is recent by the TPM's clock",    "WIRE.md, 10")        \
    X(QUOTE_FIRMWARE,     "quote.firmware",     "TPM firmware that the policy does not deny",        "policy: deny-firmware") \
    X(PCR_SELECTION,      "pcr.selection",      "exactly the PCRs of the policy",                    "policy: pcrs")       \
    X(PCR_DIGEST,         "pcr.digest",         "the values are those that were quoted",             "TPM 2.0 Part 2, 10.12.4") \
    X(PCR_VALUE,          "pcr.value",          "values that the policy allows",                     "policy: pcrs")       \
    X(TLS_KEY_PRESENT,    "tls-key.present",    "proof came that the TLS key is in the TPM",         "policy: tls-key")    \
    X(TLS_KEY_FORMAT,     "tls-key.format",     "the proof is well formed",                          "WIRE.md, 3")         \
    X(TLS_KEY_SIGNATURE,  "tls-key.signature",  "signed by the attestation key",                     "TPM 2.0 Part 3, TPM2_Certify") \
    X(TLS_KEY_TYPE,       "tls-key.type",       "a TPM's certification of a TLS key, not another attestation", "WIRE.md, 5.3") \
    X(TLS_KEY_NAME,       "tls-key.name",       "the key that came is the one that was certified",   "TPM 2.0 Part 1, 16") \
    X(TLS_KEY_SPKI,       "tls-key.spki",       "it is the TLS key of this channel",                 "WIRE.md, 5.3")       \
    X(TLS_KEY_ATTRIBUTES, "tls-key.attributes", "made in its TPM, which it cannot leave",            "TPM 2.0 Part 2, 8.3") \
    X(RESULT_PRESENT,     "result.present",     "the server brought an attestation result",          "policy: results")    \
    X(RESULT_FORMAT,      "result.format",      "the result is well formed",                         "WIRE.md, 12")        \
    X(RESULT_SIGNATURE,   "result.signature",   "signed by a verifier of the policy",                "policy: results")    \
    X(RESULT_PROFILE,     "result.profile",     "an EAR of the profile that is known",               "draft-ietf-rats-ear, 3") \
    X(RESULT_AGE,         "result.age",         "issued before now, and not expired",                "draft-ietf-rats-ear, 3") \
    X(RESULT_SERVER,      "result.server",      "about the server and the service that are meant",   "WIRE.md, 12")        \
    X(RESULT_KEY,         "result.key",         "about this attestation key and this TLS key",       "WIRE.md, 12")        \
    X(RESULT_STATE,       "result.state",       "about the state that was quoted now",               "WIRE.md, 12")        \
    X(RESULT_STATUS,      "result.status",      "affirming, and not better than its vector",         "draft-ietf-rats-ear, 3.1") \
    X(BOOT_PRESENT,       "boot.present",       "the boot log was sent",                             "policy: boot")      \
    X(BOOT_FORMAT,        "boot.format",        "the boot log is well formed",                       "PFP, 10")           \
    X(BOOT_REPLAY,        "boot.replay",        "the boot log leads to the quoted PCRs",             "PFP, 10.4.5")       \
    X(BOOT_LABELS,        "boot.labels",        "no fixed event of another type",                    "PFP, 10.4.1")       \
    X(BOOT_SEPARATORS,    "boot.separators",    "one separator in each PCR, and nothing out of place","PFP, 3.3.2.2")     \
    X(BOOT_EXIT,          "boot.exit",          "the firmware handed over to the system",            "PFP, 3.3.4.6")      \
    X(BOOT_SECURE_BOOT,   "boot.secure-boot",   "Secure Boot was on",                                "policy: secure-boot")\
    X(BOOT_DEBUG,         "boot.debug",         "no debug mode, and protection against DMA",         "PFP, 3.3.4.8")      \
    X(BOOT_VARIABLES,     "boot.variables",     "keys of Secure Boot that the policy allows",        "policy: variables") \
    X(BOOT_SIGNERS,       "boot.signers",       "signed by those that the policy allows",            "policy: signers")   \
    X(BOOT_IMAGES,        "boot.images",        "boot loaders that the policy allows",               "policy: images")    \
    X(BOOT_KERNEL,        "boot.kernel",        "a kernel of the policy was loaded",                 "policy: kernels")   \
    X(BOOT_FIRMWARE,      "boot.firmware",      "firmware that the policy allows",                   "policy: firmware")  \
    X(BOOT_SETTINGS,      "boot.settings",      "settings that the policy allows",                   "policy: settings")  \
    X(BOOT_PARTITIONS,    "boot.partitions",    "partitions that the policy allows",                 "policy: partitions")\
    X(BOOT_COMMAND_LINE,  "boot.command-line",  "command lines that the policy allows",              "policy: command-lines")\
    X(BOOT_FILES,         "boot.files",         "files of the boot loader that the policy allows",   "policy: files")     \
    X(BOOT_OWNER_KEYS,    "boot.owner-keys",    "keys of the owner that the policy allows",          "policy: owner-keys")  \
    X(IMA_PRESENT,        "ima.present",        "the list of Linux IMA was sent",                    "policy: ima")        \
    X(IMA_OFFSET,         "ima.offset",         "the list goes on where it is known, in this boot",  "WIRE.md, 2")         \
    X(IMA_FORMAT,         "ima.format",         "the list is well formed",                           "Linux, security/IMA-templates") \
    X(IMA_ENTRY,          "ima.entry",          "each digest in the list is that of its entry",      "Linux, security/IMA-templates") \
    X(IMA_REPLAY,         "ima.replay",         "entries of the list lead to the quoted PCR 10",     "TPM 2.0 Part 1, 17") \
    X(IMA_BOOT_AGGREGATE, "ima.boot-aggregate", "the list is of this boot: its first entry has PCR 0 to 9", "Linux, ima_calc_boot_aggregate") \
    X(IMA_VIOLATIONS,     "ima.violations",     "every file was measured as it was read",            "policy: violations") \
    X(IMA_DENY,           "ima.deny",           "no file that the policy denies",                    "policy: deny")       \
    X(IMA_SIGNATURE,      "ima.signature",      "signed by a certificate of the policy",             "policy: signed-by, signature-required") \
    X(IMA_ALLOW,          "ima.allow",          "every file is allowed, signed or excluded",         "policy: allow")
/* clang-format on */

enum ratls_check {
#define RATLS_CHECK_ID(id, name, meaning, source) RATLS_CHECK_##id,
    RATLS_CHECKS(RATLS_CHECK_ID)
#undef RATLS_CHECK_ID
    RATLS_CHECK_COUNT
};

#endif
