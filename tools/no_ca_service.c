/* ratls ca serve in a build without it. */
#include "ca_command.h"
#include "output.h"

int ratls_cmd_ca_serve(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    ratls_complain("this build has no service: install libmicrohttpd-dev and libsystemd-dev, and "
                   "build with -DRATLS_CA_SERVICE=ON");
    ratls_hint("'ratls ca challenge' and 'ratls ca issue' enrol by files");
    return RATLS_EXIT_FAILED;
}
