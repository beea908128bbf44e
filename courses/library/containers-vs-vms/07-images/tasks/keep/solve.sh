docker commit green harbour:1
