cd ~/tally || exit 1
cat > Dockerfile <<'DOCKERFILE'
FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
ENV TALLY_LOCALE=en_GB
EXPOSE 5000
CMD ["python", "app.py"]
DOCKERFILE
docker build -t tally:1 .
