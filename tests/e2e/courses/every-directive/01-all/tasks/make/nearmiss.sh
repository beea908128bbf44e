touch ~/mad
