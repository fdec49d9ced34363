/* Instead of store_postgresql.c, where libpq is missing. */
#include "store_link.h"

#include "fail.h"

static enum ratls_status connect(const char *where, struct ratls_store_link **ret_link,
                                 struct ratls_error *err)
{
    (void)where;
    (void)ret_link;
    return ratls_fail(err, RATLS_USAGE,
                      "this ratls was built without PostgreSQL: install libpq-dev and build it "
                      "again, or give the store as a folder");
}

const struct ratls_store_engine ratls_store_postgresql = {.connect = connect};
