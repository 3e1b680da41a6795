# Comments and empty lines stay; of this key a line that is there already stays as it is, with its options.
if [ -e $f ]; then
    grep -e "^[[:space:]]*#" -e "^[[:space:]]*$" -e "$live" $f >$t
    [ $? -le 1 ] || say full
    if grep -q "$live" $f; then place; fi
fi
printf "%s\n" "$line" >>$t || say full
place
