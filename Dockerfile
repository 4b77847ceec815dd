# The suite on CPU, weights inside. Everything is fetched while building: a running container needs no network.
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 user && install --directory --owner=user /home/user/app
USER user
ENV HOME=/home/user \
    PATH=/home/user/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1
WORKDIR /home/user/app

# torch comes from its CPU index first: the one on PyPI brings 3 GB of CUDA libraries.
COPY --chown=user requirements.txt .
RUN python -m venv /home/user/.venv \
    && pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu "$(grep '^torch==' requirements.txt)" \
    && pip install --no-cache-dir -r requirements.txt

COPY --chown=user . .
RUN python -m kogpt_funcs prepare

ENV HF_HUB_OFFLINE=1 \
    GRADIO_ANALYTICS_ENABLED=False
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/api/health', timeout=4)"]
CMD ["python", "-m", "demos", "--host", "0.0.0.0", "--port", "7860"]
