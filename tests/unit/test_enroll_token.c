/* Tokens as text: one form of each, and nothing else is one. */
#include <criterion/criterion.h>
#include <string.h>

#include "enroll_token.h"

static struct ratls_slice text_of(const char *text)
{
    return ratls_slice(text, strlen(text));
}

/* By python3: base64.b32encode(bytes(range(32))).decode().rstrip("=").lower() */
Test(enroll_token, known)
{
    static const char known[] = "rt1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq";
    uint8_t token[RATLS_ENROLL_TOKEN_LEN], id[RATLS_ENROLL_TOKEN_ID_LEN];
    char text[RATLS_ENROLL_TOKEN_TEXT_LEN + 1];

    for (unsigned i = 0; i < sizeof token; i++)
        token[i] = (uint8_t)i;
    ratls_enroll_token_write(token, text);
    cr_expect_str_eq(text, known);
    cr_assert(ratls_enroll_token_read(text_of(known), id));
    cr_expect_arr_eq(id, token, sizeof id);
}

Test(enroll_token, all_ones)
{
    uint8_t token[RATLS_ENROLL_TOKEN_LEN], id[RATLS_ENROLL_TOKEN_ID_LEN];
    char text[RATLS_ENROLL_TOKEN_TEXT_LEN + 1];

    memset(token, 0xff, sizeof token);
    ratls_enroll_token_write(token, text);
    cr_expect(text[55] == 'q' && text[54] == '7', "%s", text);
    cr_expect(ratls_enroll_token_read(text_of(text), id));
}

Test(enroll_token, none)
{
    static const char *const texts[] = {
        "",
        "rt1-",
        "rt2-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq",
        "rt1-AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ",
        "rt1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypr", /* bits behind the end */
        "rt1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dyp",
        "rt1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq\n",
        "rt1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dyp1",
        "rt1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dyp=",
    };
    uint8_t id[RATLS_ENROLL_TOKEN_ID_LEN];
    char zero[] = "rt1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq";

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_expect(!ratls_enroll_token_read(text_of(texts[i]), id), "%s", texts[i]);
    zero[20] = '\0';
    cr_expect(!ratls_enroll_token_read(ratls_slice(zero, sizeof zero - 1), id));
}
