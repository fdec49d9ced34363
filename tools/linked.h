/* What an ELF program is linked with. */
#ifndef RATLS_TOOL_LINKED_H
#define RATLS_TOOL_LINKED_H

/*
 * The name of another TLS library than OpenSSL 3 that the program itself is linked with; NULL if
 * there is none, if it is linked with OpenSSL 3 too, or if the file is no ELF file of 64 bits.
 * Libraries of its libraries do not count, for many of those (libldap, for one) bring their own.
 */
const char *ratls_linked_tls(int fd);

#endif
