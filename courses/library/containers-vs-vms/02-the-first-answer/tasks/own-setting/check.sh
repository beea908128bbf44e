now=$(cat /proc/sys/vm/swappiness)
if [ "$now" = 10 ]; then
    echo "The kernel of house now has a swappiness of 10. No other kernel has changed."
    exit 0
fi
echo "The kernel's swappiness is $now. As root, set it to 10: sysctl -w vm.swappiness=10"
exit 1
