# Setting a password would unlock what somebody has locked.
case $hash in
"!"*) fin locked ;;
"*"*) fin no-password ;;
esac
