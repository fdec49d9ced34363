#include "made_tpm.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* $1: the folder, $2: bits of the RSA key. */
static const char script[] =
    "set -e\n"
    "PATH=$PATH:/usr/sbin:/sbin\n"
    "ca=$1/localca\n"
    "mkdir \"$ca\"\n"
    "printf '%s\\n' \"statedir = $ca\" \"signingkey = $ca/signkey.pem\" \\\n"
    "    \"issuercert = $ca/issuercert.pem\" \"certserial = $ca/serial\" >\"$1/localca.conf\"\n"
    "printf '%s\\n' \"create_certs_tool = $(command -v swtpm_localca)\" \\\n"
    "    \"create_certs_tool_config = $1/localca.conf\" \\\n"
    "    'create_certs_tool_options = /dev/null' 'active_pcr_banks = sha256' >\"$1/setup.conf\"\n"
    "swtpm_setup --tpm2 --tpmstate \"$1\" --create-ek-cert --config \"$1/setup.conf\" \\\n"
    "    --rsa-keysize \"$2\" >\"$1/setup.log\" 2>&1 || { cat \"$1/setup.log\" >&2; exit 1; }\n";

static bool run_setup(const char *folder, const char *rsa_bits)
{
    const pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", script, "sh", folder, rsa_bits, (char *)NULL);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

bool made_tpm_start(struct swtpm *tpm, const char *rsa_bits)
{
    if (!swtpm_folder(tpm))
        return false;
    if (run_setup(tpm->folder, rsa_bits) && swtpm_run(tpm))
        return true;
    fprintf(stderr, "swtpm_setup: no TPM of %s bits\n", rsa_bits);
    swtpm_stop(tpm);
    return false;
}
