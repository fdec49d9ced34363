/* Templates of IMA and their fields (Linux, Documentation/security/IMA-templates.rst). */
#ifndef RATLS_IMA_FIELDS_H
#define RATLS_IMA_FIELDS_H

#include "ima.h"

struct ratls_ima_layout {
    size_t count;
    uint8_t fields[RATLS_IMA_FIELDS_MAX]; /* enum ratls_ima_field */
};

/*
 * The fields of a template by its name, or by a list of fields: "d-ng|n-ng". Returns NULL, or what
 * is wrong with it.
 */
const char *ratls_ima_layout(struct ratls_slice name, struct ratls_ima_layout *ret_layout);

/* Whether the digest of the file is the first field and its path the second, as in all templates
 * that the kernel comes with. */
bool ratls_ima_layout_is_usual(const struct ratls_ima_layout *layout);

const char *ratls_ima_field_name(unsigned field);

/* Checks the content of a field and notes what it means. Returns NULL, or what is wrong with it. */
const char *ratls_ima_take_field(struct ratls_ima_entry *entry, unsigned field,
                                 struct ratls_slice content);

#endif
