su - -c "echo '::respawn:/bin/sleep 4321' >> /etc/inittab; kill -HUP 1"
