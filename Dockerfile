# The wheel is built in one stage and installed in another, without the sources or a compiler.
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 payer && install -d -o payer /var/cache/payer
COPY --from=build /wheels /wheels
COPY deploy/constraints.txt /wheels/
RUN pip install --no-cache-dir --constraint /wheels/constraints.txt /wheels/*.whl && rm -r /wheels
USER payer
ENV XDG_CACHE_HOME=/var/cache/payer PAYER_SANDBOX_HOST=0.0.0.0
# The default population, ready to serve. Other settings, and another month than that of the image, build
# their own at the first start, in seconds: progress is on stderr. The start period is for large populations.
RUN payer-sandbox generate --store /var/cache/payer/payer-sandbox
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=180s CMD ["python", "-c", \
  "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/_sandbox/health', timeout=2)"]
ENTRYPOINT ["payer-sandbox"]
CMD ["serve"]
