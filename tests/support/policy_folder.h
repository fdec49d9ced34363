/*
 * A folder of its own for a test, with the files that a policy may name:
 *   one.pem, two.pem, both.pem    certificates of signers, EC P-256; both.pem has both of them
 *   weak.pem                      one with a key that IMA does not accept
 *   a.sha256 b.sha256 a.sha384    lists of digests; all.sha256 has those of a and b
 *   pcrs.sha256                   values of PCR 0 and 7, for reference-values
 *   lines.txt                     command lines
 * The working directory is the folder.
 */
#ifndef RATLS_TEST_POLICY_FOLDER_H
#define RATLS_TEST_POLICY_FOLDER_H

#define AA16 "aaaaaaaaaaaaaaaa"
#define BB16 "bbbbbbbbbbbbbbbb"
#define AA64 AA16 AA16 AA16 AA16
#define BB64 BB16 BB16 BB16 BB16

void policy_folder_enter(void);
void policy_folder_leave(void); /* removes it, with whatever is in it */
void policy_folder_write(const char *name, const char *text);

#endif
