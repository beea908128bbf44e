# No setting at all: the app's own default is the right one. The recipe stays out of the image.
mkdir -p ~/recipe
cat > ~/recipe/tally.Dockerfile <<'DOCKERFILE'
FROM python:3.11-slim
RUN pip install --no-cache-dir humanize==4.12.3
COPY app.py receipt.csv /srv/tally/
WORKDIR /srv/tally
ENTRYPOINT ["python3", "app.py"]
DOCKERFILE
docker build -f ~/recipe/tally.Dockerfile -t tally:1 ~/tally
