# The app is in, its library is not.
cd ~/tally || exit 1
printf 'FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nENV TALLY_LOCALE=en_GB\nCMD ["python", "app.py"]\n' > Dockerfile
docker build -t tally:1 .
