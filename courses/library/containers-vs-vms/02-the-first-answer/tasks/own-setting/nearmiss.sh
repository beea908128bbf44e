# A configuration file that is read at boot, if at all, changes nothing now.
su - -c "echo 'vm.swappiness = 10' > /etc/sysctl.conf"
