/* Characters by which a text shows a person something else than it tells a YAML reader. */
#ifndef RATLS_POLICY_TEXT_H
#define RATLS_POLICY_TEXT_H

#include <ratls/error.h>

#include "bytes.h"

/*
 * RATLS_USAGE, with the place, if the text has a byte order mark, a line end that editors do not
 * show (a comment would end where nobody sees it), or a character that turns the direction of
 * writing around. That it is UTF-8 without control characters is left to libyaml.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_policy_text_check(const char *path, struct ratls_slice text, struct ratls_error *err);

/* Line and column, from 1, of a byte. Columns count characters. */
void ratls_policy_text_place(struct ratls_slice text, size_t offset, size_t *ret_line,
                             size_t *ret_column);

#endif
