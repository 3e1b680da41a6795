# What the account may do, a line for each thing.
printf "r uid %s\n" "$id"
for g in $(id -Gn -- "$u" 2>/dev/null || id -Gn "$u"); do printf "r member of %s\n" "$g"; done
printf "r home %s\n" "$home"
printf "r shell %s\n" "${shell:-/bin/sh}"
printf "r account expires %s\n" "${expires:-never}"
if command -v sudo >/dev/null 2>&1; then
    sudo -n -l -U "$u" 2>/dev/null | {
        on=
        while IFS= read -r l; do
            case $l in
            *"may run the following commands"*) on=1 ;;
            *) if [ -n "$on" ]; then printf "r sudo %s\n" "$l"; fi ;;
            esac
        done
    }
fi
if [ ! -w /etc ]; then fin read-only; fi
fin done
