# Written down once, scaled by compose.
mkdir -p ~/crew && cd ~/crew || exit 1
cat > compose.yaml <<'YAML'
services:
  hand:
    image: alpine
    command: sleep infinity
    network_mode: none
YAML
docker-compose up -d --scale hand=12 </dev/null || docker compose up -d --scale hand=12 </dev/null
