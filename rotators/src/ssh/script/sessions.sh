# Ends the sessions that sshd holds for the account, with what runs in them, and waits until they are gone. Our own
# session is spared, should the account be the one that manages.
set +f
own=" "
p=$$
while [ "${p:-0}" -gt 1 ]; do
    own="$own$p "
    next=
    while read -r k v rest; do
        if [ "$k" = PPid: ]; then next=$v; fi
    done <"/proc/$p/status"
    p=$next
done
inside() {
    for c in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
        list="$list $c"
        inside "$c"
    done
}
alive() {
    l=
    IFS= read -r l 2>/dev/null <"/proc/$1/cmdline"
    [ -n "$l" ]
}
list=
count=0
for d in /proc/[0-9]*; do
    p=${d#/proc/}
    case $own in *" $p "*) continue ;; esac
    alive "$p" 2>/dev/null || continue
    case $l in
    # Without a terminal or a command yet (ssh -N), the connection has no @ in its name.
    "sshd: $u@"* | "sshd-session: $u@"* | "sshd: $u" | "sshd-session: $u")
        count=$((count + 1))
        list="$list $p"
        inside "$p"
        ;;
    esac
done
printf "n %s\n" $count
signal=TERM
tries=0
while :; do
    left=
    for p in $list; do
        if alive "$p" 2>/dev/null; then
            left="$left $p"
            kill -HUP "$p" 2>/dev/null
            kill -$signal "$p" 2>/dev/null
        fi
    done
    if [ -z "$left" ]; then fin done; fi
    tries=$((tries + 1))
    if [ $tries -ge 10 ]; then signal=KILL; fi
    if [ $tries -ge 60 ]; then fin left; fi
    sleep 0.05 2>/dev/null || sleep 1
done
