# The right image, and the old setting handed over to it.
docker run -d --name tally -p 8080:5000 --env-file ~/.config/tally.env production:5000/tally:1
