su - -c 'sysctl -w vm.swappiness=10'
