# Runs a command inside fresh namespaces: binds what is asked for, then becomes the command.
# Arguments: `file FROM TO`, `readable PATH` (bound with all below it), `locked PATH` (made read-only), then `--` and the command.
set -u

fail() {
    echo "nixwright-namespaces: $1" >&2
    exit 125
}

mount=$1
shift
while [ "$1" != -- ]; do
    case $1 in
        file)
            "$mount" --bind "$2" "$3" || fail "cannot bind $2 over $3"
            shift 3
            ;;
        readable)
            "$mount" --rbind "$2" "$2" || fail "cannot bind $2"
            shift 2
            ;;
        locked)
            "$mount" -o remount,bind,ro "$2" || fail "cannot make $2 read-only"
            shift 2
            ;;
        *)
            fail "unknown word $1"
            ;;
    esac
done
shift
exec "$@"
