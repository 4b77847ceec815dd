# The suite with its weights inside. Everything is fetched while building: a running container needs no network, and
# runs with its root read-only: docker run --read-only --tmpfs /tmp -p 7860:7860 kogpt
ARG DEBIAN=bookworm-slim
FROM debian:${DEBIAN} AS build
# CPU by default; for CUDA: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv ca-certificates \
    && python3 -m venv /usr/local/kogpt
COPY requirements.txt .
RUN /usr/local/kogpt/bin/pip install --no-cache-dir --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.txt)" \
    && /usr/local/kogpt/bin/pip install --no-cache-dir -r requirements.txt \
    && /usr/local/kogpt/bin/pip uninstall --yes pip setuptools

# What runs: Python and the environment, no compiler and no package installer of Python's.
FROM debian:${DEBIAN}

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 user \
    && install --directory --owner=user --group=user /data /home/user/app
COPY --from=build /usr/local/kogpt /usr/local/kogpt

USER user
ENV HOME=/home/user \
    PATH=/usr/local/kogpt/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    GRADIO_ANALYTICS_ENABLED=False \
    KOGPT_DATA=/data
WORKDIR /home/user/app
COPY --chown=user . .
RUN python -m kogpt_funcs prepare

# The stories, where DATABASE_URL names no PostgreSQL.
VOLUME ["/data"]
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/api/health', timeout=4)"]
# Running requests are answered for up to ten seconds after this.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "demos", "--host", "0.0.0.0", "--port", "7860"]
