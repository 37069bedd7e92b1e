#!/bin/sh
# The image's first step: refuses settings that nginx would misread, derives what the templates need besides them, then
# runs the command it is given, which is the base image's own entrypoint. dev/gateway.py does the same on a laptop.
set -euf

refuse() {
    echo "gateway: $1" >&2
    exit 1
}

case "${GATEWAY_TLS_CERTIFICATE:+certificate}${GATEWAY_TLS_KEY:+key}" in
    "") GATEWAY_SCHEME=http ;;
    certificatekey) GATEWAY_SCHEME=https ;;
    *) refuse "GATEWAY_TLS_CERTIFICATE and GATEWAY_TLS_KEY go together: set both or neither" ;;
esac

if [ "${GATEWAY_ALLOWED_ORIGINS:-}" != "*" ]; then
    for origin in ${GATEWAY_ALLOWED_ORIGINS:-}; do
        printf '%s\n' "$origin" | grep -Eqx '[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?' ||
            refuse "GATEWAY_ALLOWED_ORIGINS has '$origin', which is no origin as browsers send it: scheme://host[:port]"
    done
fi

export GATEWAY_SCHEME
exec "$@"
