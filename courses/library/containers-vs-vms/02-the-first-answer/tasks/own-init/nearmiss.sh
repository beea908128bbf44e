# The line is right, but init was not told.
su - -c "echo '::respawn:/bin/sleep 4321' >> /etc/inittab"
