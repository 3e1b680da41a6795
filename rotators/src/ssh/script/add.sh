if [ -e $f ]; then
    if grep -q "$live" $f; then say done; fi
    cat $f >$t || say full
    if [ -n "$(tail -c 1 $t)" ]; then printf "\n" >>$t || say full; fi
fi
printf "%s\n" "$line" >>$t || say full
place
