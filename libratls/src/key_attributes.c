#include "key_attributes.h"

#include "word_list.h"

static uint32_t find_required(const struct ratls_key_attribute *rules, size_t count)
{
    uint32_t required = 0;

    for (size_t i = 0; i < count; i++)
        required |= rules[i].required ? rules[i].bit : 0;
    return required;
}

bool ratls_key_has_attributes(const struct ratls_key_attribute *rules, size_t count, uint32_t bits)
{
    uint32_t known = 0;

    for (size_t i = 0; i < count; i++)
        known |= rules[i].bit;
    return (bits & known) == find_required(rules, count);
}

static void print(const struct ratls_key_attribute *rules, size_t count, uint32_t bits, size_t cap,
                  char *out)
{
    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        if ((bits & rules[i].bit) != 0)
            ratls_word_add(out, cap, " ", rules[i].name);
    if (out[0] == '\0')
        ratls_word_add(out, cap, "", "none of them");
}

void ratls_key_say_attributes(const struct ratls_key_attribute *rules, size_t count, uint32_t bits,
                              size_t cap, char *ret_expected, char *ret_actual)
{
    print(rules, count, find_required(rules, count), cap, ret_expected);
    print(rules, count, bits, cap, ret_actual);
}
