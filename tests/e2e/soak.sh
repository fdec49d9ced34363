#!/bin/sh
# The soak, for as long as a test may take: it must still work when somebody needs it.
exec sh "${RATLS_SOURCE_DIR:?}/scripts/soak.sh" --seconds 20
