# Runs as a builder and looks for what a builder must not have. Only what every POSIX shell has built in is relied on.
# From the derivation: nonce, port (hexadecimal, of a listener on the host's 127.0.0.1), hidden and shown (paths, a line
# each), root (1 if uid 0 outside is the machine's root).
set -f
found=0
newline='
'

leak() {
    echo "LEAK: $1"
    found=1
}

IFS=$newline
for path in $hidden; do
    if [ -e "$path" ] || [ -L "$path" ]; then
        leak "builds see the host's $path"
    fi
done

for path in $shown; do
    if ! [ -r "$path" ]; then
        echo "FAULT: builds cannot read $path, which they need: let everybody read it and enter the folders in it"
        found=1
    fi
    if [ -d "$path" ]; then
        probe=$path/.nixwright-canary-$nonce
        if (: >"$probe") 2>/dev/null; then
            rm -f "$probe"
            leak "builds can write into the host's $path"
        fi
    elif (: >>"$path") 2>/dev/null; then
        leak "builds can write to the host's $path"
    fi
done

while IFS=' ' read -r _ _ _ _ point options _; do
    IFS=$newline
    for path in $shown; do
        case $point in
            "$path" | "$path"/*)
                case ,$options, in
                    *,ro,*) ;;
                    *) leak "the host's $point is not mounted read-only for builds" ;;
                esac
                break
                ;;
        esac
    done
done </proc/self/mountinfo

for path in /proc/sys/kernel/core_pattern /proc/sysrq-trigger; do
    if [ -w "$path" ]; then
        leak "builds can write to the kernel's $path"
    fi
done

while IFS=':' read -r key value; do
    case $key in
        Uid)
            uid=${value#?}
            uid=${uid%%	*}
            while IFS=' ' read -r inside outside count; do
                if [ "$uid" -ge "$inside" ] && [ "$uid" -lt "$((inside + count))" ]; then
                    [ "$root$((uid - inside + outside))" != 10 ] || leak "builds run as the machine's root"
                fi
            done </proc/self/uid_map
            ;;
        CapEff)
            case $value in
                *[1-9a-f]*) leak "builds hold capabilities ($value)" ;;
            esac
            ;;
        NoNewPrivs)
            case $value in
                *1*) ;;
                *) leak "builds can gain privileges through set-uid programs" ;;
            esac
            ;;
    esac
done </proc/self/status

header=1
while IFS= read -r line; do
    if [ $header = 0 ]; then
        leak "builds have a network route (${line%%	*})"
    fi
    header=0
done </proc/net/route

if [ -r /proc/net/ipv6_route ]; then
    while IFS= read -r line; do
        case $line in
            *" lo" | *"	lo") ;;
            *) leak "builds have a network route (${line##* })" ;;
        esac
    done </proc/net/ipv6_route
fi

while IFS= read -r line; do
    case $line in
        *" 0100007F:$port 00000000:0000 0A "*) leak "builds share the host's 127.0.0.1" ;;
    esac
done </proc/net/tcp

while IFS= read -r line; do
    case $line in
        *" @"*)
            leak "builds share the host's abstract sockets"
            break
            ;;
    esac
done </proc/net/unix

if [ -x /bin/bash ]; then
    # shellcheck disable=SC2016 # the inner shell expands it
    if port=$((0x$port)) /bin/bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$port"' 2>/dev/null; then
        leak "builds can connect to the host's 127.0.0.1"
    fi
fi

[ $found = 0 ] || exit 1
# shellcheck disable=SC2154 # Nix sets it
printf isolated >"$out"
