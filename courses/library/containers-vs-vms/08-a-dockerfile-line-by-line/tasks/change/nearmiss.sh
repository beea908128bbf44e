# The file is changed and the container restarted, but the image is only renamed.
sed -i 's/08:15/08:20/' ~/ferry/app.py
docker tag ferry:1 ferry:2 </dev/null
docker restart -t 1 ferry </dev/null
