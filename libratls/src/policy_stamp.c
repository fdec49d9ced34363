#include "policy_stamp.h"

#include <errno.h>
#include <sys/stat.h>

#include "rules.h"

void ratls_stamp_make(char *path, struct ratls_stamp *ret_stamp)
{
    struct stat st;

    *ret_stamp = (struct ratls_stamp){.path = path};
    if (stat(path, &st) != 0) {
        ret_stamp->error = errno;
        return;
    }
    ret_stamp->device = st.st_dev;
    ret_stamp->inode = st.st_ino;
    ret_stamp->mode = st.st_mode;
    ret_stamp->size = st.st_size;
    ret_stamp->changed = st.st_ctim;
}

static bool is_changed(const struct ratls_stamp *then)
{
    struct ratls_stamp now;

    ratls_stamp_make(then->path, &now);
    if (now.error == EACCES)
        return false;
    return now.error != then->error || now.device != then->device || now.inode != then->inode ||
           now.mode != then->mode || now.size != then->size ||
           now.changed.tv_sec != then->changed.tv_sec ||
           now.changed.tv_nsec != then->changed.tv_nsec;
}

bool ratls_policy_files_changed(const struct ratls_policy *policy)
{
    for (size_t i = 0; i < policy->count; i++) {
        for (size_t j = 0; j < policy->rules[i].stamp_count; j++) {
            if (is_changed(&policy->rules[i].stamps[j]))
                return true;
        }
    }
    return false;
}
